// fuzz: DEPS zookeeper
// SPDX-License-Identifier: Apache-2.0
// Bytes of a ZooKeeper server: the session machine takes or refuses them, whole and cut in two alike; each operation
// ends exactly once; what it writes is whole packets. The first byte chooses what stands before the rest and how it is
// framed.
#include <cstdint>

#include "base/assert.h"
#include "zookeeper/session.h"

namespace modelyard::zookeeper {
namespace {

struct Played final : SessionEvents {
  void on_ready(bool new_session) override { log += new_session ? "N" : "R"; }
  void on_expired() override { log += "E"; }
  void on_watch(WatchEvent::Type type, const std::string& path, std::vector<WatchTable::Watcher> watchers) override {
    MY_ASSERT(!watchers.empty() && !path.empty());
    log += "W" + std::to_string(static_cast<int>(type));
  }
  std::string log;
  int ended[6] = {};
};

void submit(Session& session, Played& played) {
  static const OpCode kOpCodes[] = {OpCode::kGetData, OpCode::kExists,   OpCode::kMulti,
                                    OpCode::kAuth,    OpCode::kAddWatch, OpCode::kGetChildren2};
  static const std::vector<Op> kOps = {Op::create("/a", "x"), Op::set("/a", "y"), Op::remove("/a"), Op::check("/a")};
  const auto watcher = std::make_shared<const Client::Watcher>([](const WatchEvent&) {});
  for (size_t i = 0; i < std::size(kOpCodes); ++i) {
    Request request;
    request.opcode = kOpCodes[i];
    if (i < 2) request.watch = {WatchTable::Kind::kData, "/a", watcher};
    if (i == 4) request.watch = {WatchTable::Kind::kRecursive, "/", watcher};
    request.done = [&played, i](const Result<Answer>& answer) -> Status {
      MY_ASSERT(++played.ended[i] == 1);
      if (!answer || answer->error != 0) return {};
      played.log += "A";
      if (i == 0) return decode_node(answer->body).map([](const Client::Node&) {});
      if (i == 2) return decode_multi(answer->body, kOps).map([](const MultiAnswer&) {});
      if (i == 5) return decode_children(answer->body).map([](const Client::Children&) {});
      return {};
    };
    MY_ASSERT(session.submit(std::move(request)).has_value());
  }
}

// What is written is made of whole packets.
void write(Session& session, SteadyTime now) {
  const std::string out(session.output());
  JuteReader in(out);
  while (!in.rest().empty()) in.text();
  MY_ASSERT(in.good());
  session.written(out.size(), now);
}

std::string play(std::string_view bytes, size_t cut, bool sasl) {
  Played played;
  Session session({.packet_max = 1 << 16,
                   .auth = sasl ? decltype(SessionOptions::auth){{"digest", "a:b"}} : decltype(SessionOptions::auth){}},
                  played);
  FakeClock clock;
  submit(session, played);
  session.opened(clock.now(), 0, sasl ? make_digest_md5("user", "secret", "cnonce") : nullptr,
                 clock.now() + seconds(1));
  Status status;
  for (const std::string_view piece : {bytes.substr(0, cut), bytes.substr(cut)}) {
    if (status) status = session.receive(piece, clock.now());
    if (status) write(session, clock.now());
  }
  // What was written between the pieces decides what may be answered: errors are compared without their texts.
  played.log += status ? "+" : "-";
  session.lost("cut");
  MY_ASSERT(session.watches().size() <= 3);
  session.end(Error(ErrorCode::kCancelled, ""));
  for (const int ended : played.ended) MY_ASSERT(ended == 1);
  MY_ASSERT(session.in_flight() == 0);
  return played.log;
}

// Pieces of up to 255 bytes behind a byte of length become packets.
std::string frame(std::string_view input) {
  std::string out;
  while (!input.empty()) {
    const auto size = static_cast<unsigned char>(input.front());
    const std::string_view content = input.substr(1, size);
    JuteWriter(out).text(content);
    input.remove_prefix(1 + content.size());
  }
  return out;
}

}  // namespace
}  // namespace modelyard::zookeeper

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace modelyard::zookeeper;
  if (size < 1 || size > 1 << 16) return 0;
  const unsigned mode = data[0];
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::string begin;
  if ((mode & 1) != 0) {
    std::string content;
    JuteWriter(content).number32(0).number32(10'000).number64(77).text("0123456789abcdef").boolean(false);
    JuteWriter(begin).text(content);
  }
  const std::string bytes = begin + ((mode & 2) != 0 ? frame(input) : std::string(input));
  const bool sasl = (mode & 4) != 0;
  // Operations are written once the handshake is through: so the first piece ends there, or inside of it.
  play(bytes, begin.size(), sasl);
  play(bytes, bytes.size() / 2, sasl);
  play(bytes, bytes.size(), sasl);
  return 0;
}
