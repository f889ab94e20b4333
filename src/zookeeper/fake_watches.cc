// SPDX-License-Identifier: Apache-2.0
// The watches of a Session: the server's registrations, the client's watchers, and how a new connection joins them.
#include "zookeeper/fake_session.h"

namespace modelyard::zookeeper::fake {
namespace {

using Type = WatchEvent::Type;

// Calls each(path) for the path and all above it until one returns true.
template <typename Each>
bool any_at_or_above(const std::string& path, Each each) {
  for (std::string at = path;; at = std::string(parent_of(at))) {
    if (each(at)) return true;
    if (at == "/") return false;
  }
}

void take(std::map<std::string, std::vector<Client::Watcher>>& from, const std::string& path,
          std::vector<Client::Watcher>& into) {
  const auto found = from.find(path);
  if (found == from.end()) return;
  for (Client::Watcher& watcher : found->second) into.push_back(std::move(watcher));
  from.erase(found);
}

using Lasting = std::map<std::string, std::list<std::shared_ptr<Client::Watcher>>>;

void copy(const Lasting& from, const std::string& path, std::vector<std::weak_ptr<Client::Watcher>>& into) {
  const auto found = from.find(path);
  if (found == from.end()) return;
  for (const auto& watcher : found->second) into.push_back(watcher);
}

}  // namespace

void Session::watch_once(std::map<std::string, std::vector<Client::Watcher>>& where, const std::string& path,
                         Client::Watcher watcher) {
  where[path].push_back(std::move(watcher));
}

Client::Subscription Session::watch_always(const std::string& path, Client::WatchMode mode, Client::Watcher watcher) {
  const bool is_recursive = mode == Client::WatchMode::kPersistentRecursive;
  const auto kept = std::make_shared<Client::Watcher>(std::move(watcher));
  (is_recursive ? watchers.recursive : watchers.persistent)[path].push_back(kept);
  // The value that is handed out takes the watcher off, here and at the server.
  const auto leave = [weak = weak_from_this(), path, is_recursive, watcher_of = std::weak_ptr(kept)](void*) {
    const auto self = weak.lock();
    if (!self) return;
    Lasting& lasting = is_recursive ? self->watchers.recursive : self->watchers.persistent;
    const auto found = lasting.find(path);
    if (found == lasting.end()) return;
    std::erase_if(found->second, [&](const auto& each) { return each == watcher_of.lock(); });
    if (!found->second.empty()) return;
    lasting.erase(found);
    (is_recursive ? self->registered.recursive : self->registered.persistent).erase(path);
  };
  return Client::Subscription(kept.get(), leave);
}

bool Session::registered_wants(const StoreEvent& event) {
  const std::string& path = event.path;
  bool wanted = registered.persistent.contains(path);
  if (event.type == Type::kChildrenChanged) return registered.child.erase(path) > 0 || wanted;
  wanted = registered.data.erase(path) > 0 || wanted;
  if (event.type == Type::kDeleted) wanted = registered.child.erase(path) > 0 || wanted;
  if (wanted || registered.recursive.empty()) return wanted;
  return any_at_or_above(path, [this](const std::string& at) { return registered.recursive.contains(at); });
}

void Session::tell(const StoreEvent& event) {
  const auto ensemble = ensemble_.lock();
  if (!ensemble || state != Client::State::kConnected || !registered_wants(event)) return;
  if (ensemble->options.events_ask_read && !Store::is_allowed(caller(), event.acl, perms::kRead)) return;
  stream_.push_back(WatchEvent{event.type, event.path});
  flush();
}

void Session::dispatch(const WatchEvent& event) {
  std::vector<Client::Watcher> once;
  std::vector<std::weak_ptr<Client::Watcher>> lasting;
  if (event.type == Type::kChildrenChanged) {
    take(watchers.child, event.path, once);
  } else {
    take(watchers.data, event.path, once);
    take(watchers.exist, event.path, once);
    if (event.type == Type::kDeleted) take(watchers.child, event.path, once);
    any_at_or_above(event.path, [&](const std::string& at) {
      copy(watchers.recursive, at, lasting);
      return false;
    });
  }
  copy(watchers.persistent, event.path, lasting);
  for (const Client::Watcher& watcher : once) watcher(event);
  for (const auto& weak : lasting) {
    if (const auto watcher = weak.lock()) (*watcher)(event);
  }
}

void Session::tell_lost() {
  Watchers all = std::exchange(watchers, {});
  for (auto* map : {&all.data, &all.exist, &all.child}) {
    for (auto& [path, list] : *map) {
      for (const Client::Watcher& watcher : list) watcher({Type::kLost, path});
    }
  }
  for (auto* map : {&all.persistent, &all.recursive}) {
    for (auto& [path, list] : *map) {
      for (const auto& watcher : list) (*watcher)({Type::kLost, path});
    }
  }
}

void Session::replay(Type type, const std::string& path) { stream_.push_back(WatchEvent{type, path}); }

// What SetWatches2 does: a one-shot watch whose node changed after seen_zxid_ fires, every other is set again.
// Persistent ones are set again and say nothing of what was missed.
void Session::set_watches_again() {
  const auto ensemble = ensemble_.lock();
  if (!ensemble) return;
  for (const auto& [path, list] : watchers.data) {
    const FakeEnsemble::Node* node = ensemble->store.find(path);
    if (!node) {
      replay(Type::kDeleted, path);
    } else if (node->stat.mzxid > seen_zxid_) {
      replay(Type::kDataChanged, path);
    } else {
      registered.data.insert(path);
    }
  }
  for (const auto& [path, list] : watchers.exist) {
    if (ensemble->store.find(path)) {
      replay(Type::kCreated, path);
    } else {
      registered.data.insert(path);
    }
  }
  for (const auto& [path, list] : watchers.child) {
    const FakeEnsemble::Node* node = ensemble->store.find(path);
    if (!node) {
      replay(Type::kDeleted, path);
    } else if (node->stat.pzxid > seen_zxid_) {
      replay(Type::kChildrenChanged, path);
    } else {
      registered.child.insert(path);
    }
  }
  for (const auto& [path, list] : watchers.persistent) registered.persistent[path] = 1;
  for (const auto& [path, list] : watchers.recursive) registered.recursive[path] = 1;
  flush();
}

}  // namespace modelyard::zookeeper::fake
