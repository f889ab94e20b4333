// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/random.h"
#include "base/result.h"
#include "io/task.h"
#include "registry/instance_folder.h"
#include "runner/supervisor.h"

namespace modelyard::runner {

// Everything that must happen while the process has one thread: judges the payload, chooses the port, makes pipes and
// memory group, forks the guard. lock_fd: the instance's lock, which the guard holds until the tree is gone; or -1.
Result<PreparedModel> prepare_model(const registry::InstanceSpec& spec, int lock_fd, Random& random);

// Tells the controller why nothing could be started, for at most 2 s. Returns the exit code.
io::Task<int> report_unprepared(io::Loop& loop, const registry::InstanceSpec& spec, Error error, Random& random);

}  // namespace modelyard::runner
