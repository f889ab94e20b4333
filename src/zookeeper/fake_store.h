// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "zookeeper/fake.h"
#include "zookeeper/types.h"

// Parts of FakeEnsemble: include zookeeper/fake.h instead.
namespace modelyard::zookeeper::fake {

// The server's codes that the data tree answers with (KeeperException.Code).
namespace code {
inline constexpr int32_t kUnimplemented = -6;
inline constexpr int32_t kBadArguments = -8;
inline constexpr int32_t kNoNode = -101;
inline constexpr int32_t kNoAuth = -102;
inline constexpr int32_t kBadVersion = -103;
inline constexpr int32_t kNoChildrenForEphemerals = -108;
inline constexpr int32_t kNodeExists = -110;
inline constexpr int32_t kNotEmpty = -111;
inline constexpr int32_t kInvalidAcl = -114;
inline constexpr int32_t kAuthFailed = -115;
}  // namespace code

// Who asks: identities are (scheme, id) as an ACL names them.
struct Caller {
  int64_t session = 0;
  std::vector<std::pair<std::string, std::string>> identities;
  bool is_trusted = false;  // no ACL is asked
};

// What a watch may be told, in the server's order; acl is the node's, for servers that tell only those who may read.
struct StoreEvent {
  WatchEvent::Type type;
  std::string path;
  AclList acl;
};

// The identity that an addauth gives; nothing: the server refuses it.
std::optional<std::pair<std::string, std::string>> identity_of(const std::string& scheme,
                                                               const std::string& credentials);
// "create /a ephemeral", "set /a": how requests() and on_write() name an operation.
std::string words(const Op& op);

// The replicated data tree: what a transaction does and what it is refused with (DataTree and PrepRequestProcessor of
// the server). Each call is one transaction. Not thread-safe.
class Store {
 public:
  explicit Store(bool has_create2);

  Result<std::string> create(const Caller& caller, const Op& op);
  Status remove(const Caller& caller, const Op& op);
  Result<Stat> set(const Caller& caller, const Op& op);
  MultiAnswer multi(const Caller& caller, const std::vector<Op>& ops);
  Result<Stat> set_acl(const Caller& caller, const std::string& path, const AclList& acl, int32_t version);

  Result<Client::Node> get(const Caller& caller, const std::string& path) const;
  Result<Stat> exists(const Caller& caller, const std::string& path) const;
  Result<Client::Children> children(const Caller& caller, const std::string& path) const;
  Result<std::pair<AclList, Stat>> get_acl(const Caller& caller, const std::string& path) const;

  // Removes the session's ephemeral nodes.
  void end_session(int64_t session);
  // What happened since the last call.
  std::vector<StoreEvent> take_events() { return std::exchange(events_, {}); }

  const FakeEnsemble::Node* find(const std::string& path) const;
  const std::map<std::string, FakeEnsemble::Node>& nodes() const { return nodes_; }
  int64_t zxid() const { return zxid_; }
  static bool is_allowed(const Caller& caller, const AclList& acl, int32_t wanted);

 private:
  // A server code; 0 = done.
  int32_t apply_create(const Caller& caller, const Op& op, std::string& path);
  int32_t apply_remove(const Caller& caller, const Op& op);
  int32_t apply_set(const Caller& caller, const Op& op, Stat& stat);
  int32_t apply_check(const Caller& caller, const Op& op) const;
  int32_t apply(const Caller& caller, const Op& op, std::string& path, Stat& stat);
  void insert(const std::string& path, const Op& op, AclList acl, int64_t owner);
  void erase(const std::string& path);
  void roll_back();
  void tell(WatchEvent::Type type, const std::string& path);

  const bool has_create2_;
  int64_t zxid_ = 0;
  std::map<std::string, FakeEnsemble::Node> nodes_;
  std::map<std::string, std::set<std::string>> children_;
  std::vector<StoreEvent> events_;
  std::vector<std::function<void()>> undo_;  // of the running transaction
};

}  // namespace modelyard::zookeeper::fake
