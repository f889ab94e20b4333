// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "client/directory.h"
#include "client/endpoint_source.h"
#include "registry/zookeeper/endpoints.h"
#include "zookeeper/client.h"

namespace modelyard::client {

// Where a registry in ZooKeeper is, and who asks.
struct ZookeeperAddress {
  std::string quorum;  // "host1:2181,host2[/chroot]"
  std::string zk_root{registry::zookeeper::kDefaultRoot};
  std::vector<std::pair<std::string, std::string>> auth;  // as of zookeeper::ClientOptions
};

// Keeps a directory from the endpoints in ZooKeeper, ours and the reference's. What calls found goes to on_calls, once
// a second. Confined to one loop; directory, clock and client outlive it.
class ZookeeperFeed final : public EndpointSource {
 public:
  using OnCalls = std::function<void(std::vector<CallReport>)>;

  ZookeeperFeed(io::Loop& loop, zookeeper::Client& client, Directory& directory, std::string zk_root,
                const Clock& clock);
  // With a session of its own, which stop() closes. kInvalidArgument: the quorum.
  static Result<std::unique_ptr<ZookeeperFeed>> open(io::Loop& loop, ZookeeperAddress address, Directory& directory,
                                                     Random random, const Clock& clock);
  ~ZookeeperFeed() override;

  // Both before start(); both may stay empty. on_snapshot hears after the directory.
  void on_snapshot(registry::zookeeper::EndpointFeed::OnSnapshot callback) { on_snapshot_ = std::move(callback); }
  void on_calls(OnCalls callback) { on_calls_ = std::move(callback); }

  void start() override;
  io::Task<void> stop() override;
  bool connected() const override;
  io::Task<Status> wait_for_snapshot(SteadyTime deadline, int failures_max = 0) override;

  const registry::zookeeper::EndpointFeed& endpoints() const { return endpoints_; }

 private:
  ZookeeperFeed(io::Loop& loop, std::unique_ptr<zookeeper::Client> own, zookeeper::Client& client, Directory& directory,
                std::string zk_root, const Clock& clock);
  io::Task<void> report();
  void tell_calls();

  std::unique_ptr<zookeeper::Client> own_;
  Directory& directory_;
  registry::zookeeper::EndpointFeed endpoints_;
  registry::zookeeper::EndpointFeed::OnSnapshot on_snapshot_;
  OnCalls on_calls_;
  io::Scope scope_;
};

}  // namespace modelyard::client
