// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "json/json.h"
#include "registry/shared_list.h"

// The nouns of the system, plain values without behaviour. Everything above L2 speaks in them. Times are milliseconds
// since 1970.
namespace modelyard::registry {

// requested -> localizing -> starting -> ready <-> unhealthy -> draining -> gone (+ failed, unreachable)
//
//   kRequested    the record is committed, nothing runs yet
//   kLocalizing   the payload is being brought to the instance's folder
//   kStarting     the script runs, endpoint.dat is not complete or the endpoint does not answer yet
//   kReady        registered: clients may call it
//   kUnhealthy    runs but does not answer: out of the clients' snapshot, replaced if it stays so
//   kUnreachable  its runner's lease is lost while its process lives: counts as wanted
//   kDraining     out of the snapshot, calls in flight end, then it is stopped
//   kFailed       ended without being asked to; its record stays for the reason and the log's last lines
//   kGone         ended as asked; the record is removed
enum class InstanceState {
  kRequested,
  kLocalizing,
  kStarting,
  kReady,
  kUnhealthy,
  kUnreachable,
  kDraining,
  kFailed,
  kGone
};
std::string_view to_string(InstanceState state);  // "ready"
std::optional<InstanceState> instance_state_from(std::string_view text);

enum class DeploymentState { kStarting, kReady, kDegraded, kCrashLoop, kWaiting, kUpdateFailed, kRemoving };
std::string_view to_string(DeploymentState state);  // "crash-loop"
std::optional<DeploymentState> deployment_state_from(std::string_view text);

// Where an instance answers, and how its functions are called: alias -> path, maas-wire.md section 4.
struct Endpoint {
  std::string id;  // of the instance (container id on a cluster)
  std::string name;
  std::string version;
  std::string url;  // as clients call it; any scheme, http is the one that call() speaks
  std::string host;
  std::map<std::string, std::string> functions;  // {"apply":"apply"} when the model names none
  bool operator==(const Endpoint&) const = default;
};

// One content of a deployment: the payload and what its instances are started with. The five newest are kept. An
// instance is started and restarted by its own revision, so a roll that is stopped leaves the old ones as they were.
struct Revision {
  int64_t number = 0;  // 1, 2, …
  std::string digest;  // "sha256:…" of the payload's files (payloads/digest.h)
  int64_t memory_mb = 0;
  int vcores = 1;
  std::map<std::string, std::string> env;
  std::map<std::string, std::string> inherited_env;
  std::string health_path;
  int64_t created_ms = 0;
  std::string created_by;  // the local user's name
  bool operator==(const Revision&) const = default;
};

// What people want of one name and version. Changed by compare-and-set on `generation`.
struct Deployment {
  std::string name;
  std::string version;
  int64_t generation = 0;  // grows by one with each stored change
  int instances = 1;
  int64_t memory_mb = 0;  // 0 = unlimited
  int vcores = 1;
  std::map<std::string, std::string> env;  // --env, added to the model's environment
  std::map<std::string, std::string>
      inherited_env;                   // of the deployer's environment, the kept names alone (instance_folder.h)
  std::string health_path;             // "" = TCP connect
  std::string protocol = "get-query";  // get-query | post-json | mlflow | oip-v2
  std::string owner;
  bool removing = false;  // instances drain, then the record goes
  std::vector<Revision>
      revisions;                  // oldest first; the last is the wanted one unless `rejected_revision` says otherwise
  int64_t rejected_revision = 0;  // a roll to this revision failed: the one before it is wanted, state update-failed
  std::string rejected_reason;    // why, with the last log lines of the instance that did not come up
  int64_t last_revision = 0;      // the greatest number given: a revision that was given up leaves a gap
  int64_t restarts = 0;
  int64_t created_ms = 0;
  bool operator==(const Deployment&) const = default;
};

// One instance as the registry remembers it. (id, incarnation) is committed before anything is started. A restart keeps
// id and folder and takes a new incarnation; an update makes new instances.
struct Instance {
  std::string id;           // "dga-1.0-3f9a2c": name, version, six random hexadecimal digits
  int64_t incarnation = 0;  // unique in this registry, growing
  std::string name;
  std::string version;
  int64_t revision = 0;
  InstanceState state = InstanceState::kRequested;
  std::string host;
  std::string
      container;        // YARN's id of what it runs in, then the id of its endpoint too; "" = a process of this machine
  std::string log_url;  // of a container: the node manager's page of its logs
  int64_t runner_pid = 0;
  int64_t model_pid = 0;
  std::string boot_id;             // /proc/sys/kernel/random/boot_id when started: a pid of another boot is nobody
  int64_t runner_start_ticks = 0;  // field 22 of /proc/PID/stat: tells a pid from its reuse
  std::optional<Endpoint> endpoint;
  std::string reason;                 // why it failed, is unhealthy, or "out of memory: …"
  std::vector<std::string> log_tail;  // at most 4 KiB of the last lines, when it failed
  int64_t since_ms = 0;               // when the present state began
  int64_t started_ms = 0;             // when the present incarnation was started
  int64_t created_ms = 0;
  int64_t ready_ms = 0;  // when it was first ready; 0 = never yet
  int64_t restarts = 0;  // of this instance: its incarnations but the first
  int failures = 0;      // in a row: a run of 60 s makes it 0
  bool operator==(const Instance&) const = default;
};

// What happened to a deployment and why; newest has the greatest sequence.
struct Event {
  int64_t sequence = 0;
  int64_t at_ms = 0;
  std::string name;
  std::string version;
  std::string instance;  // "" = of the deployment
  std::string
      kind;  // deployed scaled removed rolled roll-stopped started ready failed unhealthy restarted drained adopted …
  std::string text;
};

// All endpoints that clients may call, replaced whole. Immutable once shared.
struct Snapshot {
  int64_t epoch = 0;     // grows with each start of the registry
  int64_t revision = 0;  // grows with each change within an epoch
  bool settled =
      true;  // false: a restarted controller has not yet accounted for every instance; never replaces a fuller one
  // An endpoint list by id; versions by compare_versions, smallest first; models by name. All of it is shared between
  // snapshots that do not differ there (shared_list.h). Changed by put_endpoint() and remove_endpoint() (contents.h).
  struct ById {
    std::string_view operator()(const Endpoint& endpoint) const { return endpoint.id; }
  };
  using EndpointList = SharedList<Endpoint, ById>;
  using Endpoints = std::shared_ptr<const EndpointList>;  // never null, never empty
  using Versions = std::vector<std::pair<std::string, Endpoints>>;
  struct ByName {
    std::string_view operator()(const std::pair<const std::string, Versions>& model) const { return model.first; }
  };
  class Models : public SharedList<std::pair<const std::string, Versions>, ByName> {
   public:
    // Of a name that is there.
    const Versions& at(std::string_view name) const { return find(name)->second; }
  };
  Models models;
};

json::Tree to_json(const Endpoint& endpoint);
Result<Endpoint> endpoint_from_json(const json::Tree& tree);
json::Tree to_json(const Revision& revision);
Result<Revision> revision_from_json(const json::Tree& tree);
json::Tree to_json(const Deployment& deployment);
Result<Deployment> deployment_from_json(const json::Tree& tree);
json::Tree to_json(const Instance& instance);
Result<Instance> instance_from_json(const json::Tree& tree);
json::Tree to_json(const Event& event);

}  // namespace modelyard::registry
