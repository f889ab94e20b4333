// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "io/task.h"
#include "registry/zookeeper/layout.h"
#include "zookeeper/client.h"

// What tools do with a cluster's registry without being its controller.
namespace modelyard::registry::zookeeper {

// ZK_ROOT's layout, or the defaults where it is absent.
io::Task<Result<Layout>> read_layout(modelyard::zookeeper::Client& client, std::string zk_root, SteadyTime deadline);

// Puts a request into the queue (its parents are made where absent, open to all, as the reference does) and returns the
// item's name. kUnavailable: certainly not put. kDeadline: not known: never tried again here, an ADD said twice adds
// twice.
io::Task<Result<std::string>> put_request(modelyard::zookeeper::Client& client, const Layout& layout, Request request,
                                          SteadyTime deadline);

// The present leader's record; kNotFound: nobody leads.
io::Task<Result<LeaderRecord>> read_leader(modelyard::zookeeper::Client& client, const Layout& layout,
                                           SteadyTime deadline);

// Registrations that nobody stands behind: persistent nodes of the reference whose url does not answer (kStale) or
// answers (kAnswers). Removed only one by one, by name.
struct Registration {
  std::string path;
  Endpoint endpoint;
  bool persistent = false;
};
io::Task<Result<std::vector<Registration>>> read_registrations(modelyard::zookeeper::Client& client,
                                                               const Layout& layout, SteadyTime deadline);

}  // namespace modelyard::registry::zookeeper
