// fuzz: DEPS zookeeper
// SPDX-License-Identifier: Apache-2.0
// Bodies of a ZooKeeper server's answers, and a quorum text: what is taken is no larger than what came, and is the same
// when it is written and read again.
#include <cstdint>

#include "base/assert.h"
#include "zookeeper/protocol.h"

namespace modelyard::zookeeper {
namespace {

void check_texts(std::string_view bytes) {
  JuteReader in(bytes);
  const std::vector<std::string> texts = in.texts();
  if (!in.good()) return;
  MY_ASSERT(texts.size() <= bytes.size() / 4);
  std::string again;
  JuteWriter(again).texts(texts);
  JuteReader second(again);
  MY_ASSERT(second.texts() == texts && second.complete());
}

void check_quorum(std::string_view text) {
  const Result<Quorum> quorum = parse_quorum(text);
  if (!quorum) return;
  MY_ASSERT(!quorum->servers.empty() && quorum->servers.size() <= 64);
  std::string again;
  for (const Quorum::Server& server : quorum->servers) {
    MY_ASSERT(!server.host.empty() && server.port != 0);
    const bool v6 = server.host.find(':') != std::string::npos;
    if (!again.empty()) again += ',';
    again += (v6 ? "[" + server.host + "]" : server.host) + ":" + std::to_string(server.port);
  }
  const Result<Quorum> second = parse_quorum(again + quorum->chroot);
  MY_ASSERT(second && second->servers.size() == quorum->servers.size() && second->chroot == quorum->chroot);
}

}  // namespace
}  // namespace modelyard::zookeeper

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace modelyard;
  using namespace modelyard::zookeeper;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check_texts(bytes);
  check_quorum(bytes);
  (void)check_path(bytes);
  (void)decode_stat(bytes);
  (void)decode_path(bytes);
  (void)decode_connect_response(bytes);
  (void)decode_watch_event(bytes);
  if (const auto node = decode_node(bytes)) MY_ASSERT(node->data.size() + 72 <= size);
  if (const auto children = decode_children(bytes)) MY_ASSERT(children->names.size() <= size / 4);
  if (const auto acl = decode_acl(bytes)) MY_ASSERT(acl->first.size() <= size / 12);
  static const std::vector<Op> kOps = {Op::create("/a", "x"), Op::set("/a", "y"), Op::remove("/a"), Op::check("/a")};
  for (size_t count = 0; count <= kOps.size(); ++count) {
    const std::vector<Op> ops(kOps.begin(), kOps.begin() + static_cast<std::ptrdiff_t>(count));
    const auto answer = decode_multi(bytes, ops);
    if (!answer) continue;
    MY_ASSERT(answer->done ? answer->paths.size() == count && answer->stats.size() == count
                           : answer->failed_at < count && !answer->text.empty());
  }
  return 0;
}
