// SPDX-License-Identifier: Apache-2.0
#include "controller/reconcile.h"

#include <algorithm>
#include <cmath>
#include <list>

#include "controller/transitions.h"

namespace modelyard::controller {
namespace {

using internal::Context;
using internal::Slot;
using registry::Deployment;
using registry::Instance;
using registry::InstanceState;
using registry::Revision;

bool is_ready(const Slot& slot) { return slot.record.state == InstanceState::kReady && !slot.dead(); }

int count_ready(const std::vector<Slot*>& slots) {
  return static_cast<int>(std::count_if(slots.begin(), slots.end(), [](const Slot* slot) { return is_ready(*slot); }));
}

// Who goes first when there are too many: what answers nobody, then the newest.
bool goes_before(const Slot* a, const Slot* b) {
  const auto rank = [](const Slot& slot) {
    switch (slot.record.state) {
      case InstanceState::kFailed: return 0;
      case InstanceState::kRequested:
      case InstanceState::kUnhealthy: return 1;
      case InstanceState::kUnreachable: return 2;
      case InstanceState::kReady: return 4;
      default: return 3;
    }
  };
  if (rank(*a) != rank(*b)) return rank(*a) < rank(*b);
  if (a->record.created_ms != b->record.created_ms) return a->record.created_ms > b->record.created_ms;
  return a->record.id > b->record.id;
}

std::string hex_suffix(Random& random) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (int i = 0; i < 6; ++i) out.push_back(kDigits[random.below(16)]);
  return out;
}

std::string rejection_text(const Instance& record, std::string_view cause) {
  std::string text(cause);
  for (const std::string& line : record.log_tail) text += "\n" + line;
  return text;
}

// Everything about one step: the working copies of the records, and the plan that comes of them.
class Stepper {
 public:
  Stepper(const Desired& desired, const Observed& observed, Moment moment, const ReconcileOptions& options,
          Random& random)
      : desired_(desired),
        observed_(observed),
        context_{moment, options, random, plan_},
        last_incarnation_(observed.last_incarnation) {}

  Plan run() {
    std::map<DeploymentKey, std::vector<Slot*>> by_deployment;
    std::map<DeploymentKey, int> ready;
    for (const auto& [id, seen] : observed_.instances) {
      if (is_callable(seen)) ++ready[{seen.record.name, seen.record.version}];
    }
    for (const auto& [id, seen] : observed_.instances) {
      Slot& slot = slots_.emplace_back();
      slot.seen = &seen;
      slot.record = seen.record;
      const DeploymentKey key{slot.record.name, slot.record.version};
      internal::follow_facts(slot, ready[key] > (is_callable(seen) ? 1 : 0), context_);
      by_deployment[key].push_back(&slot);
    }
    for (const auto& [key, deployment] : desired_.deployments) decide(deployment, by_deployment[key]);
    for (const auto& [key, slots] : by_deployment) {
      if (desired_.deployments.contains(key)) continue;
      for (Slot* slot : slots) drain(*slot);
    }
    for (Slot& slot : slots_) emit(slot);
    return std::move(plan_);
  }

 private:
  void decide(const Deployment& deployment, const std::vector<Slot*>& all) {
    std::vector<Slot*> live;
    bool any_left = false;
    for (Slot* slot : all) {
      if (slot->gone()) continue;
      any_left = true;
      if (slot->record.state != InstanceState::kDraining) live.push_back(slot);
    }
    if (desired_.shutting_down || deployment.removing) {
      for (Slot* slot : live) drain(*slot);
      // The records go first, in a transaction of their own: no instance is ever stored without its deployment.
      if (deployment.removing && !any_left && all.empty()) {
        plan_.actions.push_back({.kind = Action::Kind::kRemoveDeployment, .deployment = deployment});
        context_.event(deployment, "removed", "removed");
      }
      return;
    }
    Deployment next = deployment;
    arrange(next, live);
    for (Slot* slot : live) restart(next, *slot);
    if (next == deployment) return;
    ++next.generation;
    plan_.actions.push_back({.kind = Action::Kind::kPutDeployment, .deployment = std::move(next)});
  }

