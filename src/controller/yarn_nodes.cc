// SPDX-License-Identifier: Apache-2.0
#include "controller/yarn_nodes.h"

namespace modelyard::controller {

bool NodeFailures::failed(const std::string& host, int32_t cluster_nodes, SteadyTime now) {
  std::deque<SteadyTime>& times = failures_[host];
  times.push_back(now);
  while (times.front() + options_.window < now) times.pop_front();
  if (static_cast<int>(times.size()) > options_.failures_max) times.pop_front();
  if (avoided_.contains(host) || static_cast<int>(times.size()) < options_.failures_max) return false;
  if (2 * (static_cast<int64_t>(avoided_.size()) + 1) > cluster_nodes) return false;
  failures_.erase(host);
  avoided_[host] = now + options_.avoided_for;
  return true;
}

std::vector<std::string> NodeFailures::take_expired(SteadyTime now) {
  std::vector<std::string> out;
  std::erase_if(avoided_, [&](const auto& entry) {
    if (entry.second > now) return false;
    out.push_back(entry.first);
    return true;
  });
  return out;
}

}  // namespace modelyard::controller
