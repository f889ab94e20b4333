// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>

#include "cli/remote.h"

namespace modelyard::cli {

// Waits until every wanted instance of the revision is ready. Otherwise an error with the cause and the model's last
// log lines: kFailed when it cannot become ready (crash-loop, a roll that stopped, removed meanwhile), kDeadline when
// the time is up; in both cases the deployment stays recorded. Shows progress on a terminal. Blocks.
Status wait_ready(Remote& remote, const ModelName& model, int64_t revision, std::chrono::seconds time);

}  // namespace modelyard::cli
