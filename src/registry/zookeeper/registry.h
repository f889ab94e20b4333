// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "registry/registry.h"
#include "registry/zookeeper/access.h"
#include "registry/zookeeper/layout.h"
#include "zookeeper/client.h"

namespace modelyard::registry::zookeeper {

struct RegistryOptions {
  std::string zk_root{kDefaultRoot};
  Secrets secrets;
  LeaderRecord candidate;  // who this is; id and since are filled in
  bool take_over = false;  // lead although a master of the reference serves the same queue
};

// The registry of a cluster, as a controller sees it. Confined to the client's loop; the client outlives it;
// co_await open() once, then use, then co_await stop() before destruction.
//
// Leading. lead() stands as a candidate (an ephemeral sequential node), waits until its node is the lowest, then raises
// the epoch and reads everything. Each write() is one multi that begins with the check of that node: a leader that was
// stopped past its session finds kConflict, whatever it had decided meanwhile. A controller that hears nothing of
// ZooKeeper decides nothing: deciding() is false from a third of the session's time before its end.
//
// Before it first leads it looks for a living master of the reference, which takes what lies in the queue: it watches
// the lowest item, or one of its own ("null"), for a second, or for three where the reference has left registrations
// (decision 0008). Somebody takes it: kConflict with what to do, unless take_over. Candidates of another `launcher` or
// `place` than the present leader's are kConflict too.
class ZookeeperRegistry final : public Registry {
 public:
  ZookeeperRegistry(io::Loop& loop, modelyard::zookeeper::Client& client, RegistryOptions options, const Clock& clock,
                    Random random);
  ~ZookeeperRegistry() override;

  // Reads ZK_ROOT, makes our nodes where absent. kUnavailable (no connection by the deadline), kNotFound (the chroot),
  // kPermissionDenied, kUnsupported: each text says what to do.
  io::Task<Status> open(SteadyTime deadline);
  // Gives the leadership up (its node goes) and ends the watches.
  io::Task<void> stop();
  const Layout& layout() const;
  const Access& access() const;

  io::Task<Result<Contents>> lead() override;
  io::Task<Status> write(std::vector<Write> batch) override;
  io::Task<Result<std::vector<Event>>> events(std::string name, std::string version, int limit) override;

  bool is_shared() const override { return true; }
  bool leads() const;
  bool deciding() const override;
  // Called on the loop when leads() turns false: stop acting at once, then lead() again.
  void on_lost(std::function<void()> callback) override;

  // While another leads.
  std::optional<LeaderRecord> leader() const;
  std::optional<Leader> current_leader() const override {
    const std::optional<LeaderRecord> record = leader();
    return record ? std::optional(Leader{record->host, record->pid, record->url}) : std::nullopt;
  }
  // What is stored, as it is pushed: the newest, and a call for each change (of the leader too). Contents::epoch is the
  // leader's.
  std::shared_ptr<const Contents> contents() const override;
  using Subscription = std::shared_ptr<void>;
  Subscription on_contents(std::function<void()> callback) override;

  // The queue, for the leader. Items by their sequence, lowest first; `callback` when there may be more. The item goes
  // by Write::take_request or Write::reject_request in the batch that carries it out.
  using Item = QueueItem;
  io::Task<Result<std::vector<Item>>> requests(size_t limit) override;
  Subscription on_requests(std::function<void()> callback) override;

  // The runners' side, for the leader: what they hold and say. Called on the loop; the first calls bring what is there.
  using RunnerNews = registry::RunnerNews;
  Subscription on_runners(std::function<void(const RunnerNews&)> callback) override;

  std::vector<RejectedRequest> rejected() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace modelyard::registry::zookeeper
