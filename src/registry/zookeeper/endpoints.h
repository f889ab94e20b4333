// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "io/task.h"
#include "registry/contents.h"
#include "registry/zookeeper/layout.h"
#include "zookeeper/client.h"

namespace modelyard::registry::zookeeper {

// The endpoints below SERVICE_ROOT as snapshots, for clients: ours and the reference's. A change costs what it changes,
// not what there is: vectors of models that did not change are shared. Malformed nodes are passed over, counted and
// named once in the log. Confined to the client's loop; start(), then co_await stop() before destruction.
class EndpointFeed {
 public:
  using OnSnapshot = std::function<void(const std::shared_ptr<const Snapshot>&, const std::vector<Change>&)>;

  // Reads ZK_ROOT itself (and again when it changes) to find SERVICE_ROOT.
  EndpointFeed(io::Loop& loop, modelyard::zookeeper::Client& client, std::string zk_root, const Clock& clock);
  ~EndpointFeed();

  void on_snapshot(OnSnapshot callback);  // before start()
  void start();
  io::Task<void> stop();

  // Null before the first. Never replaced by an emptier one because a connection was lost.
  std::shared_ptr<const Snapshot> snapshot() const;
  bool current() const;
  std::string trouble() const;  // why there is none, or why it is not current
  size_t malformed() const;
  // kUnavailable after the deadline; kPermissionDenied where it is known by then that reading is not allowed.
  io::Task<Status> wait_for_snapshot(SteadyTime deadline);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace modelyard::registry::zookeeper
