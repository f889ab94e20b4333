// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "registry/zookeeper/access.h"
#include "registry/zookeeper/layout.h"
#include "registry/zookeeper/runner_session.h"
#include "runner/link.h"
#include "zookeeper/client.h"

namespace modelyard::runner {

// A runner's way to its controller through ZooKeeper: lease and endpoint are ephemeral nodes of this session, the
// orders are what the instance's record says (registry/zookeeper/runner_session.h). Where the registry's nodes are is
// read from ZK_ROOT when the ensemble is first reached; until then reports wait.
class ZookeeperLink final : public ControllerLink {
 public:
  ZookeeperLink(io::Loop& loop, const registry::InstanceSpec& spec, registry::zookeeper::Secrets secrets,
                std::unique_ptr<zookeeper::Client> client, Random& random);
  ~ZookeeperLink() override;

  void start(OnOrder on_order) override;
  void report(registry::RunnerReport report) override;
  io::Task<void> withdraw(SteadyTime deadline) override;
  io::Task<bool> flush(SteadyTime deadline) override;
  io::Task<void> stop(SteadyTime deadline) override;

 private:
  io::Task<void> begin();
  io::Task<Status> open_session();
  void obey(registry::zookeeper::RunnerSession::Order order);
  void tell_state(zookeeper::Client::State state);

  io::Loop& loop_;
  const registry::InstanceSpec& spec_;
  const registry::zookeeper::Secrets secrets_;
  std::unique_ptr<zookeeper::Client> client_;
  Random& random_;
  OnOrder on_order_;
  zookeeper::Client::Subscription states_;
  std::unique_ptr<registry::zookeeper::RunnerSession> session_;  // null until ZK_ROOT was read
  std::optional<registry::RunnerReport> newest_;                 // what came before the session
  io::Event opened_;
  io::Scope scope_;
};

}  // namespace modelyard::runner
