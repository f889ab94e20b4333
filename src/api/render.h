// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/controller.h"
#include "registry/registry.h"

// The JSON forms of docs/api.md. Pure.
namespace modelyard::api {

// Which deployments a request means; empty = any.
struct NameFilter {
  std::string name;
  std::string version;
  bool matches(std::string_view n, std::string_view v) const {
    return (name.empty() || name == n) && (version.empty() || version == v);
  }
};

json::Tree deployment_json(const controller::DeploymentStatus& status);
std::string deployments_json(const std::vector<controller::DeploymentStatus>& statuses, const NameFilter& filter);
// What is registered; the states are those of the instances' records.
std::string models_json(const registry::Snapshot& snapshot, const std::vector<controller::DeploymentStatus>& statuses,
                        const NameFilter& filter);
std::string events_json(const std::vector<registry::Event>& events);
// The data of the events `snapshot` and `change` of /api/v1/watch.
std::string snapshot_json(const registry::Snapshot& snapshot);
std::string change_json(const registry::Snapshot& snapshot, const std::vector<registry::Change>& changes);

Result<std::vector<controller::CallReport>> call_reports_from(std::string_view body);

}  // namespace modelyard::api
