// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "zookeeper/jute.h"
#include "zookeeper/protocol.h"

// For tests: packets as a server writes and reads them.
namespace modelyard::zookeeper::testing {

inline std::string packet(std::string_view content) {
  std::string out;
  JuteWriter(out).text(content);
  return out;
}

inline std::string handshake(int64_t session, int32_t timeout_ms, std::optional<bool> read_only = false,
                             std::string_view password = "0123456789abcdef") {
  std::string out;
  JuteWriter writer(out);
  writer.number32(0).number32(timeout_ms).number64(session).text(password);
  if (read_only) writer.boolean(*read_only);
  return packet(out);
}

inline std::string reply(int32_t xid, int64_t zxid, int32_t error, std::string_view body = {}) {
  std::string out;
  JuteWriter(out).number32(xid).number64(zxid).number32(error);
  return packet(out + std::string(body));
}

inline std::string event(int32_t type, std::string_view path) {
  std::string out;
  JuteWriter(out).number32(type).number32(3).text(path);
  return reply(kXidWatchEvent, -1, 0, out);
}

inline std::string stat_body(int32_t version = 0) {
  std::string out;
  JuteWriter(out).number64(1).number64(2).number64(3).number64(4).number32(version).number32(0).number32(0);
  JuteWriter(out).number64(0).number32(5).number32(6).number64(7);
  return out;
}

inline std::string node_body(std::string_view data) {
  std::string out;
  JuteWriter(out).text(data);
  return out + stat_body();
}

inline std::string text_body(std::string_view text) {
  std::string out;
  JuteWriter(out).text(text);
  return out;
}

// One packet of a client after the handshake.
struct Asked {
  int32_t xid = 0;
  OpCode opcode = OpCode::kError;
  std::string body;
};

inline Asked read_request(std::string_view content) {
  JuteReader in(content);
  Asked asked;
  asked.xid = in.number32();
  asked.opcode = OpCode{in.number32()};
  asked.body = in.rest();
  return asked;
}

// Whole packets at the begin of bytes, without their lengths; what is left stays.
inline std::vector<std::string> take_packets(std::string& bytes) {
  std::vector<std::string> out;
  while (bytes.size() >= 4) {
    const auto size = static_cast<size_t>(JuteReader(bytes).number32());
    if (bytes.size() < size + 4) break;
    out.push_back(bytes.substr(4, size));
    bytes.erase(0, size + 4);
  }
  return out;
}

}  // namespace modelyard::zookeeper::testing
