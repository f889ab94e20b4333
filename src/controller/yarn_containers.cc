// SPDX-License-Identifier: Apache-2.0
// What YarnLauncher does with containers that it has: what the cluster says of them, taking over, ending.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "controller/yarn_launch.h"
#include "controller/yarn_launcher.h"

namespace modelyard::controller {
namespace {

namespace yarn = hadoop::yarn;

constexpr milliseconds kTick{500};
// After a new resource manager took over, node managers tell it of their containers one by one.
constexpr seconds kRecovered{15};

SteadyTime now() { return system_clock().now(); }

}  // namespace

// What the cluster says
// ---------------------------------------------------------------------------------------------------

void YarnLauncher::take(const yarn::MasterEvents& events) {
  if (events.registered) {
    registered_ = true;
    registered_at_ = now();
    spdlog::info("registered with the resource manager: queue {}, at most {} MB and {} vcores a container",
                 master_.machine().queue(), master_.machine().maximum().memory_mb, master_.machine().maximum().vcores);
  }
  for (const yarn::Container& container : events.previous) {
    live_.try_emplace(container.id, Live{"", 0, container.node, container.resource.memory_mb, now()});
    if (!orphans_at_) orphans_at_ = now() + options_.adoption_wait;
  }
  for (const yarn::Container& container : events.allocated) take_allocated(container);
  for (const yarn::ContainerStatus& status : events.completed) take_completed(status);
  for (const yarn::MasterEvents::Refused& refused : events.refused) take_refused(refused);
  if (!waiting_.empty()) arrange();
  for (const yarn::NodeUpdate& update : events.nodes) {
    if (update.state != yarn::NodeUpdate::State::kUsable)
      spdlog::warn("node {} is {}{}", update.node.text(),
                   update.state == yarn::NodeUpdate::State::kGone ? "gone" : "unhealthy: ", update.text);
  }
  for (const ContainerId& id : events.preempted)
    spdlog::warn("container {} will be taken away for another queue or user", id.text());
  if (events.over_allocated > 0) spdlog::debug("{} containers above what was asked went back", events.over_allocated);
}

void YarnLauncher::take_allocated(const yarn::Container& container) {
  const auto queue = waiting_.find(container.priority);
  if (queue == waiting_.end() || queue->second.empty()) {
    master_.machine().release(container.id);
    return;
  }
  const LaunchPtr launch = queue->second.front();
  queue->second.pop_front();
  if (queue->second.empty()) waiting_.erase(queue);
  launch->queued = false;
  launch->container = container;
  live_[container.id] = {launch->spec.id, launch->spec.incarnation, container.node, launch->spec.memory_mb, now()};
  launch->changed.notify_all();
}

void YarnLauncher::take_completed(const yarn::ContainerStatus& status) {
  const auto found = live_.find(status.id);
  if (found == live_.end()) return;
  const Live ended = found->second;
  live_.erase(found);
  changed_.notify_all();
  const std::string cause = explain(status, ended.memory_mb);
  if (is_nodes_fault(status)) blame(ended.node.host);
  if (ended.id.empty()) return;
  const auto launch = launches_.find(ended.id);
  if (launch != launches_.end() && launch->second->container && launch->second->container->id == status.id)
    return withdraw(*launch->second,
                    Error(ErrorCode::kFailed, fmt::format("container {} {}", status.id.text(), cause)));
  spdlog::info("container {} of {}: {}", status.id.text(), ended.id, cause);
  if (on_exit_) on_exit_(ended.id, ended.incarnation, ended.being_killed ? "" : cause);
}

void YarnLauncher::take_refused(const yarn::MasterEvents::Refused& refused) {
  const auto queue = waiting_.find(refused.priority);
  if (queue == waiting_.end()) return;
  std::string why = fmt::format("the resource manager refuses the container: {}", refused.why);
  if (!options_.node_label.empty() && refused.why.find("label") != std::string::npos)
    why = fmt::format("the cluster or its queue '{}' has no node label '{}' for us: {}", master_.machine().queue(),
                      options_.node_label, refused.why);
  const std::deque<LaunchPtr> launches = std::exchange(queue->second, {});
  waiting_.erase(queue);
  for (const LaunchPtr& launch : launches) {
    launch->queued = false;
    withdraw(*launch, Error(ErrorCode::kInvalidArgument, why));
  }
}

void YarnLauncher::shut_down(const std::string& reason) {
  if (!ended_.empty()) return;
  ended_ = fmt::format("YARN has ended this application master: {}", reason);
  spdlog::error("{}", ended_);
  for (const auto& [id, launch] : launches_) withdraw(*launch, Error(ErrorCode::kUnavailable, ended_));
  if (on_shut_down_) on_shut_down_(reason);
}

void YarnLauncher::blame(const std::string& host) {
  if (!nodes_.failed(host, master_.machine().cluster_nodes(), now())) return;
  if (master_.machine().blacklist(host, true)) spdlog::warn("node {} is avoided: containers fail there", host);
  master_.wake();
}

io::Task<void> YarnLauncher::tick() {
  while (true) {
    co_await io::sleep_for(kTick);
    for (const std::string& host : nodes_.take_expired(now())) {
      master_.machine().blacklist(host, false);
      spdlog::info("node {} may be used again", host);
    }
    if (orphans_at_ && *orphans_at_ < now()) end_orphans();
    if (!waiting_.empty()) arrange();
  }
}

// Containers of an earlier attempt that no record claimed.
void YarnLauncher::end_orphans() {
  orphans_at_.reset();
  for (auto& [id, live] : live_) {
    if (!live.id.empty() || live.being_killed) continue;
    spdlog::warn("container {} of an earlier attempt belongs to no instance: it is ended", id.text());
    live.being_killed = true;
    live.killed_at = now();
    scope_.spawn(stop_container(id, live.node));
  }
}

// What the controller wants
// -----------------------------------------------------------------------------------------------

std::optional<yarn::ContainerId> YarnLauncher::own_container(const registry::Instance& instance) const {
  const std::optional<ContainerId> id = yarn::parse_container_id(instance.container);
  return id && id->application == options_.application ? id : std::nullopt;
}

Result<Liveness> YarnLauncher::liveness(const registry::Instance& instance) {
  if (launches_.contains(instance.id)) return Liveness::kHeld;
  const auto lives = [&](const auto& entry) { return entry.second.id == instance.id; };
  if (std::any_of(live_.begin(), live_.end(), lives)) return Liveness::kHeld;
  const std::optional<ContainerId> id = own_container(instance);
  if (!id) return Liveness::kFree;
  if (live_.contains(*id)) return Liveness::kHeld;
  // Of this very attempt everything is known; of an earlier one what the resource manager has told until now.
  const bool is_earlier = id->attempt != options_.attempt;
  if (is_earlier && (!registered_ || now() < registered_at_ + kRecovered))
    return fail(ErrorCode::kUnavailable, fmt::format("the cluster has not said yet whether {} lives", id->text()));
  return Liveness::kFree;
}

Status YarnLauncher::watch(const registry::Instance& instance) {
  const std::optional<ContainerId> id = own_container(instance);
  const auto found = id ? live_.find(*id) : live_.end();
  if (found == live_.end())
    return fail(ErrorCode::kNotFound, fmt::format("no container of {} is known to live", instance.id));
  Live& live = found->second;
  if (live.being_killed && live.id.empty())
    return fail(ErrorCode::kNotFound, fmt::format("container {} is being ended", id->text()));
  if (!live.id.empty() && live.id != instance.id)
    return fail(ErrorCode::kConflict, fmt::format("container {} belongs to {}", id->text(), live.id));
  live.id = instance.id;
  live.incarnation = instance.incarnation;
  return {};
}

io::Task<Status> YarnLauncher::kill(registry::Instance instance) {
  const SteadyTime deadline = now() + options_.kill_max;
  if (const auto launch = launches_.find(instance.id); launch != launches_.end())
    withdraw(*launch->second, Error(ErrorCode::kCancelled, "it is not wanted any more"));
  while (launches_.contains(instance.id)) {
    if (!co_await changed_.wait_until(deadline))
      co_return fail(ErrorCode::kDeadline, fmt::format("the launch of {} does not end", instance.id));
  }
  std::optional<ContainerId> id = own_container(instance);
  if (!id || !live_.contains(*id)) {
    const auto found =
        std::find_if(live_.begin(), live_.end(), [&](const auto& entry) { return entry.second.id == instance.id; });
    if (found == live_.end()) co_return Status();
    id = found->first;
  }
  Live& dying = live_.at(*id);
  if (!dying.being_killed) dying.killed_at = now();
  dying.being_killed = true;
  scope_.spawn(stop_container(*id, live_.at(*id).node));
  while (live_.contains(*id)) {
    if (co_await changed_.wait_until(deadline)) continue;
    const auto found = live_.find(*id);
    if (found == live_.end()) break;
    if (now() < found->second.killed_at + options_.forgotten_after)
      co_return fail(ErrorCode::kDeadline, fmt::format("the cluster has not said that {} ended", id->text()));
    // A resource manager that restarted knows nothing of a container whose node never came back, and never speaks of
    // it.
    spdlog::warn("container {} was given back long ago and the cluster says nothing of it: it is forgotten",
                 id->text());
    live_.erase(found);
    break;
  }
  co_return Status();
}

// The node manager ends its processes; the resource manager hears of it also when the node is away.
io::Task<void> YarnLauncher::stop_container(ContainerId id, yarn::NodeId node) {
  const Status stopped = co_await node_managers_.stop_container(node, nm_token(node), id);
  if (!stopped) spdlog::warn("ending container {}: {}", id.text(), stopped.error().message());
  master_.machine().release(id);
  master_.wake();
}

hadoop::Token YarnLauncher::nm_token(const yarn::NodeId& node) const {
  const hadoop::Token* token = master_.machine().nm_token(node);
  return token == nullptr ? hadoop::Token{} : *token;
}

// Which containers no record knows is seen when those that have one are watched: what is left then ends.
io::Task<Status> YarnLauncher::sweep(std::vector<std::string> known) {
  const std::set<std::string> ids(known.begin(), known.end());
  for (auto& [container, live] : live_) {
    if (!live.id.empty() && !ids.contains(live.id) && !launches_.contains(live.id)) live.id.clear();
  }
  orphans_at_ = now() + options_.adoption_wait;
  co_return Status();
}

void YarnLauncher::let_go() {
  const Error why(ErrorCode::kUnavailable, "another controller leads");
  std::vector<LaunchPtr> all;
  for (const auto& [id, launch] : launches_) all.push_back(launch);
  for (const LaunchPtr& launch : all) withdraw(*launch, why);
  for (auto& [id, live] : live_) live.id.clear();
  orphans_at_.reset();
}

void YarnLauncher::discard(const std::string& /*id*/) {}

std::vector<std::string> YarnLauncher::log_tail(const registry::Instance& /*instance*/) { return {}; }

}  // namespace modelyard::controller
