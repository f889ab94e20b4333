// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "registry/instance_folder.h"

namespace modelyard::runner {

// The whole environment of a model, "KEY=VALUE" in order of the keys, nothing else is in it (docs/models.md):
//   what the deployer's environment had of the kept names (registry::is_inherited_variable); PATH has a default,
//   PORT, MODELYARD_MODEL, MODELYARD_VERSION, MODELYARD_INSTANCE, MODELYARD_LOG_DIR,
//   MODELYARD_BIND=0.0.0.0 where other machines must reach the model (a registry that is not embedded),
//   --env of the deployment, which wins over all of these.
std::vector<std::string> model_environment(const registry::InstanceSpec& spec, uint16_t port);

// A TCP port of this machine that nobody listens on. Outside the range that the kernel hands out to connections, so
// that none of them takes it before the model has bound it.
Result<uint16_t> choose_free_port(Random& random);

}  // namespace modelyard::runner
