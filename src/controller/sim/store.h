// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "controller/reconcile.h"
#include "registry/contents.h"

namespace modelyard::controller::sim {

// What is durable. Survives every crash of the simulated controller.
class Store {
 public:
  registry::Contents lead();
  // All or nothing, as Registry::write.
  Status write(const std::vector<registry::Write>& batch);

  const std::map<DeploymentKey, registry::Deployment>& deployments() const { return deployments_; }
  const std::map<std::string, registry::Instance>& instances() const { return instances_; }

 private:
  int64_t epoch_ = 0;
  int64_t last_incarnation_ = 0;
  std::map<DeploymentKey, registry::Deployment> deployments_;
  std::map<std::string, registry::Instance> instances_;
};

}  // namespace modelyard::controller::sim
