// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "registry/types.h"

namespace modelyard::controller {

// The waits of the reconcile loop. Every one is an option; the defaults are what the documentation promises.
struct ReconcileOptions {
  milliseconds backoff_first{1'000};  // after the restart at once; doubles
  milliseconds backoff_max{300'000};
  double backoff_jitter = 0.2;         // ± this part of the wait
  milliseconds stable_run{60'000};     // a run of this length forgets earlier failures
  int crash_loop_after = 3;            // failures in a row
  milliseconds unhealthy_max{10'000};  // then the instance is replaced
  milliseconds silent_max{10'000};     // lock held but never a lease, since it was placed: killed and replaced
  // Lease lost while the launcher says that it lives: replaced after that. max() = not as long as its lock is held,
  // which is known for sure on one machine alone; 60 s on YARN.
  milliseconds unreachable_max{milliseconds::max()};
  milliseconds update_wait{660'000};  // a new revision's instance becomes ready in this time or the roll stops
  milliseconds drain_max{20'000};     // from the order to drain until it is killed
  milliseconds drain_all{11'000};     // the same at the end of the process, which shall be gone within 20 s
};

struct InstanceStatus {
  registry::Instance instance;
  int64_t restarts = 0;
  double calls_per_second = 0;
};

// What is wanted of one deployment and what is true.
struct DeploymentStatus {
  registry::Deployment deployment;
  registry::DeploymentState state = registry::DeploymentState::kStarting;
  std::string error;  // cause and last log lines; what it waits for; empty when all is well
  int wanted = 0;
  int ready = 0;
  int64_t restarts = 0;
  int64_t revision = 0;                   // the one that is wanted
  std::vector<InstanceStatus> instances;  // by creation
  double calls_per_second = 0;
  double latency_p50_ms = 0;
  double latency_p99_ms = 0;
};

}  // namespace modelyard::controller
