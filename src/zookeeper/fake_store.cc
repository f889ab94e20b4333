// SPDX-License-Identifier: Apache-2.0
#include "zookeeper/fake_store.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/clock.h"

namespace modelyard::zookeeper::fake {
namespace {

// EphemeralType of the server: this owner marks a container.
constexpr int64_t kContainerOwner = INT64_MIN;

bool is_sequential(CreateMode mode) {
  return mode == CreateMode::kPersistentSequential || mode == CreateMode::kEphemeralSequential ||
         mode == CreateMode::kPersistentSequentialWithTtl;
}

bool is_ephemeral(CreateMode mode) {
  return mode == CreateMode::kEphemeral || mode == CreateMode::kEphemeralSequential;
}

std::string_view words(CreateMode mode) {
  switch (mode) {
    case CreateMode::kPersistent: return "";
    case CreateMode::kEphemeral: return " ephemeral";
    case CreateMode::kPersistentSequential: return " sequential";
    case CreateMode::kEphemeralSequential: return " ephemeral-sequential";
    case CreateMode::kContainer: return " container";
    case CreateMode::kPersistentWithTtl: return " ttl";
    case CreateMode::kPersistentSequentialWithTtl: return " sequential-ttl";
  }
  return "";
}

tl::unexpected<Error> refuse(int32_t code, const std::string& what) {
  return fail(error_code_of(code), fmt::format("{}: {}", what, text_of(code)));
}

// What the server stores for the list that was asked for; nothing: INVALIDACL.
std::optional<AclList> stored_acl(const Caller& caller, const AclList& asked) {
  AclList out;
  const auto add = [&out](Acl acl) {
    if (std::find(out.begin(), out.end(), acl) == out.end()) out.push_back(std::move(acl));
  };
  for (const Acl& acl : asked) {
    if (acl.scheme == "world") {
      if (acl.id != "anyone") return std::nullopt;
      add(acl);
    } else if (acl.scheme == "auth") {
      bool found = false;
      for (const auto& [scheme, id] : caller.identities) {
        if (scheme == "ip") continue;
        add({acl.perms, scheme, id});
        found = true;
      }
      if (!found) return std::nullopt;
    } else if (acl.scheme == "digest") {
      if (std::count(acl.id.begin(), acl.id.end(), ':') != 1) return std::nullopt;
      add(acl);
    } else if ((acl.scheme == "sasl" || acl.scheme == "x509" || acl.scheme == "ip") && !acl.id.empty()) {
      add(acl);
    } else {
      return std::nullopt;
    }
  }
  if (out.empty()) return std::nullopt;
  return out;
}

}  // namespace

std::optional<std::pair<std::string, std::string>> identity_of(const std::string& scheme,
                                                               const std::string& credentials) {
  if (scheme == "digest") {
    const size_t colon = credentials.find(':');
    if (colon == std::string::npos) return std::pair(scheme, digest_id(credentials, ""));
    return std::pair(scheme, digest_id(credentials.substr(0, colon), credentials.substr(colon + 1)));
  }
  if (scheme == "sasl" || scheme == "x509") return std::pair(scheme, credentials);
  if (scheme == "ip") return std::pair<std::string, std::string>(scheme, "127.0.0.1");
  return std::nullopt;
}

std::string words(const Op& op) {
  switch (op.kind) {
    case Op::Kind::kCreate: return fmt::format("create {}{}", op.path, words(op.mode));
    case Op::Kind::kDelete: return "remove " + op.path;
    case Op::Kind::kSetData: return "set " + op.path;
    case Op::Kind::kCheck: return "check " + op.path;
  }
  return "?";
}

Store::Store(bool has_create2) : has_create2_(has_create2) {
  nodes_["/"].acl = open_acl();
  children_["/"];
}

const FakeEnsemble::Node* Store::find(const std::string& path) const {
  const auto found = nodes_.find(path);
  return found == nodes_.end() ? nullptr : &found->second;
}

bool Store::is_allowed(const Caller& caller, const AclList& acl, int32_t wanted) {
  if (caller.is_trusted || acl.empty()) return true;
  return std::any_of(acl.begin(), acl.end(), [&](const Acl& entry) {
    if ((entry.perms & wanted) == 0) return false;
    if (entry.scheme == "world") return true;
    return std::find(caller.identities.begin(), caller.identities.end(), std::pair(entry.scheme, entry.id)) !=
           caller.identities.end();
  });
}

void Store::tell(WatchEvent::Type type, const std::string& path) {
  events_.push_back({type, path, nodes_.at(path).acl});
}

void Store::roll_back() {
  for (; !undo_.empty(); undo_.pop_back()) undo_.back()();
}

void Store::insert(const std::string& path, const Op& op, AclList acl, int64_t owner) {
  const std::string parent(parent_of(path));
  Stat& above = nodes_.at(parent).stat;
  undo_.push_back([this, path, parent, before = above] {
    nodes_.erase(path);
    children_.erase(path);
    children_[parent].erase(std::string(name_of(path)));
    nodes_.at(parent).stat = before;
  });
  ++above.cversion;
  ++above.num_children;
  above.pzxid = zxid_;
  children_[parent].insert(std::string(name_of(path)));
  children_[path];

  const int64_t now = to_epoch_ms(system_clock().wall());
  FakeEnsemble::Node& node = nodes_[path];
  node.data = op.data;
  node.acl = std::move(acl);
  node.stat = {.czxid = zxid_,
               .mzxid = zxid_,
               .ctime = now,
               .mtime = now,
               .ephemeral_owner = owner,
               .data_length = static_cast<int32_t>(op.data.size()),
               .pzxid = zxid_};
  tell(WatchEvent::Type::kCreated, path);
  tell(WatchEvent::Type::kChildrenChanged, parent);
}

void Store::erase(const std::string& path) {
  const std::string parent(parent_of(path));
  Stat& above = nodes_.at(parent).stat;
  undo_.push_back([this, path, parent, before = above, node = nodes_.at(path)] {
    nodes_[path] = node;
    children_[path];
    children_[parent].insert(std::string(name_of(path)));
    nodes_.at(parent).stat = before;
  });
  tell(WatchEvent::Type::kDeleted, path);
  nodes_.erase(path);
  children_.erase(path);
  ++above.cversion;
  --above.num_children;
  above.pzxid = zxid_;
  children_[parent].erase(std::string(name_of(path)));
  tell(WatchEvent::Type::kChildrenChanged, parent);
}

int32_t Store::apply_create(const Caller& caller, const Op& op, std::string& path) {
  if (op.mode == CreateMode::kPersistentWithTtl || op.mode == CreateMode::kPersistentSequentialWithTtl)
    return code::kUnimplemented;  // extended types are off by default
  if (op.mode == CreateMode::kContainer && !has_create2_) return code::kUnimplemented;
  path = op.path;
  if (!check_path(path)) return code::kBadArguments;
  std::optional<AclList> acl = stored_acl(caller, op.acl);
  if (!acl) return code::kInvalidAcl;
  if (path == "/") return code::kNodeExists;
  const auto above = nodes_.find(std::string(parent_of(path)));
  if (above == nodes_.end()) return code::kNoNode;
  if (!is_allowed(caller, above->second.acl, perms::kCreate)) return code::kNoAuth;
  const Stat& stat = above->second.stat;
  // The server counts creations; the version it shows adds the removals.
  if (is_sequential(op.mode)) path += fmt::format("{:010d}", (stat.cversion + stat.num_children) / 2);
  if (nodes_.contains(path)) return code::kNodeExists;
  if (stat.ephemeral_owner != 0 && stat.ephemeral_owner != kContainerOwner) return code::kNoChildrenForEphemerals;
  const int64_t owner = is_ephemeral(op.mode)               ? caller.session
                        : op.mode == CreateMode::kContainer ? kContainerOwner
                                                            : 0;
  insert(path, op, std::move(*acl), owner);
  return 0;
}

int32_t Store::apply_remove(const Caller& caller, const Op& op) {
  if (!check_path(op.path) || op.path == "/") return code::kBadArguments;
  const auto above = nodes_.find(std::string(parent_of(op.path)));
  const auto found = nodes_.find(op.path);
  if (above == nodes_.end()) return code::kNoNode;
  if (!is_allowed(caller, above->second.acl, perms::kDelete)) return code::kNoAuth;
  if (found == nodes_.end()) return code::kNoNode;
  if (op.version != kAnyVersion && op.version != found->second.stat.version) return code::kBadVersion;
  if (found->second.stat.num_children > 0) return code::kNotEmpty;
  erase(op.path);
  return 0;
}

int32_t Store::apply_set(const Caller& caller, const Op& op, Stat& stat) {
  if (!check_path(op.path)) return code::kBadArguments;
  const auto found = nodes_.find(op.path);
  if (found == nodes_.end()) return code::kNoNode;
  if (!is_allowed(caller, found->second.acl, perms::kWrite)) return code::kNoAuth;
  if (op.version != kAnyVersion && op.version != found->second.stat.version) return code::kBadVersion;
  FakeEnsemble::Node& node = found->second;
  undo_.push_back([this, path = op.path, before = node] { nodes_[path] = before; });
  node.data = op.data;
  node.stat.data_length = static_cast<int32_t>(op.data.size());
  ++node.stat.version;
  node.stat.mzxid = zxid_;
  node.stat.mtime = to_epoch_ms(system_clock().wall());
  stat = node.stat;
  tell(WatchEvent::Type::kDataChanged, op.path);
  return 0;
}

int32_t Store::apply_check(const Caller& caller, const Op& op) const {
  if (!check_path(op.path)) return code::kBadArguments;
  const FakeEnsemble::Node* node = find(op.path);
  if (!node) return code::kNoNode;
  if (!is_allowed(caller, node->acl, perms::kRead)) return code::kNoAuth;
  return op.version != kAnyVersion && op.version != node->stat.version ? code::kBadVersion : 0;
}

int32_t Store::apply(const Caller& caller, const Op& op, std::string& path, Stat& stat) {
  switch (op.kind) {
    case Op::Kind::kCreate: return apply_create(caller, op, path);
    case Op::Kind::kDelete: return apply_remove(caller, op);
    case Op::Kind::kSetData: return apply_set(caller, op, stat);
    case Op::Kind::kCheck: return apply_check(caller, op);
  }
  return code::kUnimplemented;
}

Result<std::string> Store::create(const Caller& caller, const Op& op) {
  ++zxid_;
  std::string path;
  const int32_t refused = apply_create(caller, op, path);
  undo_.clear();
  if (refused != 0) return refuse(refused, "create " + op.path);
  return path;
}

Status Store::remove(const Caller& caller, const Op& op) {
  ++zxid_;
  const int32_t refused = apply_remove(caller, op);
  undo_.clear();
  if (refused != 0) return refuse(refused, "remove " + op.path);
  return {};
}

Result<Stat> Store::set(const Caller& caller, const Op& op) {
  ++zxid_;
  Stat stat;
  const int32_t refused = apply_set(caller, op, stat);
  undo_.clear();
  if (refused != 0) return refuse(refused, "set " + op.path);
  return stat;
}

MultiAnswer Store::multi(const Caller& caller, const std::vector<Op>& ops) {
  ++zxid_;
  const size_t told = events_.size();
  MultiAnswer answer;
  for (size_t i = 0; i < ops.size(); ++i) {
    std::string path;
    Stat stat;
    if (const int32_t refused = apply(caller, ops[i], path, stat); refused != 0) {
      roll_back();
      events_.resize(told);
      return {.failed_at = i,
              .refusal = error_code_of(refused),
              .text = fmt::format("{}: {}", words(ops[i]), text_of(refused))};
    }
    answer.paths.push_back(std::move(path));
    answer.stats.push_back(stat);
  }
  undo_.clear();
  answer.done = true;
  return answer;
}

Result<Stat> Store::set_acl(const Caller& caller, const std::string& path, const AclList& acl, int32_t version) {
  ++zxid_;
  if (!check_path(path)) return refuse(code::kBadArguments, "set_acl " + path);
  std::optional<AclList> stored = stored_acl(caller, acl);
  if (!stored) return refuse(code::kInvalidAcl, "set_acl " + path);
  const auto found = nodes_.find(path);
  if (found == nodes_.end()) return refuse(code::kNoNode, "set_acl " + path);
  FakeEnsemble::Node& node = found->second;
  if (!is_allowed(caller, node.acl, perms::kAdmin)) return refuse(code::kNoAuth, "set_acl " + path);
  if (version != kAnyVersion && version != node.stat.aversion) return refuse(code::kBadVersion, "set_acl " + path);
  node.acl = std::move(*stored);
  ++node.stat.aversion;
  return node.stat;
}

Result<Client::Node> Store::get(const Caller& caller, const std::string& path) const {
  const FakeEnsemble::Node* node = find(path);
  if (!node) return refuse(code::kNoNode, "get " + path);
  if (!is_allowed(caller, node->acl, perms::kRead)) return refuse(code::kNoAuth, "get " + path);
  return Client::Node{node->data, node->stat};
}

Result<Stat> Store::exists(const Caller& caller, const std::string& path) const {
  const FakeEnsemble::Node* node = find(path);
  if (!node) return refuse(code::kNoNode, "exists " + path);
  if (!is_allowed(caller, node->acl, perms::kRead)) return refuse(code::kNoAuth, "exists " + path);
  return node->stat;
}

Result<Client::Children> Store::children(const Caller& caller, const std::string& path) const {
  const FakeEnsemble::Node* node = find(path);
  if (!node) return refuse(code::kNoNode, "children " + path);
  if (!is_allowed(caller, node->acl, perms::kRead)) return refuse(code::kNoAuth, "children " + path);
  const std::set<std::string>& names = children_.at(path);
  return Client::Children{{names.begin(), names.end()}, node->stat};
}

Result<std::pair<AclList, Stat>> Store::get_acl(const Caller& caller, const std::string& path) const {
  const FakeEnsemble::Node* node = find(path);
  if (!node) return refuse(code::kNoNode, "get_acl " + path);
  if (!is_allowed(caller, node->acl, perms::kRead | perms::kAdmin)) return refuse(code::kNoAuth, "get_acl " + path);
  AclList shown = node->acl;
  // Who may not administer the node does not see the digests.
  if (!is_allowed(caller, node->acl, perms::kAdmin)) {
    for (Acl& acl : shown) {
      if (acl.scheme == "digest") acl.id = acl.id.substr(0, acl.id.find(':')) + ":x";
    }
  }
  return std::pair(std::move(shown), node->stat);
}

void Store::end_session(int64_t session) {
  ++zxid_;
  std::vector<std::string> owned;
  for (const auto& [path, node] : nodes_) {
    if (node.stat.ephemeral_owner == session) owned.push_back(path);
  }
  for (const std::string& path : owned) erase(path);
  undo_.clear();
}

}  // namespace modelyard::zookeeper::fake
