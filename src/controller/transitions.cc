// SPDX-License-Identifier: Apache-2.0
#include "controller/transitions.h"

#include <algorithm>

namespace modelyard::controller::internal {
namespace {

using registry::Instance;
using registry::InstanceState;

bool ran_long_enough(const Slot& slot, const Context& context) {
  const Facts& facts = slot.seen->facts;
  return slot.record.ready_ms >= slot.record.started_ms && slot.record.ready_ms != 0 &&
         context.moment.now - facts.started >= context.options.stable_run;
}

// Why it ended, in the words of whoever knows best.
std::string cause_of_death(const Facts& facts) {
  if (!facts.kill_reason.empty()) return facts.kill_reason;
  if (facts.report && facts.report->state == InstanceState::kFailed && !facts.report->reason.empty())
    return facts.report->reason;
  if (!facts.exit_cause.empty()) return facts.exit_cause;
  if (facts.launch_error) return "could not be started: " + facts.launch_error->message();
  if (facts.report &&
      (facts.report->state == InstanceState::kGone || facts.report->state == InstanceState::kDraining)) {
    return "was stopped from outside";
  }
  return "its runner was killed";
}

void become_failed(Slot& slot, Context& context) {
  const Facts& facts = slot.seen->facts;
  Instance& record = slot.record;
  record.failures = ran_long_enough(slot, context) ? 1 : record.failures + 1;
  record.reason = cause_of_death(facts);
  record.log_tail = facts.report && !facts.report->log_tail.empty() ? facts.report->log_tail : facts.log_tail;
  record.endpoint.reset();
  record.model_pid = 0;
  set_state(record, InstanceState::kFailed, context);
  slot.retry_at = context.moment.now + backoff(record.failures, context.options, context.random);
  context.event(record, "failed", record.reason);
}

// What it wrote last may come after the news of its end.
void take_last_words(Slot& slot) {
  const Facts& facts = slot.seen->facts;
  Instance& record = slot.record;
  if (record.state != InstanceState::kFailed || !record.log_tail.empty()) return;
  record.log_tail = facts.report && !facts.report->log_tail.empty() ? facts.report->log_tail : facts.log_tail;
}

bool is_for_want_of_something(const Error& error) {
  return error.code() == ErrorCode::kResourceExhausted || error.code() == ErrorCode::kNotFound ||
         error.code() == ErrorCode::kUnavailable || error.code() == ErrorCode::kDeadline ||
         error.code() == ErrorCode::kCancelled;
}

void follow_death(Slot& slot, Context& context) {
  const Facts& facts = slot.seen->facts;
  switch (slot.record.state) {
    case InstanceState::kDraining:
    case InstanceState::kGone:
      slot.doing = Slot::Doing::kForget;
      context.event(slot.record, "drained", "stopped");
      return;
    case InstanceState::kFailed: return;
    case InstanceState::kRequested:
      // Recorded and never started (the controller died between, or something was lacking): no failure of the model.
      if (!facts.launched && !facts.report && (!facts.launch_error || is_for_want_of_something(*facts.launch_error)))
        return;
      break;
    default: break;
  }
  become_failed(slot, context);
}

void kill(Slot& slot, std::string reason, std::string_view event, Context& context) {
  if (!context.due(slot.seen->facts.retry_at)) return;
  slot.doing = Slot::Doing::kKill;
  slot.kill_reason = std::move(reason);
  context.event(slot.record, std::string(event), slot.kill_reason);
}

std::string in_seconds(milliseconds time) {
  return std::to_string(std::chrono::duration_cast<seconds>(time).count()) + " s";
}

void take_identity(Slot& slot) {
  const Facts& facts = slot.seen->facts;
  Instance& record = slot.record;
  if (facts.launched && record.runner_pid == 0) {
    record.runner_pid = facts.launched->runner_pid;
    record.runner_start_ticks = facts.launched->runner_start_ticks;
    record.boot_id = facts.launched->boot_id;
  }
  if (!facts.report) return;
  if (facts.report->runner_pid != 0) {
    record.runner_pid = facts.report->runner_pid;
    record.runner_start_ticks = facts.report->runner_start_ticks;
    record.boot_id = facts.report->boot_id;
  }
  if (facts.report->model_pid != 0 && record.state != InstanceState::kFailed)
    record.model_pid = facts.report->model_pid;
}

void become_ready(Slot& slot, const registry::RunnerReport& report, Context& context) {
  Instance& record = slot.record;
  registry::Endpoint endpoint = *report.endpoint;
  endpoint.id = record.container.empty() ? record.id : record.container;
  endpoint.name = record.name;
  endpoint.version = record.version;
  if (endpoint.host.empty()) endpoint.host = record.host;
  const bool first = record.state != InstanceState::kReady && record.ready_ms < record.started_ms;
  // Never before its start, whatever has been done to the machine's clock: "was it ready since" must stay answered.
  if (record.ready_ms < record.started_ms || record.ready_ms == 0) {
    record.ready_ms = std::max<int64_t>({context.moment.wall_ms, record.started_ms, 1});
  }
  record.reason = report.answers_on_loopback_only ? "listens on loopback only" : "";
  record.log_tail.clear();
  set_state(record, InstanceState::kReady, context);
  if (first || record.endpoint != endpoint) context.event(record, "ready", "answers at " + endpoint.url);
  record.endpoint = std::move(endpoint);
}

// The state that the runner's last report asks for.
void follow_report(Slot& slot, bool others_ready, Context& context) {
  const Facts& facts = slot.seen->facts;
  const registry::RunnerReport& report = *facts.report;
  Instance& record = slot.record;
  switch (report.state) {
    case InstanceState::kFailed:
      if (record.state != InstanceState::kFailed) become_failed(slot, context);
      return;
    case InstanceState::kReady:
      if (!report.endpoint) return;
      if (!context.due(facts.calls_bad_until) && others_ready) {
        record.reason = "the last calls to it failed";
        if (record.state != InstanceState::kUnhealthy) context.event(record, "unhealthy", record.reason);
        return set_state(record, InstanceState::kUnhealthy, context);
      }
      return become_ready(slot, report, context);
    case InstanceState::kUnhealthy:
    case InstanceState::kDraining:  // not by our order, or the record would say so
    case InstanceState::kGone:
      record.reason = report.state == InstanceState::kUnhealthy ? report.reason : "was stopped from outside";
      if (record.reason.empty()) record.reason = "does not answer";
      if (record.state != InstanceState::kUnhealthy) context.event(record, "unhealthy", record.reason);
      return set_state(record, InstanceState::kUnhealthy, context);
    case InstanceState::kLocalizing:
    case InstanceState::kStarting:
      if (!report.reason.empty()) record.reason = report.reason;
      return set_state(record, report.state, context);
    default: return;
  }
}

bool is_up(InstanceState state) {
  return state == InstanceState::kReady || state == InstanceState::kUnhealthy || state == InstanceState::kStarting ||
         state == InstanceState::kLocalizing || state == InstanceState::kRequested;
}

constexpr milliseconds kLeaseGrace{1'000};  // a runner that reconnects within it was never away

void follow_lease(Slot& slot, bool others_ready, Context& context) {
  const Facts& facts = slot.seen->facts;
  if (facts.leased || !context.due(facts.unleased_since + kLeaseGrace)) {
    if (facts.report) follow_report(slot, others_ready, context);
    return;
  }
  if (facts.seen && is_up(slot.record.state)) {
    slot.record.reason = "its runner is not connected";
    set_state(slot.record, InstanceState::kUnreachable, context);
    context.event(slot.record, "unreachable", slot.record.reason);
  }
}

// One that an earlier controller started may be cut off just now, as any other.
milliseconds silence_allowed(const Facts& facts, const ReconcileOptions& options) {
  const bool bounded = options.unreachable_max != milliseconds::max();
  return facts.found && bounded ? std::max(options.silent_max, options.unreachable_max) : options.silent_max;
}

void follow_timers(Slot& slot, Context& context) {
  const Facts& facts = slot.seen->facts;
  const ReconcileOptions& options = context.options;
  if (slot.doing != Slot::Doing::kNothing) return;
  const bool was_so = slot.seen->record.state == slot.record.state;
  if (slot.record.state == InstanceState::kDraining && slot.waiting()) {
    if (context.due(facts.retry_at)) slot.doing = Slot::Doing::kKill;  // nothing of it runs: there is nothing to drain
  } else if (slot.record.state == InstanceState::kDraining) {
    if (context.due(facts.changed + options.drain_max))
      kill(slot, "was still running " + in_seconds(options.drain_max) + " after the order to stop", "killed", context);
  } else if (slot.record.state == InstanceState::kFailed) {
    if (was_so && context.due(facts.changed + options.drain_max))
      kill(slot, "its process stayed after it failed", "killed", context);
  } else if (slot.waiting()) {
    return;  // for a place: as long as that takes
  } else if (!facts.seen && !facts.leased) {
    const milliseconds silent_max = silence_allowed(facts, options);
    if (context.due(facts.started + silent_max)) {
      kill(slot, "its runner said nothing for " + in_seconds(silent_max), "killed", context);
    }
  } else if (slot.record.state == InstanceState::kUnreachable && options.unreachable_max != milliseconds::max()) {
    if (context.due(facts.unleased_since + options.unreachable_max)) {
      kill(slot, "its runner was not connected for " + in_seconds(options.unreachable_max), "killed", context);
    }
  } else if (slot.record.state == InstanceState::kUnhealthy && was_so && facts.report &&
             facts.report->state != InstanceState::kReady) {
    if (context.due(facts.changed + options.unhealthy_max)) {
      kill(slot, slot.record.reason + " for " + in_seconds(options.unhealthy_max), "killed", context);
    }
  }
  if (slot.doing == Slot::Doing::kNothing && !facts.leased && facts.life == Facts::Life::kAlive &&
      context.due(facts.probe_at)) {
    slot.doing = Slot::Doing::kProbe;
  }
}

}  // namespace

void Context::event(const registry::Instance& of, std::string kind, std::string text) {
  plan.events.push_back({0, moment.wall_ms, of.name, of.version, of.id, std::move(kind), std::move(text)});
}
void Context::event(const registry::Deployment& of, std::string kind, std::string text) {
  plan.events.push_back({0, moment.wall_ms, of.name, of.version, "", std::move(kind), std::move(text)});
}

void set_state(Instance& record, InstanceState state, const Context& context) {
  if (record.state == state) return;
  record.state = state;
  record.since_ms = context.moment.wall_ms;
}

void follow_facts(Slot& slot, bool others_ready, Context& context) {
  if (slot.busy()) return;
  take_last_words(slot);
  if (slot.dead()) return follow_death(slot, context);
  take_identity(slot);
  if (slot.seen->facts.adopted) {
    slot.store = true;
    context.event(slot.record, "adopted", "started by an earlier controller, lives");
  }
  if (slot.record.state != InstanceState::kDraining && slot.record.state != InstanceState::kFailed) {
    follow_lease(slot, others_ready, context);
  }
  follow_timers(slot, context);
}

}  // namespace modelyard::controller::internal
