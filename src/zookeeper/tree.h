// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "io/task.h"
#include "zookeeper/client.h"

namespace modelyard::zookeeper {

struct TreeOptions {
  int depth = 16;                       // levels below the root that are followed
  std::chrono::milliseconds gather{2};  // changes within this time are told together
  size_t nodes_max = 200'000;           // further nodes are left out and counted
  size_t reads_in_flight = 256;
};

// A copy of one subtree, kept current by the server's pushes: one persistent recursive watch where the server has them
// (3.6), a watch on each node where it has not. The root need not exist yet. Confined to the client's loop; the client
// outlives it; start() once, co_await stop() before destruction.
//
// What it holds is never dropped because the connection or the session is lost: current() turns false, and after the
// reconnect it reads what changed and tells the difference.
//
// A node that may not be read is left out with all below it, and tried again now and then (ZooKeeper tells nobody of
// changed access lists). Of a node's stat, what counts its children (num_children, cversion, pzxid) is that of its last
// read: a new child does not make it read again.
class Tree {
 public:
  struct Node {
    std::string data;
    Stat stat;
  };
  using NodePtr = std::shared_ptr<const Node>;
  // Path below the root -> node: "" is the root itself, "a/b" a node two levels down.
  using Nodes = std::map<std::string, NodePtr, std::less<>>;

  struct Change {
    std::string path;
    NodePtr before;  // null: created
    NodePtr after;   // null: deleted
  };
  // Called on the loop; a list is never empty but for the first call, which says that the whole was read. In order of
  // the paths, each once. During the call nodes() is what all calls have told; between calls it may be ahead by what is
  // being gathered.
  using OnChanges = std::function<void(const std::vector<Change>&)>;

  Tree(io::Executor executor, Client& client, std::string root, TreeOptions options = {});
  ~Tree();
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

  // Set before start().
  void on_changes(OnChanges callback);
  void start();
  io::Task<void> stop();

  // It was read whole once.
  bool complete() const;
  // Complete, connected, every pushed change is taken in.
  bool current() const;
  const Nodes& nodes() const;
  NodePtr find(std::string_view path) const;
  size_t left_out() const;
  // Why it is not current: "no connection: node1:2181: connection refused", "/maas/service: not permitted".
  std::string trouble() const;

  io::Task<bool> wait_complete(SteadyTime deadline);
  // Returns when everything that was committed before this call is in nodes(), and was told.
  io::Task<Status> refresh(SteadyTime deadline);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace modelyard::zookeeper
