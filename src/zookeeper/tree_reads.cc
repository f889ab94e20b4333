// SPDX-License-Identifier: Apache-2.0
// The requests of a Tree, their answers, and the events that ask for them.
#include <algorithm>

#include "zookeeper/tree_impl.h"

namespace modelyard::zookeeper {
namespace {

using Type = WatchEvent::Type;

std::string join(const std::string& path, const std::string& name) { return path.empty() ? name : path + "/" + name; }

const std::string& path_of(const std::string& path) { return path; }
const std::string& path_of(const Tree::Nodes::value_type& node) { return node.first; }

// The direct children of a path in a map or set by path.
template <typename Ordered>
std::vector<std::string> children_in(const Ordered& known, const std::string& path) {
  const std::string prefix = path.empty() ? "" : path + "/";
  std::vector<std::string> out;
  auto at = path.empty() ? known.upper_bound("") : known.lower_bound(prefix);
  while (at != known.end() && path_of(*at).starts_with(prefix)) {
    const std::string& found = path_of(*at);
    const size_t slash = found.find('/', prefix.size());
    if (slash == std::string::npos) {
      out.push_back(found);
      ++at;
    } else {
      // Over everything below that child: '0' follows '/'.
      at = known.lower_bound(found.substr(0, slash) + "0");
    }
  }
  return out;
}

}  // namespace

std::string Tree::Impl::absolute(const std::string& path) const {
  if (path.empty()) return root_;
  return root_ == "/" ? "/" + path : root_ + "/" + path;
}

int Tree::Impl::level(const std::string& path) const {
  return path.empty() ? 0 : 1 + static_cast<int>(std::count(path.begin(), path.end(), '/'));
}

bool Tree::Impl::is_ready() const {
  return is_started_ && mode_ != Mode::kNone && !is_retrying_ && client_.state() == Client::State::kConnected;
}

void Tree::Impl::kick() {
  while (is_ready() && !queue_.empty() && flights_.size() < options_.reads_in_flight) {
    const std::string path = std::move(queue_.front());
    queue_.pop_front();
    const auto owed = owed_.extract(path);
    flights_.emplace(path, Flight());
    scope_.spawn(read(path, owed.mapped()));
  }
}

io::Task<void> Tree::Impl::read(std::string path, Owed owed) {
  Status status;
  if (owed.data) status = co_await read_data(path, owed);
  if (status && owed.list) status = co_await read_list(path, owed);
  if (!status) {
    mark(path, owed);
    retry_later(status.error());
  } else {
    failures_ = 0;
    error_.clear();
  }
  finish(path, owed.ticket);
}

void Tree::Impl::finish(const std::string& path, uint64_t ticket) {
  flights_.erase(path);
  outstanding_.erase(outstanding_.find(ticket));
  if (owed_.contains(path)) queue_.push_back(path);
  kick();
  if (!complete_ && is_settled(walk_ticket_) && !hidden_.contains("")) tell();
  progress_.notify_all();
}

Client::Watcher Tree::Impl::make_watcher(const std::string& path, bool of_children, std::shared_ptr<bool> fired) {
  return [this, alive = std::weak_ptr(alive_), epoch = epoch_, path, of_children, fired](const WatchEvent& event) {
    *fired = true;
    if (alive.expired() || epoch != epoch_) return;
    if (event.type == Type::kLost) {
      lose_watches();
      establish_if_needed();
      return;
    }
    Armed& armed = armed_[path];
    (of_children ? armed.child : armed.data) = false;
    const bool only_list = event.type == Type::kChildrenChanged;
    mark(path, {.ticket = ++last_ticket_, .data = !only_list, .list = only_list});
    kick();
  };
}

io::Task<Status> Tree::Impl::read_data(const std::string& path, Owed& owed) {
  const auto fired = std::make_shared<bool>(false);
  const uint64_t epoch = epoch_;
  const bool arms = mode_ == Mode::kPerNode && !armed_[path].data;
  Result<Client::Node> node =
      co_await client_.get(absolute(path), arms ? make_watcher(path, false, fired) : Client::Watcher());
  const bool is_stale = flights_.at(path).is_stale;
  if (node) {
    if (arms && epoch == epoch_) armed_[path].data = !*fired;
    if (is_stale) {
      mark(path, {.ticket = owed.ticket, .data = true});
      owed.list = false;
    } else {
      take(path, std::move(*node), owed);
    }
    co_return Status();
  }
  const ErrorCode code = node.error().code();
  if (code == ErrorCode::kNotFound) {
    drop(path);
    if (const auto armed = armed_.find(path); armed != armed_.end() && !armed->second.data && !armed->second.child)
      armed_.erase(armed);
    owed.list = false;
    if (path.empty() && mode_ == Mode::kPerNode) co_return co_await watch_absent_root();
    co_return Status();
  }
  if (code == ErrorCode::kPermissionDenied) {
    hide(path);
    owed.list = false;
    co_return Status();
  }
  co_return fail(std::move(node).error());
}

io::Task<Status> Tree::Impl::watch_absent_root() {
  if (armed_[""].data) co_return Status();
  const auto fired = std::make_shared<bool>(false);
  const uint64_t epoch = epoch_;
  const Result<Stat> stat = co_await client_.exists(root_, make_watcher("", false, fired));
  if (!stat && stat.error().code() != ErrorCode::kNotFound) co_return fail(stat.error());
  if (epoch == epoch_) armed_[""].data = !*fired;
  if (stat) mark("", {.ticket = ++last_ticket_, .data = true});
  co_return Status();
}

void Tree::Impl::take(const std::string& path, Client::Node node, Owed& owed) {
  hidden_.erase(path);
  auto taken = std::make_shared<const Node>(Node{std::move(node.data), node.stat});
  const auto found = nodes_.find(path);
  const bool is_new = found == nodes_.end();
  const bool goes_deeper = level(path) < options_.depth;
  if (is_new && nodes_.size() >= options_.nodes_max) {
    if (over_.size() < options_.nodes_max) over_.insert(path);
    owed.list = false;
    return;
  }
  over_.erase(path);
  if (mode_ == Mode::kPerNode) {
    owed.list = goes_deeper && (owed.list || !armed_[path].child);
  } else {
    const bool children_changed =
        is_new ? node.stat.num_children > 0 : owed.check && node.stat.pzxid != found->second->stat.pzxid;
    owed.list = goes_deeper && (owed.list || children_changed);
  }
  if (is_new) {
    nodes_.emplace(path, std::move(taken));
    changed(path, nullptr);
    return;
  }
  NodePtr before = std::exchange(found->second, taken);
  if (before->stat.mzxid != taken->stat.mzxid || before->stat.czxid != taken->stat.czxid)
    changed(path, std::move(before));
}

io::Task<Status> Tree::Impl::read_list(const std::string& path, const Owed& owed) {
  const auto fired = std::make_shared<bool>(false);
  const uint64_t epoch = epoch_;
  const bool arms = mode_ == Mode::kPerNode && !armed_[path].child;
  Result<Client::Children> children =
      co_await client_.children(absolute(path), arms ? make_watcher(path, true, fired) : Client::Watcher());
  if (children) {
    if (arms && epoch == epoch_) armed_[path].child = !*fired;
    take_list(path, children->names, owed);
    co_return Status();
  }
  const ErrorCode code = children.error().code();
  if (code != ErrorCode::kNotFound && code != ErrorCode::kPermissionDenied) co_return fail(std::move(children).error());
  // Gone or closed since its data was read: that read says which.
  mark(path, {.ticket = owed.ticket, .data = true});
  co_return Status();
}

void Tree::Impl::take_list(const std::string& path, const std::vector<std::string>& names, const Owed& owed) {
  const std::set<std::string> listed(names.begin(), names.end());
  const Owed found{.ticket = owed.ticket, .data = true, .check = owed.check};
  for (const std::string& name : listed) {
    const std::string child = join(path, name);
    if (!nodes_.contains(child) && !hidden_.contains(child) && !over_.contains(child)) mark(child, found);
  }
  // One that is known and not listed is read: its answer says that it is gone.
  const size_t start = path.empty() ? 0 : path.size() + 1;
  const auto mark_unlisted = [&](const auto& known) {
    for (const std::string& child : children_in(known, path)) {
      if (!listed.contains(child.substr(start))) mark(child, found);
    }
  };
  mark_unlisted(nodes_);
  mark_unlisted(hidden_);
  mark_unlisted(over_);
}

void Tree::Impl::drop(const std::string& path) {
  const auto erase_names = [&](std::set<std::string>& set) {
    set.erase(path);
    const auto end = path.empty() ? set.end() : set.lower_bound(path + "0");
    set.erase(path.empty() ? set.begin() : set.lower_bound(path + "/"), end);
  };
  erase_names(hidden_);
  erase_names(over_);
  const auto forget = [this](Nodes::iterator at) {
    changed(at->first, at->second);
    if (const auto armed = armed_.find(at->first); armed != armed_.end() && !armed->second.data && !armed->second.child)
      armed_.erase(armed);
    return nodes_.erase(at);
  };
  if (const auto at = nodes_.find(path); at != nodes_.end()) forget(at);
  const auto end = path.empty() ? nodes_.end() : nodes_.lower_bound(path + "0");
  for (auto at = path.empty() ? nodes_.begin() : nodes_.lower_bound(path + "/"); at != end;) at = forget(at);
  admit_left_out();
}

void Tree::Impl::hide(const std::string& path) {
  drop(path);
  hidden_.insert(path);
  if (is_rechecking_) return;
  is_rechecking_ = true;
  scope_.spawn(recheck_hidden());
}

void Tree::Impl::admit_left_out() {
  size_t room = options_.nodes_max - std::min(options_.nodes_max, nodes_.size());
  for (auto at = over_.begin(); room > 0 && at != over_.end(); --room) {
    mark(*at, {.ticket = ++last_ticket_, .data = true});
    at = over_.erase(at);
  }
}

void Tree::Impl::on_tree_event(const WatchEvent& event) {
  if (event.type == Type::kLost) {
    lose_watches();
    establish_if_needed();
    return;
  }
  const size_t start = root_ == "/" ? 1 : root_.size() + 1;
  const std::string path = event.path.size() <= start - (root_ == "/" ? 0 : 1) ? "" : event.path.substr(start);
  if (level(path) > options_.depth) return;
  if (event.type == Type::kDeleted) {
    if (const auto flight = flights_.find(path); flight != flights_.end()) flight->second.is_stale = true;
    drop(path);
  } else {
    mark(path, {.ticket = ++last_ticket_, .data = true});
  }
  kick();
}

}  // namespace modelyard::zookeeper
