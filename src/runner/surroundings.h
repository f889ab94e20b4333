// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.h"
#include "registry/instance_folder.h"

namespace modelyard::runner {

// What a runner finds around itself.
struct Surroundings {
  // Started by YARN: its folder is the current one, the payload is localized there as ./payload (links into a cache
  // that others read too), the model stays in the process group, which YARN kills, and there is no lock.
  bool in_container = false;
  std::string machine_name;  // stands for a local host in a model's url
  std::string secret;        // of the application (secret.h); "" = none
  int lock_fd = -1;          // the instance's lock, which the model's guard holds until its tree is gone
};

std::string machine_name();

// The spec of `modelyard-runner --container`: $MODELYARD_SPEC (JSON, or its base64: node
// managers paste variables into a shell's script), with the places that the container has: the
// current folder, ./payload, the first of $LOG_DIRS (else ./log), $CONTAINER_ID unless the spec names one. A name in
// $NM_HOST is the machine's.
Result<registry::InstanceSpec> container_spec(Surroundings& surroundings);

}  // namespace modelyard::runner
