// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "controller/reconcile.h"
#include "controller/requests.h"
#include "registry/contents.h"

namespace modelyard::controller {

// The controller without its I/O: what is stored, as far as it is known to be stored; what is seen; and the requests of
// people as changes of what is stored. Driven by the Controller on its loop, and by the simulation (sim/). The order of
// use:
//
//   load() once for each leadership; facts come in at any time;
//   plan() or a request -> a Batch; its writes go to the registry;
//     stored   -> committed(batch), then its actions are carried out and answered by launched(), killed(), probed();
//     refused or unanswered -> lead again and load(): the batch may or may not be stored, facts are kept where they
//     still fit.
//
// Confined to one thread. Nothing here blocks, allocates names of files, or asks for the time.
class Core {
 public:
  Core(ReconcileOptions options, std::string host);

  // liveness says for each stored instance whether its lock is held. The first load leaves the core unsettled until
  // each of those that live has spoken or ended.
  using LivenessOf = std::function<Liveness(const registry::Instance&)>;
  void load(registry::Contents contents, Moment moment, Random& random, const LivenessOf& liveness);

  // Another controller decided in between: no fact fits any more. The next load() begins unsettled.
  void forget();

  struct Batch {
    std::vector<registry::Write> writes;
    std::vector<Action> actions;
    SteadyTime wake = SteadyTime::max();
    bool empty() const { return writes.empty() && actions.empty(); }
  };
  Batch plan(Moment moment, Random& random) const;
  void committed(const Batch& batch, Moment moment);

  // Requests. An error is the answer; an empty batch changes nothing.
  Result<Batch> deploy(const DeployRequest& request, int64_t wall_ms, DeployOutcome& outcome) const;
  Result<Batch> scale(const std::string& name, const std::string& version, int instances, int64_t wall_ms) const;
  Result<Batch> remove(const std::string& name, const std::optional<std::string>& version, std::optional<int> instances,
                       int64_t wall_ms, RemoveOutcome& outcome) const;
  // As the queue has it: more instances of what the request says (name, version, number, memory, payload); what it does
  // not say stays as it is stored.
  Result<Batch> add(DeployRequest request, int64_t wall_ms) const;
  // Its launch has a place. kConflict: it is not wanted there any more.
  Result<Batch> placed(const std::string& id, int64_t incarnation, const Placement& placement, int64_t wall_ms) const;
  void begin_shutdown() { desired_.shutting_down = true; }

  // Facts. Those of another incarnation than the present one are passed over (kConflict), of an unknown id kNotFound.
  Status admit(const std::string& id, int64_t incarnation) const;
  Status lease_opened(const std::string& id, int64_t incarnation);
  void lease_ended(const std::string& id, int64_t incarnation, SteadyTime now);
  Status report(registry::RunnerReport report);
  void exited(const std::string& id, int64_t incarnation, std::vector<std::string> log_tail, std::string cause = "");
  void waiting(const std::string& id, int64_t incarnation, std::string why, SteadyTime now);
  // An error: what does the lock say now?
  void launched(const std::string& id, int64_t incarnation, Result<Launched> outcome, Liveness now_locked,
                Moment moment, Random& random);
  void killed(const std::string& id, int64_t incarnation, bool is_free, std::vector<std::string> log_tail,
              SteadyTime now);
  void probed(const std::string& id, int64_t incarnation, Liveness liveness, std::vector<std::string> log_tail,
              SteadyTime now);
  // Clients' calls to it failed, all of them: set it aside until then, if another one is ready.
  void calls_failed(const std::string& id, SteadyTime until);

  // What a runner shall do now.
  Order order_of(const registry::Instance& record) const;

  bool settled() const { return settled_; }
  int64_t epoch() const { return epoch_; }
  std::vector<registry::Endpoint> endpoints() const;
  std::vector<DeploymentStatus> statuses() const;
  const Desired& desired() const { return desired_; }
  const Observed& observed() const { return observed_; }
  const ReconcileOptions& options() const { return options_; }
  const ObservedInstance* find(const std::string& id) const;
  // By the id of its endpoint: its own, or its container's. Null: none.
  const ObservedInstance* find_endpoint(const std::string& endpoint_id) const;

 private:
  ObservedInstance* present(const std::string& id, int64_t incarnation);
  void take(const Action& action, Moment moment);
  void look_settled();

  const ReconcileOptions options_;
  Desired desired_;
  Observed observed_;
  std::map<std::string, std::string> by_container_;  // container -> instance; ones that are gone may stay a while
  int64_t epoch_ = 0;
  bool loaded_ = false;
  bool settled_ = false;
};

}  // namespace modelyard::controller
