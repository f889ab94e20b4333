// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "zookeeper/client.h"
#include "zookeeper/jute.h"
#include "zookeeper/types.h"

// The packets of ZooKeeper's client protocol (zookeeper.jute, ZooDefs.OpCode): bodies of requests and answers, without
// their length and header. Paths are the server's, with the chroot.
namespace modelyard::zookeeper {

enum class OpCode : int32_t {
  kCreate = 1,
  kDelete = 2,
  kExists = 3,
  kGetData = 4,
  kSetData = 5,
  kGetAcl = 6,
  kSetAcl = 7,
  kGetChildren = 8,
  kSync = 9,
  kPing = 11,
  kGetChildren2 = 12,
  kCheck = 13,
  kMulti = 14,
  kCreate2 = 15,
  kCheckWatches = 17,     // 3.5 and later
  kRemoveWatches = 18,    // 3.5 and later
  kCreateContainer = 19,  // 3.5.3 and later
  kCreateTtl = 21,        // 3.5.3 and later
  kAuth = 100,
  kSetWatches = 101,
  kSasl = 102,
  kSetWatches2 = 105,  // 3.6 and later
  kAddWatch = 106,     // 3.6 and later
  kCloseSession = -11,
  kError = -1,
};

// xids that are no number of a request.
inline constexpr int32_t kXidWatchEvent = -1;
inline constexpr int32_t kXidPing = -2;
inline constexpr int32_t kXidAuth = -4;
inline constexpr int32_t kXidSetWatches = -8;

// 3.4 does not know it: it answers UNIMPLEMENTED, out of order, and ends the connection.
bool is_unknown_to_old_servers(OpCode opcode);

struct ConnectRequest {
  int64_t last_zxid_seen = 0;
  int32_t timeout_ms = 0;
  int64_t session_id = 0;
  std::string password;
  bool read_only = false;
};
struct ConnectResponse {
  int32_t timeout_ms = 0;  // not above 0: the session has expired
  int64_t session_id = 0;
  std::string password;
  bool read_only = false;  // servers before 3.4 do not say
};
void encode(JuteWriter& out, const ConnectRequest& request);
Result<ConnectResponse> decode_connect_response(std::string_view body);

struct ReplyHeader {
  int32_t xid = 0;
  int64_t zxid = 0;
  int32_t error = 0;
};
inline constexpr size_t kReplyHeaderSize = 16;

// Bodies of requests.
std::string path_request(std::string_view path);
std::string path_watch_request(std::string_view path, bool watch);       // exists, getData, getChildren2
std::string path_number_request(std::string_view path, int32_t number);  // delete, check, addWatch, removeWatches
std::string set_data_request(std::string_view path, std::string_view data, int32_t version);
std::string set_acl_request(std::string_view path, const AclList& acl, int32_t version);
std::string auth_request(std::string_view scheme, std::string_view credentials);
// Opcode and body of a create: its mode decides.
std::pair<OpCode, std::string> create_request(const Op& op, std::string_view path);
// paths: of the operations, with the chroot.
std::string multi_request(const std::vector<Op>& ops, const std::vector<std::string>& paths);

// Bodies of answers. kProtocol: it is not one. Bytes after the record are let be, as newer servers may append fields.
Result<Stat> decode_stat(std::string_view body);
Result<std::string> decode_path(std::string_view body);
Result<Client::Node> decode_node(std::string_view body);
Result<Client::Children> decode_children(std::string_view body);
Result<std::pair<AclList, Stat>> decode_acl(std::string_view body);
// count: the number of operations that were asked for.
Result<MultiAnswer> decode_multi(std::string_view body, const std::vector<Op>& ops);

struct WatchPacket {
  int32_t type = 0;
  int32_t state = 0;
  std::string path;
};
Result<WatchPacket> decode_watch_event(std::string_view body);

}  // namespace modelyard::zookeeper
