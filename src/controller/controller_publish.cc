// SPDX-License-Identifier: Apache-2.0
#include <spdlog/spdlog.h>

#include <algorithm>

#include "controller/controller_impl.h"

namespace modelyard::controller {

namespace {
constexpr milliseconds kSetAside{5'000};  // an instance whose last calls failed, before it is tried again
}  // namespace

void Controller::Impl::changed() {
  publish();
  tell_orders();
  dirty_ = true;
  wake_.notify_all();
  // A callback may end its own or another subscription: the list is walked over a copy.
  std::vector<std::function<void()>> callbacks;
  for (const Subscriber& subscriber : subscribers_) {
    if (subscriber.on_statuses) callbacks.push_back(subscriber.on_statuses);
  }
  for (const auto& callback : callbacks) callback();
}

void Controller::Impl::publish() {
  // Between two roles nothing is known that is worth more than what was published.
  if (following_ && view_ == nullptr) return;
  const bool settled = following_ || core.settled();
  auto next = registry::make_snapshot(shown().endpoints(), *snapshot, epoch_, publications_ + 1, settled);
  auto changes = std::make_shared<std::vector<registry::Change>>(registry::diff(*snapshot, *next, moment().wall_ms));
  if (changes->empty() && next->settled == snapshot->settled && next->epoch == snapshot->epoch) return;
  ++publications_;
  snapshot = std::move(next);
  std::vector<OnSnapshot> callbacks;
  for (const Subscriber& subscriber : subscribers_) {
    if (subscriber.on_snapshot) callbacks.push_back(subscriber.on_snapshot);
  }
  for (const OnSnapshot& callback : callbacks) callback(snapshot, changes);
}

void Controller::Impl::tell_orders() {
  std::vector<std::pair<std::function<void(const Order&)>, Order>> calls;
  for (auto& [id, lease] : leases_) {
    const ObservedInstance* known = core.find(id);
    // Its record is gone, or belongs to a later incarnation: this one shall end.
    const bool present = known != nullptr && known->record.incarnation == lease.told.incarnation;
    const Order now = present ? core.order_of(known->record) : Order{"drain", lease.told.incarnation};
    if (now == lease.told) continue;
    lease.told = now;
    calls.emplace_back(lease.callback, now);
  }
  for (const auto& [callback, order] : calls) callback(order);
}

void Controller::Impl::collect_payloads() {
  if (!parts.payloads.collect) return;
  std::set<std::string> wanted;
  for (const auto& [key, deployment] : core.desired().deployments) {
    for (const registry::Revision& revision : deployment.revisions) wanted.insert(revision.digest);
  }
  parts.payloads.collect(std::move(wanted));
}

void Controller::Impl::on_exit(const std::string& id, int64_t incarnation, const std::string& cause) {
  const ObservedInstance* known = core.find(id);
  if (known == nullptr) return;
  core.exited(id, incarnation, parts.launcher.log_tail(known->record), cause);
  changed();
}

void Controller::Impl::on_waiting(const std::string& id, int64_t incarnation, const std::string& why) {
  core.waiting(id, incarnation, why, parts.clock.now());
  changed();
}

io::Task<Status> Controller::Impl::on_placed(std::string id, int64_t incarnation, Placement placement) {
  const int64_t wall_ms = moment().wall_ms;
  std::function<Result<Core::Batch>(Core&)> make = [=](Core& from) {
    return from.placed(id, incarnation, placement, wall_ms);
  };
  co_return co_await enqueue(std::move(make));
}

Controller::Subscription Controller::Impl::add(Subscriber subscriber) {
  const auto at = subscribers_.insert(subscribers_.end(), std::move(subscriber));
  return Subscription(static_cast<void*>(alive_.get()), [alive = std::weak_ptr<Alive>(alive_), at](void*) {
    if (const auto still = alive.lock()) still->impl->subscribers_.erase(at);
  });
}

Controller::Subscription Controller::Impl::subscribe(OnSnapshot callback) {
  return add({std::move(callback), nullptr});
}
Controller::Subscription Controller::Impl::subscribe_statuses(std::function<void()> callback) {
  return add({nullptr, std::move(callback)});
}

Result<Controller::Subscription> Controller::Impl::open_lease(const std::string& id, int64_t incarnation,
                                                              std::function<void(const Order&)> callback) {
  MY_TRY_VOID(core.lease_opened(id, incarnation));
  const int64_t serial = ++serial_;
  const Order order = core.order_of(core.find(id)->record);
  leases_[id] = {serial, order, callback};
  callback(order);
  changed();
  return Subscription(static_cast<void*>(alive_.get()), [alive = std::weak_ptr<Alive>(alive_), id, serial](void*) {
    if (const auto still = alive.lock()) still->impl->close_lease(id, serial);
  });
}

void Controller::Impl::close_lease(const std::string& id, int64_t serial) {
  const auto found = leases_.find(id);
  if (found == leases_.end() || found->second.serial != serial) return;  // replaced by a newer connection
  const int64_t incarnation = found->second.told.incarnation;
  leases_.erase(found);
  core.lease_ended(id, incarnation, parts.clock.now());
  changed();
}

Status Controller::Impl::report(registry::RunnerReport report) {
  MY_TRY_VOID(core.report(std::move(report)));
  changed();
  return {};
}

void Controller::Impl::note_calls(const std::vector<CallReport>& reports) {
  bool any = false;
  const SteadyTime now = parts.clock.now();
  for (const CallReport& report : reports) {
    const ObservedInstance* known = shown().find_endpoint(report.id);
    if (known == nullptr) continue;
    CallReport noted = report;
    noted.id = known->record.id;
    if (!calls_.note(noted, now)) continue;
    if (following_) continue;
    core.calls_failed(noted.id, now + kSetAside);
    any = true;
  }
  if (any) changed();
}

std::vector<DeploymentStatus> Controller::Impl::statuses() const {
  const SteadyTime now = parts.clock.now();
  std::vector<DeploymentStatus> out = shown().statuses();
  for (DeploymentStatus& status : out) {
    std::vector<std::string> ids;
    for (InstanceStatus& instance : status.instances) {
      instance.calls_per_second = calls_.calls_per_second(instance.instance.id, now);
      status.calls_per_second += instance.calls_per_second;
      ids.push_back(instance.instance.id);
    }
    if (!registry_trouble_.empty()) status.error = "nothing can be changed or restarted now: " + registry_trouble_;
    status.latency_p50_ms = calls_.latency_ms(ids, 0.5, now);
    status.latency_p99_ms = calls_.latency_ms(ids, 0.99, now);
  }
  return out;
}

ControllerNumbers Controller::Impl::numbers() const {
  ControllerNumbers out = numbers_;
  out.epoch = snapshot->epoch;
  out.snapshot_revision = snapshot->revision;
  out.settled = snapshot->settled;
  out.subscribers = static_cast<int>(subscribers_.size());
  for (const DeploymentStatus& status : shown().statuses()) {
    ++out.deployments[status.state];
    out.restarts += status.restarts;
    for (const InstanceStatus& instance : status.instances) ++out.instances[instance.instance.state];
  }
  return out;
}

void Controller::Impl::answer_all(const Error& error) {
  for (const std::shared_ptr<Command>& command : commands_) {
    command->answer.emplace(tl::unexpected<Error>(error));
    command->answered.notify_all();
  }
  commands_.clear();
}

}  // namespace modelyard::controller