  // The right number of instances of the right revision.
  void arrange(Deployment& deployment, std::vector<Slot*>& live) {
    const Revision* wanted = wanted_revision(deployment);
    if (wanted == nullptr) return;
    std::vector<Slot*> current;
    std::vector<Slot*> old;
    for (Slot* slot : live) (slot->record.revision == wanted->number ? current : old).push_back(slot);
    std::sort(old.begin(), old.end(), goes_before);
    std::sort(current.begin(), current.end(), goes_before);
    const int target = deployment.instances;
    if (old.empty()) {
      for (size_t i = 0; static_cast<int>(current.size()) - static_cast<int>(i) > target; ++i) drain(*current[i]);
      for (int i = static_cast<int>(current.size()); i < target; ++i) create(deployment, *wanted);
      return;
    }
    const bool is_roll = wanted->number == deployment.revisions.back().number;
    if (is_roll && reject(deployment, current)) return;
    if (!is_roll) drop_rejected(deployment, old);
    const int ready = count_ready(current);
    const int old_allowed = std::max(0, target - ready);
    while (static_cast<int>(old.size()) > old_allowed) {
      drain(*old.front());
      old.erase(old.begin());
    }
    for (size_t i = 0; static_cast<int>(current.size()) - static_cast<int>(i) > target; ++i) drain(*current[i]);
    const int missing = target - static_cast<int>(current.size());
    if (is_roll) {
      if (missing > 0 && ready == static_cast<int>(current.size())) create(deployment, *wanted);
    } else {
      for (int i = 0; i < missing; ++i) create(deployment, *wanted);
    }
  }

  // A roll whose new instance does not come up ends here: the old ones stay.
  bool reject(Deployment& deployment, const std::vector<Slot*>& current) {
    for (const Slot* slot : current) {
      const Instance& record = slot->record;
      const bool never_ready = record.ready_ms == 0;
      std::string cause;
      if (record.state == InstanceState::kFailed &&
          (never_ready || record.failures >= context_.options.crash_loop_after)) {
        cause = record.reason;
      } else if (never_ready && slot->seen != nullptr && !slot->busy() && !slot->waiting() &&
                 context_.due(slot->seen->facts.started + context_.options.update_wait)) {
        cause = "was not ready in time";
      }
      if (cause.empty()) continue;
      const Revision& rejected = deployment.revisions.back();
      deployment.rejected_revision = rejected.number;
      deployment.rejected_reason = rejection_text(
          record, "revision " + std::to_string(rejected.number) + " did not come up (" + record.id + "): " + cause);
      context_.event(deployment, "roll-stopped", deployment.rejected_reason);
      return true;
    }
    return false;
  }

  // After a rejection: what answers stays until it is replaced, the rest of that revision goes at once.
  void drop_rejected(const Deployment& deployment, std::vector<Slot*>& old) {
    std::erase_if(old, [&](Slot* slot) {
      if (slot->record.revision != deployment.rejected_revision || is_ready(*slot)) return false;
      drain(*slot);
      return true;
    });
  }

  void drain(Slot& slot) {
    if (slot.busy() || slot.gone() || slot.record.state == InstanceState::kDraining) return;
    if (slot.dead()) {
      slot.doing = Slot::Doing::kForget;
      return;
    }
    if (slot.waiting()) slot.doing = Slot::Doing::kKill;  // nothing of it runs: its launch is called back
    if (slot.doing == Slot::Doing::kKill && !slot.waiting())
      return;  // it goes anyway; what to do then is decided when it is gone
    // A failed one whose process is about to end needs no order, but the same way out.
    if (!slot.waiting()) slot.doing = Slot::Doing::kNothing;
    set_state(slot.record, InstanceState::kDraining, context_);
  }

  void create(const Deployment& deployment, const Revision& revision) {
    Instance record;
    do {
      record.id = deployment.name + "-" + deployment.version + "-" + hex_suffix(context_.random);
    } while (observed_.instances.contains(record.id));
    record.name = deployment.name;
    record.version = deployment.version;
    record.revision = revision.number;
    record.host = observed_.host;
    record.created_ms = context_.moment.wall_ms;
    Slot& slot = slots_.emplace_back();
    slot.record = std::move(record);
    launch(slot);
    context_.event(slot.record, "started", "revision " + std::to_string(revision.number));
  }

