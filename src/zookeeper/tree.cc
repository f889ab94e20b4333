// SPDX-License-Identifier: Apache-2.0
#include "zookeeper/tree.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/clock.h"
#include "zookeeper/tree_impl.h"

namespace modelyard::zookeeper {
namespace {

using namespace std::chrono_literals;

constexpr auto kRetryMin = 20ms;
constexpr auto kRetryMax = 2'000ms;
constexpr auto kRecheck = 10'000ms;
// How many gather times a change waits for others that were pushed with it.
constexpr int kGatherMax = 20;

bool is_same(const Tree::NodePtr& a, const Tree::NodePtr& b) {
  if (!a || !b) return !a && !b;
  return a->stat.czxid == b->stat.czxid && a->stat.mzxid == b->stat.mzxid;
}

}  // namespace

Tree::Impl::Impl(io::Executor executor, Client& client, std::string root, TreeOptions options)
    : executor_(executor),
      client_(client),
      root_(std::move(root)),
      options_(options),
      progress_(executor),
      scope_(executor) {}

void Tree::Impl::start() {
  is_started_ = true;
  state_subscription_ = client_.on_state([this, alive = std::weak_ptr(alive_)](Client::State state, bool new_session) {
    if (!alive.expired()) on_state(state, new_session);
  });
  establish_if_needed();
}

io::Task<void> Tree::Impl::stop() {
  is_started_ = false;
  alive_.reset();
  state_subscription_.reset();
  watch_.reset();
  progress_.notify_all();
  co_await scope_.stop();
}

void Tree::Impl::on_state(Client::State state, bool new_session) {
  if (state == Client::State::kConnected) {
    if (new_session && client_.session_id() != session_) lose_watches();
    if (mode_ == Mode::kNone) {
      establish_if_needed();
    } else {
      // The client sets the watches again. One for each node makes up for what was missed, the recursive one does not.
      if (mode_ == Mode::kRecursive) mark_all();
      kick();
    }
  }
  progress_.notify_all();
}

void Tree::Impl::lose_watches() {
  ++epoch_;
  mode_ = Mode::kNone;
  watch_.reset();
  armed_.clear();
}

void Tree::Impl::establish_if_needed() {
  if (!is_started_ || mode_ != Mode::kNone || is_establishing_ || is_retrying_) return;
  if (client_.state() != Client::State::kConnected) return;
  is_establishing_ = true;
  scope_.spawn(establish());
}

io::Task<void> Tree::Impl::establish() {
  const uint64_t epoch = epoch_;
  session_ = client_.session_id();
  auto watcher = [this, alive = std::weak_ptr(alive_), epoch](const WatchEvent& event) {
    if (!alive.expired() && epoch == epoch_) on_tree_event(event);
  };
  Result<Client::Subscription> watch =
      co_await client_.add_watch(root_, Client::WatchMode::kPersistentRecursive, std::move(watcher));
  is_establishing_ = false;
  if (epoch != epoch_) {
    establish_if_needed();
    co_return;
  }
  if (watch) {
    watch_ = std::move(*watch);
    mode_ = Mode::kRecursive;
  } else if (watch.error().code() == ErrorCode::kUnsupported) {
    mode_ = Mode::kPerNode;
  } else {
    retry_later(watch.error());
    co_return;
  }
  failures_ = 0;
  error_.clear();
  mark_all();
  kick();
}

void Tree::Impl::mark(const std::string& path, Owed owed) {
  const auto [at, is_new] = owed_.try_emplace(path, owed);
  if (!is_new) {
    Owed& known = at->second;
    known.data |= owed.data;
    known.list |= owed.list;
    known.check |= owed.check;
    if (owed.ticket >= known.ticket) return;
    outstanding_.erase(outstanding_.find(known.ticket));
    known.ticket = owed.ticket;
  } else if (!flights_.contains(path)) {
    queue_.push_back(path);
  }
  outstanding_.insert(owed.ticket);
}

void Tree::Impl::mark_all() {
  const Owed owed{.ticket = ++last_ticket_, .data = true, .check = true};
  walk_ticket_ = owed.ticket;
  mark("", owed);
  for (const auto& [path, node] : nodes_) mark(path, owed);
  for (const std::string& path : hidden_) mark(path, owed);
  for (const std::string& path : over_) mark(path, owed);
}

uint64_t Tree::Impl::mark_hidden() {
  const Owed owed{.ticket = ++last_ticket_, .data = true};
  if (!complete_ && hidden_.contains("")) walk_ticket_ = owed.ticket;
  for (const std::string& path : hidden_) mark(path, owed);
  return owed.ticket;
}

bool Tree::Impl::is_settled(uint64_t ticket) const {
  // What was missed without a watch is found by the walk that follows.
  return mode_ != Mode::kNone && (outstanding_.empty() || *outstanding_.begin() > std::max(ticket, walk_ticket_));
}

void Tree::Impl::changed(const std::string& path, NodePtr before) {
  changed_.try_emplace(path, std::move(before));
  if (!complete_ || is_gathering_) return;
  is_gathering_ = true;
  scope_.spawn(gather());
}

io::Task<void> Tree::Impl::gather() {
  const SteadyTime first = system_clock().now();
  co_await io::sleep_until(first + options_.gather);
  const SteadyTime last = first + kGatherMax * options_.gather;
  while (!outstanding_.empty() && !changed_.empty() && system_clock().now() < last) co_await progress_.wait_until(last);
  is_gathering_ = false;
  tell();
}

void Tree::Impl::tell() {
  std::vector<Change> changes;
  changes.reserve(changed_.size());
  for (auto& [path, before] : std::exchange(changed_, {})) {
    const auto found = nodes_.find(path);
    NodePtr after = found == nodes_.end() ? nullptr : found->second;
    if (!is_same(before, after)) changes.push_back({path, std::move(before), std::move(after)});
  }
  const bool is_first = !complete_;
  complete_ = true;
  if (callback && (is_first || !changes.empty())) callback(changes);
  progress_.notify_all();
}

void Tree::Impl::retry_later(const Error& error) {
  error_ = error.message();
  // Without a connection the next one sets everything going.
  if (is_retrying_ || client_.state() != Client::State::kConnected) return;
  ++failures_;
  is_retrying_ = true;
  scope_.spawn(wait_and_retry());
}

io::Task<void> Tree::Impl::wait_and_retry() {
  const auto longest =
      std::min<std::chrono::milliseconds>(kRetryMin * (1 << std::min<uint64_t>(failures_, 10)), kRetryMax);
  co_await io::sleep_for(longest / 2 + std::chrono::milliseconds(random_.below(longest.count() / 2 + 1)));
  is_retrying_ = false;
  establish_if_needed();
  kick();
}

io::Task<void> Tree::Impl::recheck_hidden() {
  while (!hidden_.empty()) {
    co_await io::sleep_for(kRecheck + std::chrono::milliseconds(random_.below(kRecheck.count() / 4)));
    mark_hidden();
    kick();
  }
  is_rechecking_ = false;
}

bool Tree::Impl::current() const {
  return complete_ && mode_ != Mode::kNone && client_.state() == Client::State::kConnected && outstanding_.empty() &&
         changed_.empty() && !hidden_.contains("");
}

std::string Tree::Impl::trouble() const {
  if (client_.state() != Client::State::kConnected) return "no connection: " + client_.trouble();
  if (!error_.empty()) return error_;
  if (!hidden_.empty()) {
    std::string text = absolute(*hidden_.begin()) + ": not permitted";
    if (hidden_.size() > 1) text += fmt::format(" (and {} more)", hidden_.size() - 1);
    return text;
  }
  if (!over_.empty()) return fmt::format("{}: {} nodes above {} are left out", root_, over_.size(), options_.nodes_max);
  return "";
}

io::Task<bool> Tree::Impl::wait_complete(SteadyTime deadline) {
  while (is_started_ && !complete_) {
    if (!co_await progress_.wait_until(deadline)) break;
  }
  co_return complete_;
}

io::Task<Status> Tree::Impl::refresh(SteadyTime deadline) {
  MY_CO_TRY_VOID(co_await client_.sync(root_, deadline));
  const uint64_t ticket = mark_hidden();
  kick();
  while (!complete_ || !is_settled(ticket)) {
    if (!is_started_) co_return fail(ErrorCode::kCancelled, root_ + ": the copy is stopped");
    if (!co_await progress_.wait_until(deadline))
      co_return fail(ErrorCode::kDeadline, fmt::format("{}: not read in time: {}", root_, trouble()));
  }
  if (!changed_.empty()) tell();
  co_return Status();
}

Tree::Tree(io::Executor executor, Client& client, std::string root, TreeOptions options)
    : impl_(std::make_unique<Impl>(executor, client, std::move(root), options)) {}
Tree::~Tree() = default;

void Tree::on_changes(OnChanges callback) { impl_->callback = std::move(callback); }
void Tree::start() { impl_->start(); }
io::Task<void> Tree::stop() { return impl_->stop(); }
bool Tree::complete() const { return impl_->complete(); }
bool Tree::current() const { return impl_->current(); }
const Tree::Nodes& Tree::nodes() const { return impl_->nodes(); }
size_t Tree::left_out() const { return impl_->left_out(); }
std::string Tree::trouble() const { return impl_->trouble(); }
io::Task<bool> Tree::wait_complete(SteadyTime deadline) { return impl_->wait_complete(deadline); }
io::Task<Status> Tree::refresh(SteadyTime deadline) { return impl_->refresh(deadline); }

Tree::NodePtr Tree::find(std::string_view path) const {
  const auto found = impl_->nodes().find(path);
  return found == impl_->nodes().end() ? nullptr : found->second;
}

}  // namespace modelyard::zookeeper
