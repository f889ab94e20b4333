// SPDX-License-Identifier: Apache-2.0
#include "controller/core.h"

#include <algorithm>

#include "base/version.h"

namespace modelyard::controller {

using registry::Instance;
using registry::InstanceState;
using registry::Write;

namespace {

// Longer than any wait that counts from a start, so that a wall clock that was set back or forward harms nothing.
constexpr int64_t kAgeMaxMs = 3'600'000;
constexpr milliseconds kProbeEvery{1'000};
constexpr milliseconds kKillAgainAfter{5'000};
constexpr size_t kTailBytesMax = 4096;
constexpr size_t kReasonBytesMax = 2048;

// Of what others say, as much as a record may hold: the last lines, the beginning of a sentence.
void bound(registry::RunnerReport& report) {
  if (report.reason.size() > kReasonBytesMax) report.reason.resize(kReasonBytesMax);
  size_t bytes = 0;
  size_t keep = report.log_tail.size();
  while (keep > 0) {
    std::string& line = report.log_tail[keep - 1];
    if (line.size() > kTailBytesMax) line.resize(kTailBytesMax);
    bytes += line.size() + 1;
    if (bytes > kTailBytesMax + 1) break;
    --keep;
  }
  report.log_tail.erase(report.log_tail.begin(), report.log_tail.begin() + static_cast<std::ptrdiff_t>(keep));
}

Facts found(const Instance& record, Moment moment, Random& random, Liveness liveness, const ReconcileOptions& options) {
  Facts facts;
  facts.life = liveness == Liveness::kHeld ? Facts::Life::kAlive : Facts::Life::kDead;
  const int64_t age_ms = std::clamp<int64_t>(moment.wall_ms - record.started_ms, 0, kAgeMaxMs);
  // An instance that lives is given silent_max from now; how long it has run counts only when it has spoken (report()).
  facts.started = liveness == Liveness::kHeld ? moment.now : moment.now - milliseconds(age_ms);
  facts.changed = facts.unleased_since = facts.probe_at = moment.now;
  facts.found = liveness == Liveness::kHeld;
  if (record.state == InstanceState::kFailed) facts.retry_at = moment.now + backoff(record.failures, options, random);
  return facts;
}

void note_seen(Facts& facts) {
  facts.adopted = facts.adopted || (facts.found && !facts.seen);
  facts.seen = true;
}

}  // namespace

Core::Core(ReconcileOptions options, std::string host) : options_(options) { observed_.host = std::move(host); }

void Core::load(registry::Contents contents, Moment moment, Random& random, const LivenessOf& liveness) {
  std::map<std::string, ObservedInstance> before = std::move(observed_.instances);
  observed_.instances.clear();
  by_container_.clear();
  desired_.deployments.clear();
  epoch_ = contents.epoch;
  observed_.last_incarnation = std::max(observed_.last_incarnation, contents.last_incarnation);
  for (registry::Deployment& deployment : contents.deployments) {
    DeploymentKey key{deployment.name, deployment.version};
    desired_.deployments.emplace(std::move(key), std::move(deployment));
  }
  for (Instance& record : contents.instances) {
    ObservedInstance& now = observed_.instances[record.id];
    const auto known = before.find(record.id);
    if (known != before.end() && known->second.record.incarnation == record.incarnation) {
      now.facts = std::move(known->second.facts);
      if (known->second.record.state != record.state) now.facts.changed = moment.now;
    } else {
      now.facts = found(record, moment, random, liveness(record), options_);
    }
    if (!record.container.empty()) by_container_[record.container] = record.id;
    now.record = std::move(record);
  }
  if (!loaded_) settled_ = false;
  loaded_ = true;
  look_settled();
}

void Core::forget() {
  observed_.instances.clear();
  by_container_.clear();
  loaded_ = false;
}

void Core::look_settled() {
  if (settled_) return;
  settled_ = std::all_of(observed_.instances.begin(), observed_.instances.end(), [](const auto& entry) {
    return entry.second.facts.life == Facts::Life::kDead || entry.second.facts.seen;
  });
}

Core::Batch Core::plan(Moment moment, Random& random) const {
  Batch batch;
  Plan plan = step(desired_, observed_, moment, options_, random);
  batch.wake = plan.wake;
  for (const Action& action : plan.actions) {
    switch (action.kind) {
      case Action::Kind::kStore:
      case Action::Kind::kPlaced:
      case Action::Kind::kLaunch: batch.writes.push_back(Write::put(action.instance)); break;
      case Action::Kind::kKill:
        if (const ObservedInstance* known = find(action.instance.id);
            known != nullptr && !(known->record == action.instance)) {
          batch.writes.push_back(Write::put(action.instance));
        }
        break;
      case Action::Kind::kForget: batch.writes.push_back(Write::remove_instance(action.instance.id)); break;
      case Action::Kind::kProbe: break;
      case Action::Kind::kPutDeployment: batch.writes.push_back(Write::put(action.deployment)); break;
      case Action::Kind::kRemoveDeployment:
        batch.writes.push_back(Write::remove_deployment(action.deployment.name, action.deployment.version));
        break;
    }
  }
  for (registry::Event& event : plan.events) batch.writes.push_back(Write::append(std::move(event)));
  batch.actions = std::move(plan.actions);
  return batch;
}

void Core::committed(const Batch& batch, Moment moment) {
  for (const Action& action : batch.actions) take(action, moment);
  look_settled();
}

void Core::take(const Action& action, Moment moment) {
  using Kind = Action::Kind;
  if (action.kind == Kind::kPutDeployment) {
    desired_.deployments[{action.deployment.name, action.deployment.version}] = action.deployment;
    return;
  }
  if (action.kind == Kind::kRemoveDeployment) {
    desired_.deployments.erase({action.deployment.name, action.deployment.version});
    return;
  }
  if (action.kind == Kind::kForget) {
    if (const ObservedInstance* known = find(action.instance.id)) by_container_.erase(known->record.container);
    observed_.instances.erase(action.instance.id);
    return;
  }
  ObservedInstance& entry = observed_.instances[action.instance.id];
  if (action.kind == Kind::kLaunch) {
    const int failures = entry.facts.launch_failures;
    by_container_.erase(entry.record.container);
    entry.facts = Facts{};
    entry.facts.launch_failures = failures;
    entry.facts.launching = true;
    entry.facts.started = entry.facts.unleased_since = moment.now;
    entry.facts.probe_at = moment.now + kProbeEvery;
    observed_.last_incarnation = std::max(observed_.last_incarnation, action.instance.incarnation);
  }
  if (action.kind == Kind::kKill) {
    entry.facts.killing = true;
    entry.facts.kill_reason = action.kill_reason;
  }
  if (action.kind == Kind::kProbe) {
    entry.facts.probe_at = moment.now + kProbeEvery;
    return;
  }
  if (action.kind == Action::Kind::kPlaced) {
    entry.facts.waiting.clear();
    entry.facts.started = entry.facts.unleased_since = moment.now;
    if (!action.instance.container.empty()) by_container_[action.instance.container] = action.instance.id;
  }
  entry.facts.adopted = false;
  if (entry.record.state != action.instance.state || action.kind == Kind::kLaunch) entry.facts.changed = moment.now;
  if (action.retry_at != SteadyTime{}) entry.facts.retry_at = action.retry_at;
  entry.record = action.instance;
}

const ObservedInstance* Core::find(const std::string& id) const {
  const auto found = observed_.instances.find(id);
  return found == observed_.instances.end() ? nullptr : &found->second;
}

const ObservedInstance* Core::find_endpoint(const std::string& endpoint_id) const {
  const auto placed = by_container_.find(endpoint_id);
  const ObservedInstance* known = find(placed == by_container_.end() ? endpoint_id : placed->second);
  return known == nullptr || placed == by_container_.end() || known->record.container == endpoint_id ? known : nullptr;
}

ObservedInstance* Core::present(const std::string& id, int64_t incarnation) {
  const auto found = observed_.instances.find(id);
  if (found == observed_.instances.end() || found->second.record.incarnation != incarnation) return nullptr;
  return &found->second;
}

Status Core::admit(const std::string& id, int64_t incarnation) const {
  // A runner that comes before the records are read is not unknown: it must not end for that.
  if (!loaded_) return fail(ErrorCode::kUnavailable, "the controller is starting");
  const ObservedInstance* known = find(id);
  if (known == nullptr) return fail(ErrorCode::kNotFound, "no instance '" + id + "'");
  if (known->record.incarnation != incarnation) {
    return fail(ErrorCode::kConflict, "instance '" + id + "' has incarnation " +
                                          std::to_string(known->record.incarnation) + " now, not " +
                                          std::to_string(incarnation));
  }
  return {};
}

Status Core::lease_opened(const std::string& id, int64_t incarnation) {
  MY_TRY_VOID(admit(id, incarnation));
  Facts& facts = present(id, incarnation)->facts;
  facts.leased = true;
  note_seen(facts);
  if (facts.life == Facts::Life::kUnknown) facts.life = Facts::Life::kAlive;
  look_settled();
  return {};
}

void Core::lease_ended(const std::string& id, int64_t incarnation, SteadyTime now) {
  ObservedInstance* entry = present(id, incarnation);
  if (entry == nullptr) return;
  entry->facts.leased = false;
  entry->facts.unleased_since = now;
  entry->facts.probe_at = now;
}

Status Core::report(registry::RunnerReport report) {
  MY_TRY_VOID(admit(report.id, report.incarnation));
  bound(report);
  ObservedInstance* entry = present(report.id, report.incarnation);
  note_seen(entry->facts);
  if (entry->facts.life == Facts::Life::kUnknown) entry->facts.life = Facts::Life::kAlive;
  entry->facts.report = std::move(report);
  look_settled();
  return {};
}

void Core::waiting(const std::string& id, int64_t incarnation, std::string why, SteadyTime now) {
  ObservedInstance* entry = present(id, incarnation);
  if (entry == nullptr || !entry->facts.launching) return;
  if (why.size() > kReasonBytesMax) why.resize(kReasonBytesMax);
  entry->facts.waiting = std::move(why);
  entry->facts.started = entry->facts.unleased_since = now;  // it is not silent: nothing of it runs yet
}

void Core::exited(const std::string& id, int64_t incarnation, std::vector<std::string> log_tail, std::string cause) {
  ObservedInstance* entry = present(id, incarnation);
  if (entry == nullptr || entry->facts.life == Facts::Life::kDead) return;
  entry->facts.life = Facts::Life::kDead;
  entry->facts.leased = false;
  entry->facts.log_tail = std::move(log_tail);
  if (cause.size() > kReasonBytesMax) cause.resize(kReasonBytesMax);
  entry->facts.exit_cause = std::move(cause);
  look_settled();
}

void Core::launched(const std::string& id, int64_t incarnation, Result<Launched> outcome, Liveness now_locked,
                    Moment moment, Random& random) {
  ObservedInstance* entry = present(id, incarnation);
  if (entry == nullptr) return;
  Facts& facts = entry->facts;
  facts.launching = false;
  facts.waiting.clear();
  if (outcome) {
    facts.launched = std::move(*outcome);
    facts.launch_failures = 0;
    facts.launch_error.reset();
    if (facts.life == Facts::Life::kUnknown) facts.life = Facts::Life::kAlive;
    return;
  }
  ++facts.launch_failures;
  facts.retry_at = moment.now + backoff(facts.launch_failures + 1, options_, random);
  facts.launch_error = std::move(outcome.error());
  // Held: an earlier incarnation, or this one although the answer was lost. It speaks, ends, or is ended for its
  // silence.
  if (facts.life != Facts::Life::kDead)
    facts.life = now_locked == Liveness::kHeld ? Facts::Life::kAlive : Facts::Life::kDead;
}

void Core::killed(const std::string& id, int64_t incarnation, bool is_free, std::vector<std::string> log_tail,
                  SteadyTime now) {
  ObservedInstance* entry = present(id, incarnation);
  if (entry == nullptr) return;
  entry->facts.killing = false;
  if (is_free) return exited(id, incarnation, std::move(log_tail));
  entry->facts.retry_at = now + kKillAgainAfter;
}

void Core::probed(const std::string& id, int64_t incarnation, Liveness liveness, std::vector<std::string> log_tail,
                  SteadyTime now) {
  ObservedInstance* entry = present(id, incarnation);
  if (entry == nullptr || entry->facts.in_flight()) return;
  entry->facts.probe_at = now + kProbeEvery;
  if (liveness == Liveness::kFree) exited(id, incarnation, std::move(log_tail));
}

void Core::calls_failed(const std::string& id, SteadyTime until) {
  const auto found = observed_.instances.find(id);
  if (found != observed_.instances.end()) found->second.facts.calls_bad_until = until;
}

Order Core::order_of(const Instance& record) const {
  const bool ends = record.state == InstanceState::kDraining || record.state == InstanceState::kGone;
  return {ends ? "drain" : record.state == InstanceState::kFailed ? "stop" : "serve", record.incarnation};
}

std::vector<registry::Endpoint> Core::endpoints() const {
  std::vector<registry::Endpoint> out;
  for (const auto& [id, entry] : observed_.instances) {
    if (is_callable(entry)) out.push_back(*entry.record.endpoint);
  }
  return out;
}

std::vector<DeploymentStatus> Core::statuses() const {
  std::map<DeploymentKey, std::vector<const ObservedInstance*>> by_deployment;
  for (const auto& [id, entry] : observed_.instances)
    by_deployment[{entry.record.name, entry.record.version}].push_back(&entry);
  std::vector<DeploymentStatus> out;
  for (const auto& [key, deployment] : desired_.deployments)
    out.push_back(status_of(deployment, by_deployment[key], options_));
  std::sort(out.begin(), out.end(), [](const DeploymentStatus& a, const DeploymentStatus& b) {
    if (a.deployment.name != b.deployment.name) return a.deployment.name < b.deployment.name;
    return compare_versions(a.deployment.version, b.deployment.version) < 0;
  });
  return out;
}

}  // namespace modelyard::controller
