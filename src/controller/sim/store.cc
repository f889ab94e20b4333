// SPDX-License-Identifier: Apache-2.0
#include "controller/sim/store.h"

#include <algorithm>

namespace modelyard::controller::sim {

registry::Contents Store::lead() {
  registry::Contents out;
  out.epoch = ++epoch_;
  out.last_incarnation = last_incarnation_;
  for (const auto& [key, deployment] : deployments_) out.deployments.push_back(deployment);
  for (const auto& [id, instance] : instances_) out.instances.push_back(instance);
  return out;
}

Status Store::write(const std::vector<registry::Write>& batch) {
  using Kind = registry::Write::Kind;
  for (const registry::Write& write : batch) {
    if (write.kind != Kind::kPutDeployment) continue;
    const auto known = deployments_.find({write.deployment.name, write.deployment.version});
    const int64_t generation = known == deployments_.end() ? 0 : known->second.generation;
    if (generation != write.deployment.generation - 1)
      return fail(ErrorCode::kConflict, "another generation is stored");
  }
  for (const registry::Write& write : batch) {
    switch (write.kind) {
      case Kind::kPutDeployment:
        deployments_[{write.deployment.name, write.deployment.version}] = write.deployment;
        break;
      case Kind::kRemoveDeployment: deployments_.erase({write.name, write.version}); break;
      case Kind::kPutInstance:
        instances_[write.instance.id] = write.instance;
        last_incarnation_ = std::max(last_incarnation_, write.instance.incarnation);
        break;
      case Kind::kRemoveInstance: instances_.erase(write.id); break;
      case Kind::kPutName:
      case Kind::kAppendEvent:
      case Kind::kTakeRequest:
      case Kind::kRejectRequest: break;
    }
  }
  return {};
}

}  // namespace modelyard::controller::sim
