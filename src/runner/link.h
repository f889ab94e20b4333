// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "io/task.h"
#include "registry/instance_folder.h"

namespace modelyard::runner {

// What the controller wants of this instance. kDisowned: it knows no such instance, or a newer incarnation of it.
enum class Order { kServe, kDrain, kStop, kDisowned };
using OnOrder = std::function<void(Order)>;

// A runner's way to its controller: reports there, orders back, the lease. Two of them: the Unix socket of one machine
// (socket_link.h) and ZooKeeper (zookeeper_link.h). While the other side is away it tries again for ever, with jitter,
// and nothing else of the runner waits for it. Confined to its loop: start() once, co_await stop() before destruction.
class ControllerLink {
 public:
  virtual ~ControllerLink() = default;

  virtual void start(OnOrder on_order) = 0;
  // The newest report wins; what was not sent before is never sent.
  virtual void report(registry::RunnerReport report) = 0;
  // After a report that takes the endpoint out of service: waits until no client finds it any more, or the deadline has
  // passed.
  virtual io::Task<void> withdraw(SteadyTime deadline) = 0;
  // Waits until the newest report has arrived (true) or the deadline has passed.
  virtual io::Task<bool> flush(SteadyTime deadline) = 0;
  // Gives the lease back, at most until the deadline.
  virtual io::Task<void> stop(SteadyTime deadline) = 0;
};

// By InstanceSpec::zookeeper. secret: the application's, "" = none. The spec outlives the link. kInvalidArgument: the
// quorum.
Result<std::unique_ptr<ControllerLink>> open_link(io::Loop& loop, const registry::InstanceSpec& spec,
                                                  const std::string& secret, Random& random);

}  // namespace modelyard::runner
