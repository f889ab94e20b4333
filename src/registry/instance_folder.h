// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "json/json.h"
#include "registry/types.h"

// The contract between a controller and the runners of one machine: the files of an instance's folder and the messages
// on the controller's Unix socket. Files:
//
// - DATA/control.sock: the socket (mode 0600); where that is longer than 107 bytes, see InstanceSpec::socket
// - DATA/instances/ID/spec.json: InstanceSpec, written before the fork
// - DATA/instances/ID/lock: flock(2) held by the runner (inherited descriptor) = the instance lives
// - DATA/instances/ID/work/: the model's working directory: the payload's files, endpoint.dat
// - DATA/instances/ID/log/: stdout.log, stderr.log and their rotated stdout.log.1 …
//
// Messages (HTTP/1.1):
// - GET /runner/v1/instances/ID/orders?incarnation=N: server-sent events "order"
//   {"want":"serve"|"drain"|"stop","incarnation":N}. The open connection is the lease. 404 = no such instance, 409 = an
//   older incarnation: drain and exit.
// - PUT /runner/v1/instances/ID/report: RunnerReport as JSON; 204, or 404/409 as above.
//
// A runner that cannot reach the socket keeps its model serving and tries again, 50 ms doubling to 1 s, with jitter.
namespace modelyard::registry {

// What a runner is told to run. All paths are absolute.
struct InstanceSpec {
  std::string id;
  int64_t incarnation = 0;
  std::string name;
  std::string version;
  int64_t revision = 0;
  std::string digest;      // of the payload
  std::string payload;     // folder with the payload's files, read only
  std::string folder;      // DATA/instances/ID; of a container its working directory, which its runner fills in
  std::string log_folder;  // "" = FOLDER/log
  std::string socket;      // the controller's Unix socket; "" where `zookeeper` is set
  int64_t memory_mb = 0;
  int vcores = 1;
  std::map<std::string, std::string> env;           // --env of the deployment
  std::map<std::string, std::string> deployer_env;  // of the deployer's environment, the kept names alone
  std::string health_path;
  int64_t endpoint_wait_ms = 600'000;  // for a complete endpoint.dat
  int64_t drain_ms = 10'000;           // calls in flight may take so long
  int64_t term_ms = 5'000;             // from TERM to KILL
  int64_t log_bytes_max = 10 << 20;    // per file, five files per stream
  // Where the registry is ZooKeeper; empty = the socket. The secret comes by the environment or the container's
  // credentials, never in here.
  std::string zookeeper;  // "host:2181,…/chroot"
  std::string zk_root;
  std::string container;             // InstanceSpec::id's endpoint is registered under this id; "" = under its own
  bool registry_is_embedded = true;  // host replacement only if the model answers there (maas-wire.md 4)
};
json::Tree to_json(const InstanceSpec& spec);
Result<InstanceSpec> instance_spec_from_json(const json::Tree& tree);
std::string log_folder_of(const InstanceSpec& spec);

// What a runner says of its instance: whole, each time something changes.
struct RunnerReport {
  std::string id;
  int64_t incarnation = 0;
  InstanceState state = InstanceState::kStarting;
  int64_t runner_pid = 0;
  int64_t model_pid = 0;
  std::string boot_id;
  int64_t runner_start_ticks = 0;
  std::optional<Endpoint> endpoint;
  std::string reason;
  std::vector<std::string> log_tail;
  bool answers_on_loopback_only = false;
  std::string log_address;  // "HOST:PORT" where a container's runner serves its logs (runner_log_token()); "" = nowhere
};
json::Tree to_json(const RunnerReport& report);
Result<RunnerReport> runner_report_from_json(const json::Tree& tree);

// What GET http://LOG_ADDRESS/logs?stream=stdout|stderr&tail=K&follow=1 of a container's runner wants as
// "Authorization: Bearer …": lower-case hexadecimal HMAC-SHA-256 of "logs " + id by the application's secret. Who sees
// it on the wire can read the logs of this one instance, no more. The answer is lines {"instance","stream","line"}.
std::string runner_log_token(const std::string& application_secret, const std::string& instance_id);

// The environment variables of the deployer that a model inherits: PATH, HOME, USER, LANG, LC_*, TZ, TMPDIR,
// VIRTUAL_ENV, CONDA_PREFIX, LD_LIBRARY_PATH, CUDA_VISIBLE_DEVICES, *_proxy (either case). Everything else is scrubbed.
bool is_inherited_variable(std::string_view name);

}  // namespace modelyard::registry
