// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/random.h"
#include "io/task.h"
#include "registry/instance_folder.h"
#include "registry/zookeeper/access.h"
#include "registry/zookeeper/layout.h"
#include "zookeeper/client.h"

namespace modelyard::registry::zookeeper {

// A runner's side of the registry: its lease, its endpoint, its reports, its orders. Confined to the client's loop.
//
// - The lease and the endpoint are ephemeral nodes of this session, made in one multi that checks the instance's
// record:
//   a runner whose record is gone, or has a newer incarnation, registers nothing (on_order(kDisowned)).
// - After a lost session both are made again as soon as the new one is there and the record still names this
//   incarnation. A node of the same name that an older session of the same instance left is replaced.
// - The order is what the instance's record says (order_of): it is watched, read again after each reconnect.
// - While ZooKeeper is away nothing changes: the model goes on serving.
class RunnerSession {
 public:
  enum class Order { kServe, kDrain, kStop, kDisowned };

  RunnerSession(io::Loop& loop, modelyard::zookeeper::Client& client, Layout layout, Access access, std::string id,
                int64_t incarnation, Random random);
  ~RunnerSession();

  void on_order(std::function<void(Order)> callback);  // before start()
  void start();
  // The newest report wins. An endpoint in it while the state is ready: registered; else: not (any more).
  void report(RunnerReport report);
  // Waits until the newest report and registration are in ZooKeeper (true) or the deadline has passed.
  io::Task<bool> flush(SteadyTime deadline);
  // The endpoint goes, then the lease.
  io::Task<void> stop(SteadyTime deadline);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// What a stored record orders its runner.
RunnerSession::Order order_of(const Instance& record, int64_t incarnation);

}  // namespace modelyard::registry::zookeeper
