// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "io/task.h"

namespace modelyard::client {

// Keeps a directory as a registry tells it: a server's (feed.h) or ZooKeeper (zookeeper_feed.h). A lost connection is
// made again for ever and empties nothing. Confined to one loop: start(), then co_await stop() before destruction.
class EndpointSource {
 public:
  virtual ~EndpointSource() = default;

  virtual void start() = 0;
  virtual io::Task<void> stop() = 0;
  // What the directory holds is what the registry holds now.
  virtual bool connected() const = 0;
  // kUnavailable when the deadline came first; the text tells why the registry was not reached.
  // failures_max > 0: for those who would rather go on without, gives up after so many failed attempts in a row (of a
  // quorum: after a short time).
  virtual io::Task<Status> wait_for_snapshot(SteadyTime deadline, int failures_max = 0) = 0;
};

}  // namespace modelyard::client
