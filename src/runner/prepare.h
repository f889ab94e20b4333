// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/random.h"
#include "base/result.h"
#include "io/task.h"
#include "registry/instance_folder.h"
#include "runner/supervisor.h"
#include "runner/surroundings.h"

namespace modelyard::runner {

// Everything that must happen while the process has one thread: judges the payload, chooses the port, makes pipes and
// memory group, forks the guard.
Result<PreparedModel> prepare_model(const registry::InstanceSpec& spec, const Surroundings& surroundings,
                                    Random& random);

// Tells the controller why nothing could be started, for at most 2 s. Returns the exit code.
io::Task<int> report_unprepared(const registry::InstanceSpec& spec, Error error, ControllerLink& link);

}  // namespace modelyard::runner
