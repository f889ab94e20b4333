// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "controller/yarn_launcher.h"

// Parts of YarnLauncher; for its .cc files.
namespace modelyard::controller {

// One launch() on its way.
struct YarnLauncher::Launch {
  Launch(io::Executor executor, registry::InstanceSpec wanted) : spec(std::move(wanted)), changed(executor) {}

  registry::InstanceSpec spec;
  std::map<std::string, hadoop::yarn::LocalResource> files;
  int32_t priority = 0;
  bool queued = false;  // in waiting_
  std::optional<hadoop::yarn::Container> container;
  std::optional<Error> withdrawn;  // why it shall not go on
  SteadyTime since;
  std::string said;
  SteadyTime said_at;
  io::Event changed;
};

}  // namespace modelyard::controller
