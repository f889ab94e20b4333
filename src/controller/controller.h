// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "controller/intake.h"
#include "controller/requests.h"
#include "controller/status.h"
#include "io/task.h"
#include "registry/instance_folder.h"
#include "registry/registry.h"

namespace modelyard::controller {

class Launcher;

// The part of a payload store (src/payloads) that the controller needs.
struct PayloadHooks {
  // The folder of a stored payload; an error makes the deployment wait and say so.
  std::function<Result<std::filesystem::path>(const std::string& digest)> find;
  // Only these are in some deployment's revisions now: the others may go. May be empty; must not block.
  std::function<void(std::set<std::string> wanted)> collect;
  // Brings in what a request of the registry's queue names. May be empty: then nobody looks at the queue.
  PayloadSource fetch;
};

struct ControllerOptions {
  std::filesystem::path data;  // instances/ lies below it
  std::string socket;          // of the runners, given to them
  std::string host;            // this machine's name, for records; "" = each placement says its own
  ReconcileOptions reconcile;  // back-off, health, drain: status.h
  IntakeOptions intake;        // of the queue
  // Where the registry is ZooKeeper: what runners are told. "" = they use the socket.
  std::string zookeeper;
  std::string zk_root;
  milliseconds start_max{10'000};  // start() waits so long to lead, or to know who does
};

// Which of several controllers this is. One that does not lead shows what the registry holds and refuses changes.
struct Role {
  bool leads = false;
  std::optional<registry::Leader> leader;  // another one
  std::string trouble;                     // why nothing can be decided now
};

// For /metrics.
struct ControllerNumbers {
  int64_t epoch = 0;
  int64_t snapshot_revision = 0;
  bool settled = false;
  int64_t reconciles = 0;
  int64_t launches = 0;
  int64_t launch_failures = 0;
  int64_t restarts = 0;
  int64_t registry_failures = 0;
  int subscribers = 0;
  std::map<registry::InstanceState, int> instances;
  std::map<registry::DeploymentState, int> deployments;
};

// Keeps what runs equal to what is wanted: takes requests in as stored deployments, reconciles, speaks with the
// runners, publishes the endpoints. With a shared registry it does so while it leads; while another one leads it shows
// what is stored, and a request is kUnavailable and names the leader. When the leadership is lost it launches and ends
// nothing more; what runs lives on for the next leader.
// Confined to its loop (other loops go through io::on_loop); start() once, stop()
// once, then destroy. What it is given outlives it. After stop() or when the registry is closed every request is
// kUnavailable.
class Controller {
 public:
  struct Parts {
    io::Executor executor;
    registry::Registry& registry;
    Launcher& launcher;
    const Clock& clock;
    Random random;
    PayloadHooks payloads;
  };
  Controller(Parts parts, ControllerOptions options);
  ~Controller();
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  // Reads the registry, publishes the stored endpoints as unsettled, sweeps orphans and begins to reconcile. Returns
  // before the snapshot is settled; with a shared registry when this controller leads, another does, or start_max has
  // passed. An error: it is refused (another kind of controller has the registry), or cannot read what is stored.
  io::Task<Status> start();
  // Called on the loop when a candidate is refused for good after start() has returned. Set before start().
  void on_refused(std::function<void(const Error&)> callback);
  Role role() const;
  // keep_models: leaves every instance running for the next start. Otherwise drains all of them, at most drain_all of
  // ReconcileOptions, then kills; their records stay wanted, so the next start brings them up again.
  io::Task<void> stop(bool keep_models);

  // Declarative: the same content again changes nothing. kInvalidArgument names the field. Returns when it is stored.
  io::Task<Result<DeployOutcome>> deploy(DeployRequest request);
  // kNotFound: no such deployment.
  io::Task<Result<void>> scale(std::string name, std::string version, int instances);
  // No version: all versions. With a count: that many fewer instances, none left = removed. kNotFound as above.
  io::Task<Result<RemoveOutcome>> remove(std::string name, std::optional<std::string> version,
                                         std::optional<int> instances);

  // By name, then version. What is true now.
  std::vector<DeploymentStatus> statuses() const;
  // Oldest first. Empty name or version: all.
  io::Task<Result<std::vector<registry::Event>>> events(std::string name, std::string version, int limit);

  // Never null. Immutable: may be handed to other threads.
  std::shared_ptr<const registry::Snapshot> snapshot() const;

  // Ends the subscription when destroyed, on the controller's loop. May outlive the controller.
  using Subscription = std::shared_ptr<void>;
  using OnSnapshot = std::function<void(const std::shared_ptr<const registry::Snapshot>&,
                                        const std::shared_ptr<const std::vector<registry::Change>>&)>;
  // Calls back on the loop at each change, never inside subscribe(): take snapshot() first, on the same loop, without a
  // suspension between. The callback must not block and must not call the controller.
  Subscription subscribe(OnSnapshot callback);
  // Calls back when statuses() may answer otherwise than before; several changes at once may be one call.
  Subscription subscribe_statuses(std::function<void()> callback);

  // Counts for calls per second, latency and "the last calls failed". Unknown ids are passed over.
  void note_calls(const std::vector<CallReport>& reports);

  ControllerNumbers numbers() const;

  // The runners' side (runner_routes.h puts these on the socket).
  // A runner's open lease. The callback gets the present order at once (inside) and each later one; lease_ended when it
  // goes. kNotFound: no such instance. kConflict: an older incarnation. Both mean: drain and exit.
  Result<Subscription> open_lease(const std::string& id, int64_t incarnation,
                                  std::function<void(const Order&)> callback);
  // kNotFound, kConflict as above; kUnavailable: not stored, say it again.
  io::Task<Status> report(registry::RunnerReport report);

  const ControllerOptions& options() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace modelyard::controller
