// SPDX-License-Identifier: Apache-2.0
#include <spdlog/spdlog.h>

#include <algorithm>

#include "registry/zookeeper/registry_impl.h"
#include "registry/zookeeper/stored.h"

namespace modelyard::registry::zookeeper {
namespace {

using modelyard::zookeeper::Client;
using modelyard::zookeeper::CreateMode;

constexpr std::string_view kPrefix = "qn-";
// How long a living consumer may take to take an item (decision 0008): its watch is pushed within milliseconds, so one
// second is long; where the reference has left registrations, three.
constexpr milliseconds kQuiet{1'000};
constexpr milliseconds kQuietWithTraces{3'000};
constexpr size_t kTracesRead = 200;
constexpr milliseconds kRetryMin{50};
constexpr milliseconds kRetryMax{5'000};

SteadyTime now() { return std::chrono::steady_clock::now(); }

}  // namespace

// Names by their sequence, lowest first; what is no item is passed over, as the reference does.
io::Task<Result<std::vector<std::string>>> ZookeeperRegistry::Impl::queue_items(Client::Watcher watcher) {
  MY_CO_TRY(auto children, co_await client_.children(layout_.queue, std::move(watcher)));
  std::vector<std::pair<int64_t, std::string>> items;
  for (std::string& name : children.names) {
    if (const auto sequence = sequence_of(name, kPrefix)) items.emplace_back(*sequence, std::move(name));
  }
  std::sort(items.begin(), items.end());
  std::vector<std::string> out;
  out.reserve(items.size());
  for (auto& [sequence, name] : items) out.push_back(std::move(name));
  co_return out;
}

io::Task<Result<std::vector<ZookeeperRegistry::Item>>> ZookeeperRegistry::Impl::requests(size_t limit) {
  std::vector<Item> out;
  auto names = co_await queue_items({});
  if (!names && names.error().code() == ErrorCode::kNotFound) co_return out;
  if (!names) co_return fail(std::move(names).error().with_context("reading " + layout_.queue));
  for (const std::string& name : *names) {
    if (out.size() >= limit) break;
    const std::string path = layout_.queue + "/" + name;
    auto node = co_await client_.get(path);
    if (!node && node.error().code() == ErrorCode::kNotFound) continue;
    if (!node) co_return fail(std::move(node).error().with_context("reading " + path));
    out.push_back({name, std::move(node->data)});
  }
  co_return out;
}

ZookeeperRegistry::Subscription ZookeeperRegistry::Impl::on_requests(std::function<void()> callback) {
  if (!std::exchange(watches_queue_, true)) scope_.spawn(watch_queue());
  return on_requests_.add(std::move(callback));
}

// One watch at a time; set again before the items are told of, so that none is missed.
io::Task<void> ZookeeperRegistry::Impl::watch_queue() {
  int failures = 0;
  for (;;) {
    auto signal = std::make_shared<Signal>();
    auto items = co_await queue_items(watcher(signal));
    if (!items && items.error().code() == ErrorCode::kNotFound) {
      // Nobody has put anything yet: its creation is waited for.
      const auto there = co_await client_.exists(layout_.queue, watcher(signal));
      if (there) continue;
      if (there.error().code() == ErrorCode::kNotFound) items = std::vector<std::string>();
    }
    if (!items) {
      const auto wait = std::min<milliseconds>(kRetryMin * (1 << std::min(failures++, 7)), kRetryMax);
      co_await io::sleep_for(std::chrono::duration_cast<std::chrono::nanoseconds>(wait * (0.5 + random_.unit())));
      continue;
    }
    failures = 0;
    if (!items->empty()) on_requests_.call();
    while (!signal->fired) co_await wake_.wait();
  }
}

// Whether somebody takes the item within the time.
io::Task<Result<bool>> ZookeeperRegistry::Impl::is_taken(const std::string& path, milliseconds within) {
  const SteadyTime deadline = now() + within;
  for (;;) {
    auto signal = std::make_shared<Signal>();
    const auto stat = co_await client_.exists(path, watcher(signal));
    if (!stat && stat.error().code() == ErrorCode::kNotFound) co_return true;
    if (!stat) co_return fail(Error(stat.error()));
    if (now() >= deadline) co_return false;
    while (!signal->fired && now() < deadline) co_await wake_.wait_until(deadline);
  }
}

// Persistent registrations: the reference's, of a master that lives or lived.
io::Task<bool> ZookeeperRegistry::Impl::has_traces_of_reference() {
  const auto models = co_await client_.children(layout_.service);
  if (!models) co_return false;
  size_t read = 0;
  for (const std::string& model : models->names) {
    const std::string folder = layout_.service + "/" + model;
    const auto ids = co_await client_.children(folder);
    for (size_t i = 0; ids && i < ids->names.size() && read < kTracesRead; ++i, ++read) {
      const auto stat = co_await client_.exists(folder + "/" + ids->names[i]);
      if (stat && stat->ephemeral_owner == 0) co_return true;
    }
    if (++read >= kTracesRead) break;
  }
  co_return false;
}

// Called while this candidate is the lowest: nobody of ours takes anything. A master of the reference has no node that
// says that it lives, but it takes what lies in the queue: see decision 0008.
io::Task<Status> ZookeeperRegistry::Impl::refuse_living_reference() {
  if (looked_ || options_.take_over) co_return Status();
  auto items = co_await queue_items({});
  if (!items && items.error().code() == ErrorCode::kNotFound) {
    looked_ = true;  // a living one would have made the queue
    co_return Status();
  }
  if (!items) co_return fail(std::move(items).error().with_context("reading " + layout_.queue));
  const milliseconds within = co_await has_traces_of_reference() ? kQuietWithTraces : kQuiet;
  std::string probe;
  std::string watched;
  if (items->empty()) {
    auto put =
        co_await client_.create(layout_.queue + "/" + std::string(kPrefix), "null", CreateMode::kPersistentSequential);
    if (!put) co_return fail(std::move(put).error().with_context("trying the queue " + layout_.queue));
    watched = probe = std::move(*put);
  } else {
    watched = layout_.queue + "/" + items->front();
  }
  auto taken = co_await is_taken(watched, within);
  if (!probe.empty()) {
    const Status removed = co_await client_.remove(probe);
    if (!removed && removed.error().code() == ErrorCode::kNotFound) taken = true;
  }
  if (!taken) co_return fail(std::move(taken).error().with_context("trying the queue " + layout_.queue));
  if (*taken) {
    co_return fail(ErrorCode::kConflict,
                   "another program takes the requests from " + layout_.queue +
                       " (a MaaS application master still runs?): stop it first, or start with --take-over");
  }
  looked_ = true;
  co_return Status();
}

}  // namespace modelyard::registry::zookeeper
