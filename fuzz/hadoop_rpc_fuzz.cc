// fuzz: DEPS hadoop
// SPDX-License-Identifier: Apache-2.0
// What a server of Hadoop's RPC may send: the first byte chooses how far the conversation has come, the rest are its
// bytes, whole and in two pieces; and then the same bytes as the answers of a resource manager.
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "hadoop/rpc/connection.h"
#include "hadoop/testing/server_machine.h"
#include "hadoop/yarn/master_machine.h"

namespace {

using namespace modelyard::hadoop;

const Token kToken{"identifier", "password", std::string(kAmRmToken), ""};

std::string life(unsigned kind, std::string_view bytes, size_t cut) {
  rpc::ConnectionOptions options{.protocol = "P", .user = "u", .client_id = "0123456789abcdef", .cnonce = "c"};
  const char* qops[] = {"auth", "auth-int", "auth-conf"};
  if (kind % 5 != 0) options.token = kToken;
  rpc::Connection connection(options);
  if (kind % 5 >= 2) {
    testing::ServerMachine server({.tokens = {kToken}, .qop = qops[kind % 5 - 2]});
    for (int i = 0; i < 4; ++i) {
      MY_ASSERT(server.feed(connection.take_output()).has_value());
      MY_ASSERT(connection.feed(server.take_output()).has_value());
    }
  }
  (void)connection.begin_call("a", "");
  (void)connection.begin_call("b", "");
  std::string out;
  for (const std::string_view piece : {bytes.substr(0, cut), bytes.substr(cut)}) {
    const auto status = connection.feed(piece);
    while (const auto completed = connection.next_completed())
      out += completed->answer.body + (completed->answer.exception ? completed->answer.exception->class_name : "");
    if (!status) return out + "!";
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  MY_ASSERT(life(data[0], bytes, 0) == life(data[0], bytes, bytes.size() / 2));

  yarn::MasterMachine machine({.host = "h", .token = kToken});
  (void)machine.next();
  (void)machine.take({std::string(bytes), std::nullopt});
  (void)machine.next();
  (void)machine.take({"", std::nullopt});
  (void)machine.want(1, {{64, 1}, 3, ""});
  (void)machine.next();
  (void)machine.take({std::string(bytes), std::nullopt});
  (void)machine.next();
  return 0;
}
