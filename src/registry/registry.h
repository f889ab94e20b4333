// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/task.h"
#include "registry/contents.h"
#include "registry/instance_folder.h"

namespace modelyard::registry {

// Who leads, as a follower tells others.
struct Leader {
  std::string host;
  int64_t pid = 0;
  std::string url;  // of its HTTP API; "" = none
};

// What a runner holds where runners speak to the registry themselves.
struct LeaseRecord {
  int64_t incarnation = 0;
  std::string host;
  int64_t runner_pid = 0;
};

// What is new of one runner: all that is known of it, each time.
struct RunnerNews {
  std::string id;
  std::optional<LeaseRecord> lease;    // nothing: no lease (any more)
  std::optional<RunnerReport> report;  // nothing: none yet
};

// A request that waits in the queue, as it lies there.
struct QueueItem {
  std::string id;  // "qn-0000000007"
  std::string data;
};

// The one store of what is wanted and what is known to run, as a controller sees it. Implementations: embedded (SQLite,
// embedded.h), ZooKeeper (zookeeper/registry.h), fake (memory, fake.h). On one machine clients follow the endpoints
// over HTTP from the controller, which computes the snapshot from the instances' records (make_snapshot). Confined to
// one loop; what it answers is durable. After kDeadline or kUnavailable the caller does not know whether a write
// happened and asks again: every write is whole records, so saying it twice is harmless.
class Registry {
 public:
  virtual ~Registry() = default;

  // Waits to be the one that writes and reads everything. Embedded: at once, a second process is refused when it opens
  // the file. Afterwards every write of an earlier leader is kConflict.
  virtual io::Task<Result<Contents>> lead() = 0;

  // All in one transaction.
  virtual io::Task<Status> write(std::vector<Write> batch) = 0;

  // Oldest first, at most limit of the newest. Empty = any.
  virtual io::Task<Result<std::vector<Event>>> events(std::string name, std::string version, int limit) = 0;

  // What follows is for registries that several controllers share (ZooKeeper): one leads, the others follow. The
  // defaults are those of a registry with one user. Callbacks come on the loop, never inside another call; ended by
  // dropping the subscription.
  using Subscription = std::shared_ptr<void>;

  // Whether lead() may wait for another controller, and runners speak to the registry instead of the controller.
  virtual bool is_shared() const { return false; }
  // False: this process was cut off for so long that another one may lead by now. Asked before each act that cannot be
  // undone.
  virtual bool deciding() const { return true; }
  // Called when the leadership is lost: stop acting at once, then lead() again. A write that is kConflict says the
  // same.
  virtual void on_lost(std::function<void()> /*callback*/) {}
  // While another leads; nothing: nobody, or this one.
  virtual std::optional<Leader> current_leader() const { return std::nullopt; }
  // What is stored, as it is pushed, and a call for each change of it or of the leader. Null: not read yet.
  virtual std::shared_ptr<const Contents> contents() const { return nullptr; }
  virtual Subscription on_contents(std::function<void()> /*callback*/) { return {}; }

  // The queue, for the leader. Items by their sequence, lowest first; the call when there may be more.
  virtual io::Task<Result<std::vector<QueueItem>>> requests(size_t limit);
  virtual Subscription on_requests(std::function<void()> /*callback*/) { return {}; }

  // The runners, for the leader; the first calls bring what is there.
  virtual Subscription on_runners(std::function<void(const RunnerNews&)> /*callback*/) { return {}; }
};

}  // namespace modelyard::registry
