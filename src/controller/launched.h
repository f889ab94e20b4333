// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace modelyard::controller {

// Who runs an instance: enough to tell its process from a later one that got the same number.
struct Launched {
  int64_t runner_pid = 0;
  int64_t runner_start_ticks = 0;  // field 22 of /proc/PID/stat
  std::string boot_id;
};

// Whether an instance lives, by its lock (its container) and by nothing else. A launch that waits for a place is kHeld.
enum class Liveness { kHeld, kFree };

// Where an instance was placed before anything of it runs there.
struct Placement {
  std::string container;  // YARN's id; then the id of its endpoint too
  std::string host;
  std::string log_url;  // of the container's logs; "" = none
};

}  // namespace modelyard::controller
