// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"

namespace modelyard::controller {

struct NodeFailureOptions {
  int failures_max = 3;  // of one node, within the window: then it is avoided
  milliseconds window{600'000};
  milliseconds avoided_for{600'000};
};

// Which nodes of a cluster are avoided because containers could not be started there again and again. Pure: the time is
// an argument. Never more than half of the cluster's nodes: a cluster where nothing works is not left by this.
class NodeFailures {
 public:
  explicit NodeFailures(NodeFailureOptions options) : options_(options) {}

  // True: the node is avoided from now on. cluster_nodes: how many there are; 0 = not known.
  bool failed(const std::string& host, int32_t cluster_nodes, SteadyTime now);
  // A container lived there: what was before counts no more.
  void worked(const std::string& host) { failures_.erase(host); }
  // The nodes whose time is over: they may be used again.
  std::vector<std::string> take_expired(SteadyTime now);
  size_t avoided() const { return avoided_.size(); }

 private:
  NodeFailureOptions options_;
  std::map<std::string, std::deque<SteadyTime>> failures_;
  std::map<std::string, SteadyTime> avoided_;  // until when
};

}  // namespace modelyard::controller
