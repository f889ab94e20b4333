// SPDX-License-Identifier: Apache-2.0
#include "controller/status.h"

#include <algorithm>

#include "controller/reconcile.h"

namespace modelyard::controller {
namespace {

using registry::Deployment;
using registry::DeploymentState;
using registry::Instance;
using registry::InstanceState;

// What the states of a deployment's instances add up to.
struct Tally {
  int live = 0;
  int ready = 0;
  int other_revision = 0;
  bool crash_loop = false;
  bool impaired = false;            // one failed, is unhealthy or unreachable
  const Instance* worst = nullptr;  // whose words the error is
  std::string lacking;              // what one waits for
};

Tally tally(const Deployment& deployment, const std::vector<const ObservedInstance*>& instances,
            const ReconcileOptions& options) {
  Tally out;
  const registry::Revision* wanted = wanted_revision(deployment);
  for (const ObservedInstance* seen : instances) {
    const Instance& record = seen->record;
    if (record.state == InstanceState::kDraining) continue;
    ++out.live;
    if (wanted != nullptr && record.revision != wanted->number) ++out.other_revision;
    if (is_callable(*seen)) {
      ++out.ready;
      continue;
    }
    if (record.failures >= options.crash_loop_after) out.crash_loop = true;
    if (record.failures > 0 || record.state == InstanceState::kUnhealthy ||
        record.state == InstanceState::kUnreachable) {
      out.impaired = true;
    }
    if (!seen->facts.waiting.empty()) {
      out.lacking = seen->facts.waiting;
    } else if (seen->facts.launch_error && record.state == InstanceState::kRequested) {
      out.lacking = seen->facts.launch_error->message();
    }
    const bool worse = out.worst == nullptr || record.failures > out.worst->failures ||
                       (record.failures == out.worst->failures && record.since_ms > out.worst->since_ms);
    if (!record.reason.empty() && worse) out.worst = &record;
  }
  return out;
}

std::string words_of(const Instance& record) {
  std::string text = record.id + ": " + record.reason;
  for (const std::string& line : record.log_tail) text += "\n" + line;
  return text;
}

}  // namespace

DeploymentStatus status_of(const Deployment& deployment, const std::vector<const ObservedInstance*>& instances,
                           const ReconcileOptions& options) {
  const Tally sum = tally(deployment, instances, options);
  DeploymentStatus out;
  out.deployment = deployment;
  out.wanted = deployment.removing ? 0 : deployment.instances;
  out.ready = sum.ready;
  out.restarts = deployment.restarts;
  if (const registry::Revision* wanted = wanted_revision(deployment)) out.revision = wanted->number;
  for (const ObservedInstance* seen : instances) {
    InstanceStatus& status = out.instances.emplace_back();
    status.instance = seen->record;
    status.restarts = seen->record.restarts;
    // Known to be down, not stored yet: what is shown must not be behind what clients are told.
    if (seen->record.state == InstanceState::kReady && !is_callable(*seen))
      status.instance.state = InstanceState::kUnhealthy;
  }
  std::sort(out.instances.begin(), out.instances.end(), [](const InstanceStatus& a, const InstanceStatus& b) {
    return std::pair(a.instance.created_ms, a.instance.id) < std::pair(b.instance.created_ms, b.instance.id);
  });

  const bool rejected =
      !deployment.revisions.empty() && deployment.rejected_revision == deployment.revisions.back().number;
  if (deployment.removing) {
    out.state = DeploymentState::kRemoving;
  } else if (rejected) {
    out.state = DeploymentState::kUpdateFailed;
    out.error = deployment.rejected_reason;
  } else if (sum.ready >= out.wanted && sum.other_revision == 0) {
    out.state = DeploymentState::kReady;
  } else if (sum.crash_loop) {
    out.state = DeploymentState::kCrashLoop;
  } else if (!sum.lacking.empty()) {
    out.state = DeploymentState::kWaiting;
    out.error = "waiting: " + sum.lacking;
  } else {
    out.state = sum.impaired ? DeploymentState::kDegraded : DeploymentState::kStarting;
  }
  if (out.error.empty() && out.state != DeploymentState::kReady && out.state != DeploymentState::kRemoving &&
      sum.worst != nullptr) {
    out.error = words_of(*sum.worst);
  }
  return out;
}

}  // namespace modelyard::controller
