// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "cli/cluster.h"
#include "cli/machine.h"

// What `modelyard doctor --zk` looks at, one function for each matter.
namespace modelyard::cli {

using Findings = std::vector<Finding>;

// Each server of the quorum by itself: reachable, its version and role as the four-letter command srvr tells where it
// is allowed. Without a session.
Findings examine_quorum(const client::ZookeeperAddress& address);

// With a session.
using ClusterCheck = Findings (*)(Cluster& cluster);
// In the order in which they are told.
const std::vector<ClusterCheck>& cluster_checks();

Findings examine_clock(Cluster& cluster);          // this machine's against the servers'
Findings examine_nodes(Cluster& cluster);          // ZK_ROOT, ours, and who may write them
Findings examine_leader(Cluster& cluster);         // somebody leads, and its address answers
Findings examine_queue(Cluster& cluster);          // waiting requests, rejected ones
Findings examine_registrations(Cluster& cluster);  // registrations that nobody stands behind

// What srvr answered, as a finding about that server. Pure.
Finding finding_of_srvr(const std::string& server, std::string_view answer);

}  // namespace modelyard::cli
