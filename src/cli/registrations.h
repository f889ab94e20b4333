// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "cli/cluster.h"

namespace modelyard::cli {

// One persistent registration, as a master of the reference leaves it, and whether anybody stands behind it.
struct JudgedRegistration {
  registry::zookeeper::Registration registration;
  bool answers = false;
  std::string why_not;  // "node1:36161: connection refused"
};

// Every persistent registration, asked whether its url answers: a connection within 2 s, at most 64 at a time. A url
// that cannot be asked (malformed, no port) does not answer.
Result<std::vector<JudgedRegistration>> judge_registrations(Cluster& cluster);
// Removes the node unless it was changed since it was asked.
Status remove_registration(Cluster& cluster, const JudgedRegistration& judged);

// "dga@1.0 container_1_2"
std::string text_of(const JudgedRegistration& judged);

}  // namespace modelyard::cli
