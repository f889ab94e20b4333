// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/invocation.h"
#include "client/zookeeper_feed.h"
#include "io/task.h"
#include "registry/contents.h"
#include "registry/zookeeper/layout.h"
#include "registry/zookeeper/requests.h"
#include "zookeeper/client.h"

// Commands that look into ZooKeeper: --zk, --zk-root, --zk-secret-file.
namespace modelyard::cli {

std::vector<Option> cluster_options();
// By the options, else $MODELYARD_ZK; nothing where a server is meant: --server, $MODELYARD_SERVER, or none of all.
// Wrong usage: --server beside --zk, a quorum that is none, a secret file that others can read.
Result<std::optional<client::ZookeeperAddress>> cluster_address(Invocation& invocation);
// For commands that are of a cluster alone.
Result<client::ZookeeperAddress> required_cluster(Invocation& invocation);

// A session for one command. Blocks: each call runs the loop on the calling thread.
class Cluster {
 public:
  // Connected within 10 s. kUnavailable: no server of the quorum answers, or its chroot does not exist. The failures
  // that commands meet later get their advice here.
  static Result<Cluster> open(Invocation& invocation, const client::ZookeeperAddress& address);
  // Over a session that is there; `loop` outlives it.
  static Result<Cluster> over(io::Loop& loop, std::unique_ptr<zookeeper::Client> client,
                              client::ZookeeperAddress address);
  Cluster(Cluster&&) noexcept;
  ~Cluster();

  const std::string& quorum() const { return address_.quorum; }
  const client::ZookeeperAddress& address() const { return address_; }
  zookeeper::Client& client() { return *client_; }
  io::Loop& loop() { return *loop_; }
  const registry::zookeeper::Layout& layout() const { return layout_; }
  template <typename T>
  T run(io::Task<T> task) {
    return io::run_blocking(*loop_, std::move(task));
  }

  // kUnavailable: nobody leads.
  Result<registry::zookeeper::LeaderRecord> leader();
  // What clients can call now.
  Result<std::shared_ptr<const registry::Snapshot>> endpoints();
  // One request into the queue; the item's name. kDeadline (exit 4): it is not known whether it was taken, the text
  // says how to see it.
  Result<std::string> enqueue(registry::zookeeper::Request request);

 private:
  Cluster(io::Loop* loop, std::unique_ptr<io::Loop> own, std::unique_ptr<zookeeper::Client> client,
          client::ZookeeperAddress address);
  Status connect();

  io::Loop* loop_;
  std::unique_ptr<io::Loop> own_loop_;
  std::unique_ptr<zookeeper::Client> client_;
  client::ZookeeperAddress address_;
  registry::zookeeper::Layout layout_;
};

// Waits until the session is there and its chroot is. kUnavailable names the quorum and why.
io::Task<Status> reach(zookeeper::Client& client, std::string quorum, SteadyTime deadline);
// A session with the address's quorum.
Result<std::unique_ptr<zookeeper::Client>> open_session(io::Loop& loop, const client::ZookeeperAddress& address);

}  // namespace modelyard::cli
