// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "controller/reconcile.h"

// What becomes of one instance by what was seen of it, before anything is decided about its deployment. Used by step()
// alone.
//
//   requested  -> localizing | starting | ready | unhealthy    by its runner's report; as long as its launch waits for
//   a
//                                                               place nothing runs and no timer counts
//   any of them <-> unreachable                                 its lease is lost while its lock is held; back with the
//   lease any of them -> failed                                       its runner says so, or its lock is free draining
//   -> (forgotten)                                   its lock is free failed     -> requested relaunched, by the
//   deployment's decision
namespace modelyard::controller::internal {

struct Slot {
  const ObservedInstance* seen = nullptr;
  registry::Instance record;  // as it will be stored
  enum class Doing { kNothing, kLaunch, kKill, kForget, kProbe } doing = Doing::kNothing;
  SteadyTime retry_at{};
  std::string kill_reason;
  bool store = false;  // also when the record is as it was

  bool busy() const { return seen != nullptr && seen->facts.in_flight(); }
  bool waiting() const { return seen != nullptr && !seen->facts.waiting.empty(); }  // for a place
  bool dead() const { return seen != nullptr && seen->facts.life == Facts::Life::kDead; }
  bool gone() const { return doing == Doing::kForget; }
};

// Clock, chance and the timer of one step.
struct Context {
  Moment moment;
  const ReconcileOptions& options;
  Random& random;
  Plan& plan;

  // Whether the time has come; if not, step() is asked again then.
  bool due(SteadyTime when) {
    if (moment.now >= when) return true;
    if (when < plan.wake) plan.wake = when;
    return false;
  }
  void event(const registry::Instance& of, std::string kind, std::string text);
  void event(const registry::Deployment& of, std::string kind, std::string text);
};

void set_state(registry::Instance& record, registry::InstanceState state, const Context& context);

// others_ready: another instance of its deployment is ready, so this one may be set aside.
void follow_facts(Slot& slot, bool others_ready, Context& context);

}  // namespace modelyard::controller::internal
