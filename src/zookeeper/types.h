// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// The nouns of ZooKeeper, as its wire protocol has them (zookeeper.jute of Apache ZooKeeper 3.4 to 3.9).
namespace modelyard::zookeeper {

struct Stat {
  int64_t czxid = 0;
  int64_t mzxid = 0;
  int64_t ctime = 0;  // milliseconds since 1970
  int64_t mtime = 0;
  int32_t version = 0;
  int32_t cversion = 0;
  int32_t aversion = 0;
  int64_t ephemeral_owner = 0;  // the session's id; 0 = persistent
  int32_t data_length = 0;
  int32_t num_children = 0;
  int64_t pzxid = 0;
  bool operator==(const Stat&) const = default;
};

namespace perms {
inline constexpr int32_t kRead = 1;
inline constexpr int32_t kWrite = 2;
inline constexpr int32_t kCreate = 4;
inline constexpr int32_t kDelete = 8;
inline constexpr int32_t kAdmin = 16;
inline constexpr int32_t kAll = 31;
}  // namespace perms

struct Acl {
  int32_t perms = perms::kAll;
  std::string scheme;  // "world", "digest", "sasl", "auth", "x509"
  std::string id;      // "anyone", "USER:base64(sha1(USER:PASSWORD))", …
  bool operator==(const Acl&) const = default;
};
using AclList = std::vector<Acl>;
AclList open_acl();                                                       // world:anyone may do everything
std::string digest_id(std::string_view user, std::string_view password);  // the id of scheme digest

enum class CreateMode : int32_t {
  kPersistent = 0,
  kEphemeral = 1,
  kPersistentSequential = 2,
  kEphemeralSequential = 3,
  kContainer = 4,          // 3.5.3 and later, as the ones below; kUnsupported before
  kPersistentWithTtl = 5,  // Op::create_with_ttl alone; the server must have extended types enabled
  kPersistentSequentialWithTtl = 6,
};

inline constexpr int32_t kAnyVersion = -1;

// One operation of a multi, in the form that each single call has.
struct Op {
  enum class Kind { kCreate, kDelete, kSetData, kCheck };
  Kind kind = Kind::kCheck;
  std::string path;
  std::string data;
  AclList acl;
  CreateMode mode = CreateMode::kPersistent;
  int32_t version = kAnyVersion;
  std::chrono::milliseconds ttl{0};  // of the modes with a time to live

  static Op create(std::string path, std::string data, CreateMode mode = CreateMode::kPersistent,
                   AclList acl = open_acl());
  // The server removes the node when it had no children and was not changed for so long.
  static Op create_with_ttl(std::string path, std::string data, std::chrono::milliseconds ttl, bool sequential = false,
                            AclList acl = open_acl());
  static Op remove(std::string path, int32_t version = kAnyVersion);
  static Op set(std::string path, std::string data, int32_t version = kAnyVersion);
  static Op check(std::string path, int32_t version = kAnyVersion);
};

// What a multi did. done: every operation, all at once. Otherwise none of them: `failed_at` is the index of the one
// that the server refused, `refusal` why.
struct MultiAnswer {
  bool done = false;
  std::vector<std::string> paths;  // of the creates, with their sequence; "" for the others; in order
  std::vector<Stat> stats;         // of the sets; in order of the operations, empty ones for the others
  size_t failed_at = 0;
  ErrorCode refusal = ErrorCode::kInternal;
  std::string text;  // "create /a/b: the node exists"
};

struct WatchEvent {
  enum class Type {
    kCreated = 1,
    kDeleted = 2,
    kDataChanged = 3,
    kChildrenChanged = 4,
    kLost = -2,  // the watch is gone with its session, or the server removed it: read again and watch again
  };
  Type type = Type::kLost;
  std::string path;  // absolute, as the caller named it (below the chroot)
};

// The server's codes (KeeperException.Code) in ours. What callers act on:
//   kNotFound NONODE; kAlreadyExists NODEEXISTS; kConflict BADVERSION, NOTEMPTY, NOCHILDRENFOREPHEMERALS;
//   kPermissionDenied NOAUTH; kUnauthenticated AUTHFAILED, SESSIONCLOSEDREQUIRESASLAUTH; kInvalidArgument
//   BADARGUMENTS, INVALIDACL; kUnsupported UNIMPLEMENTED, NOTREADONLY (a read-only server); kResourceExhausted
//   QUOTAEXCEEDED, and our own bounds; kProtocol MARSHALLINGERROR.
// Of a lost connection: kUnavailable = the request was certainly not carried out; kDeadline = it may have been.
ErrorCode error_code_of(int32_t server_code);
std::string_view text_of(int32_t server_code);  // "the node does not exist"

// Absolute, no empty, "." or ".." component, no control characters, no '/' at the end but "/" itself.
Status check_path(std::string_view path);
// "/a/b" -> "/a"; "/a" -> "/".
std::string_view parent_of(std::string_view path);
std::string_view name_of(std::string_view path);

}  // namespace modelyard::zookeeper
