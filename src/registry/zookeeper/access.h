// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "zookeeper/types.h"

// Who may do what with our nodes. Without secrets (the reference's way): everybody everything. With them:
//
// - the installation's secret: held by the controllers of one installation, in a file of theirs (mode 600) or, for a
//   YARN application, among the credentials of its containers; it survives the application, so that the next one may
//   write what this one stored;
// - the application's secret: derived from it for each application (HMAC-SHA-256 over the application's id), the only
//   one that workers get. It may write reports, leases and endpoints, never deployments or instances.
//
// Both are ZooKeeper's scheme "digest", users "modelyard" and "modelyard-worker". World may read unless Settings says
// otherwise.
namespace modelyard::registry::zookeeper {

struct Secrets {
  std::string installation;  // "" = none: open
  std::string application;   // "" = none
};
std::string derive_application_secret(const std::string& installation, const std::string& application_id);

struct Access {
  modelyard::zookeeper::AclList records;  // deployments, instances, leader, epoch: installation all
  modelyard::zookeeper::AclList workers;  // reports, leases, endpoints: application and installation all
  modelyard::zookeeper::AclList nests;    // the parents of what workers make: application may create and delete below
};
Access access_of(const Secrets& secrets, bool world_may_read);
// For ClientOptions::auth: what a controller, a worker says.
std::vector<std::pair<std::string, std::string>> controller_auth(const Secrets& secrets);
std::vector<std::pair<std::string, std::string>> worker_auth(const Secrets& secrets);

}  // namespace modelyard::registry::zookeeper