  void launch(Slot& slot) {
    Instance& record = slot.record;
    record.incarnation = ++last_incarnation_;
    record.state = InstanceState::kRequested;
    record.since_ms = record.started_ms = context_.moment.wall_ms;
    record.runner_pid = record.model_pid = record.runner_start_ticks = 0;
    record.boot_id.clear();
    record.container.clear();
    record.log_url.clear();
    record.endpoint.reset();
    record.host = observed_.host;
    slot.doing = Slot::Doing::kLaunch;
  }

  void restart(Deployment& deployment, Slot& slot) {
    if (!slot.dead() || slot.busy() || slot.doing != Slot::Doing::kNothing) return;
    // Seen to end in this very step: its failure is stored first.
    if (slot.seen->record.state != slot.record.state) return;
    const bool failed = slot.record.state == InstanceState::kFailed;
    if (!failed && slot.record.state != InstanceState::kRequested) return;
    if (find_revision(deployment, slot.record.revision) == nullptr) {
      slot.doing = Slot::Doing::kForget;
      return;
    }
    if (!context_.due(slot.seen->facts.retry_at)) return;
    if (failed) {
      ++slot.record.restarts;
      ++deployment.restarts;
      context_.event(slot.record, "restarted",
                     "restart " + std::to_string(slot.record.restarts) + " after: " + slot.record.reason);
    }
    launch(slot);
  }

  void emit(Slot& slot) {
    using Kind = Action::Kind;
    const bool changed = slot.store || slot.seen == nullptr || !(slot.record == slot.seen->record);
    Action action;
    switch (slot.doing) {
      case Slot::Doing::kLaunch: action.kind = Kind::kLaunch; break;
      case Slot::Doing::kForget: action.kind = Kind::kForget; break;
      case Slot::Doing::kKill: action.kind = Kind::kKill; break;
      case Slot::Doing::kProbe: action.kind = changed ? Kind::kStore : Kind::kProbe; break;
      case Slot::Doing::kNothing:
        if (!changed) return;
        action.kind = Kind::kStore;
        break;
    }
    action.instance = std::move(slot.record);
    action.retry_at = slot.retry_at;
    action.kill_reason = std::move(slot.kill_reason);
    plan_.actions.push_back(std::move(action));
  }

  const Desired& desired_;
  const Observed& observed_;
  Plan plan_;
  Context context_;
  std::list<Slot> slots_;  // addresses stay
  int64_t last_incarnation_;
};

}  // namespace

std::string_view to_string(Action::Kind kind) {
  switch (kind) {
    case Action::Kind::kStore: return "store";
    case Action::Kind::kLaunch: return "launch";
    case Action::Kind::kKill: return "kill";
    case Action::Kind::kPlaced: return "placed";
    case Action::Kind::kForget: return "forget";
    case Action::Kind::kProbe: return "probe";
    case Action::Kind::kPutDeployment: return "put-deployment";
    case Action::Kind::kRemoveDeployment: return "remove-deployment";
  }
  return "?";
}

Plan step(const Desired& desired, const Observed& observed, Moment moment, const ReconcileOptions& options,
          Random& random) {
  return Stepper(desired, observed, moment, options, random).run();
}

milliseconds backoff(int failures, const ReconcileOptions& options, Random& random) {
  if (failures <= 1) return milliseconds(0);
  const int doublings = std::min(failures - 2, 40);
  const double wait = std::min(std::ldexp(static_cast<double>(options.backoff_first.count()), doublings),
                               static_cast<double>(options.backoff_max.count()));
  const double jitter = 1.0 + options.backoff_jitter * (2.0 * random.unit() - 1.0);
  return milliseconds(std::llround(wait * jitter));
}

const Revision* wanted_revision(const Deployment& deployment) {
  const auto& all = deployment.revisions;
  if (all.empty()) return nullptr;
  if (all.back().number == deployment.rejected_revision && all.size() > 1) return &all[all.size() - 2];
  return &all.back();
}

const Revision* find_revision(const Deployment& deployment, int64_t number) {
  for (const Revision& revision : deployment.revisions) {
    if (revision.number == number) return &revision;
  }
  return nullptr;
}

bool is_callable(const ObservedInstance& instance) {
  const Facts& facts = instance.facts;
  if (instance.record.state != InstanceState::kReady || !instance.record.endpoint) return false;
  if (facts.life == Facts::Life::kDead || !facts.kill_reason.empty()) return false;
  return !facts.report || facts.report->state == InstanceState::kReady;
}

}  // namespace modelyard::controller
