// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/random.h"
#include "io/task.h"
#include "registry/instance_folder.h"
#include "runner/link.h"
#include "runner/log_drain.h"
#include "runner/log_server.h"
#include "runner/memory_limit.h"
#include "runner/model_process.h"
#include "runner/readiness.h"
#include "runner/surroundings.h"

namespace modelyard::runner {

// What was made before the loop ran, while the process had one thread.
struct PreparedModel {
  std::string script;  // file name of the one .sh
  Guard guard;
  std::unique_ptr<LogDrain> log;
  MemoryLimit memory;
};

// The life of one instance:
//
//   localizing -> starting -> ready <-> unhealthy -> draining -> gone
//        any of these but the last two -> failed
//
// Reports each change to the controller, obeys its orders and SIGTERM (a drain). Confined to its loop; run() once.
class Supervisor {
 public:
  Supervisor(io::Loop& loop, const registry::InstanceSpec& spec, const Surroundings& surroundings, PreparedModel model,
             std::unique_ptr<ControllerLink> link, Random& random);
  ~Supervisor();

  // Returns the process's exit code: 0 drained as asked, 1 failed.
  io::Task<int> run();

 private:
  enum class Want { kServe, kDrain, kStop };
  // Why a stage ended early; empty = it came to its end.
  using Failure = std::optional<std::string>;

  io::Task<Failure> live();
  io::Task<Failure> localize();
  io::Task<Failure> start();
  io::Task<Failure> become_ready();
  io::Task<Failure> serve();
  io::Task<void> reread_endpoint();
  io::Task<void> drain();
  io::Task<void> wait_for_calls();
  io::Task<void> stop_processes();
  io::Task<void> end_failed(std::string reason);
  io::Task<bool> wait_until_over(SteadyTime deadline);

  io::Task<void> watch_signals();
  io::Task<void> watch_endpoint_file();
  io::Task<void> watch_memory();
  void serve_logs();

  void want(Want wanted);
  bool is_wanted() const { return want_ == Want::kServe; }
  // Why the model cannot go on, if it cannot.
  Failure process_failure() const;
  void set_state(registry::InstanceState state, std::string reason = "");
  void send_report();
  SteadyTime in(milliseconds time) const;

  io::Loop& loop_;
  const registry::InstanceSpec& spec_;
  const Surroundings& surroundings_;
  const std::string script_;
  Random& random_;
  std::unique_ptr<LogDrain> log_;
  const MemoryLimit memory_;
  io::Event wake_;
  ModelProcess process_;
  Readiness readiness_;
  const std::unique_ptr<ControllerLink> link_;
  std::unique_ptr<LogServer> log_server_;  // of a container whose application has a secret
  io::Scope scope_;

  Want want_ = Want::kServe;
  std::optional<std::string> out_of_memory_;
  bool endpoint_touched_ = false;
  std::optional<ReadyEndpoint> endpoint_;
  registry::RunnerReport report_;
};

}  // namespace modelyard::runner
