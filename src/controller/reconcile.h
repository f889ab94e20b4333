// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "controller/launched.h"
#include "controller/status.h"
#include "registry/instance_folder.h"
#include "registry/types.h"

// The decisions of the controller as one pure function. What is stored (records) and what is seen (facts) go in; what
// to store and to do comes out. Said twice with the same input it decides the same; when nothing is left to do it
// decides nothing. Clock and chance are arguments. core.h keeps the records and facts; controller.cc carries the
// actions out.
namespace modelyard::controller {

// Both clocks at one moment: the steady one decides, the other is written into records.
struct Moment {
  SteadyTime now;
  int64_t wall_ms = 0;
};

// What this controller has seen of an instance's present incarnation. Never stored.
struct Facts {
  enum class Life {
    kUnknown,  // its launch has not been answered yet
    kAlive,    // its lock is held
    kDead,     // its lock is free
  };
  Life life = Life::kUnknown;
  bool launching = false;  // a launch is not answered yet
  bool killing = false;    // a kill is not answered yet
  std::string waiting;     // the launch waits for a place, and why; empty: it does not
  bool leased = false;     // its runner is connected
  bool seen = false;       // its runner has spoken to this controller
  bool adopted = false;    // it was started by an earlier controller and has spoken to this one: to be told once
  bool found = false;      // it was started by an earlier controller
  std::optional<registry::RunnerReport> report;  // its last
  std::optional<Launched> launched;
  std::optional<Error> launch_error;
  int launch_failures = 0;            // in a row
  std::string kill_reason;            // why we ended it
  std::string exit_cause;             // why it ended, as the launcher says
  std::vector<std::string> log_tail;  // as found when it ended
  SteadyTime started{};               // when it was launched or, later, placed; or when this controller found it
  SteadyTime changed{};               // since when the record has its state
  SteadyTime unleased_since{};
  SteadyTime retry_at{};         // no launch, no further kill before
  SteadyTime probe_at{};         // the lock is not tried before
  SteadyTime calls_bad_until{};  // clients' calls to it failed: set aside until then

  // Nothing is decided about it until that is answered. A launch that waits for a place may be ended.
  bool in_flight() const { return killing || (launching && waiting.empty()); }
};

struct ObservedInstance {
  registry::Instance record;
  Facts facts;
};

using DeploymentKey = std::pair<std::string, std::string>;  // name, version

struct Desired {
  std::map<DeploymentKey, registry::Deployment> deployments;
  bool shutting_down = false;  // every instance is drained, every deployment stays
};

struct Observed {
  std::map<std::string, ObservedInstance> instances;  // by id
  int64_t last_incarnation = 0;
  std::string host;
};

struct Action {
  enum class Kind {
    kStore,   // put the record; an instance that is draining by it gets its order
    kLaunch,  // put the record (a new incarnation), then start it
    kKill,    // put the record, then end the process tree
    kPlaced,  // put the record, which says where its launch goes on
    kForget,  // remove the record and the folder
    kProbe,   // try the lock; nothing is stored
    kPutDeployment,
    kRemoveDeployment,
  };
  Kind kind = Kind::kStore;
  registry::Instance instance;
  registry::Deployment deployment;
  SteadyTime retry_at{};    // becomes Facts::retry_at
  std::string kill_reason;  // becomes Facts::kill_reason
};
std::string_view to_string(Action::Kind kind);  // "launch"

struct Plan {
  std::vector<Action> actions;          // at most one per instance and per deployment
  std::vector<registry::Event> events;  // stored in the same transaction
  SteadyTime wake = SteadyTime::max();  // ask again at this time even if nothing happens
};

Plan step(const Desired& desired, const Observed& observed, Moment moment, const ReconcileOptions& options,
          Random& random);

// The wait before start number failures + 1: none after the first failure, then doubling, with jitter.
milliseconds backoff(int failures, const ReconcileOptions& options, Random& random);

// The revision that shall run: the newest, or the one before it while the newest is rejected. Null: none.
const registry::Revision* wanted_revision(const registry::Deployment& deployment);
const registry::Revision* find_revision(const registry::Deployment& deployment, int64_t number);

// What status says of one deployment; instances in any order. Call numbers are not filled in.
DeploymentStatus status_of(const registry::Deployment& deployment,
                           const std::vector<const ObservedInstance*>& instances, const ReconcileOptions& options);

// Whether clients may call it: ready by its record and not known to be otherwise.
bool is_callable(const ObservedInstance& instance);

}  // namespace modelyard::controller
