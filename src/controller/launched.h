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

// Whether an instance lives, by its lock and by nothing else.
enum class Liveness { kHeld, kFree };

}  // namespace modelyard::controller
