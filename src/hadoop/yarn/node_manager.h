// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "hadoop/rpc/client.h"
#include "hadoop/yarn/types.h"
#include "io/task.h"

namespace modelyard::hadoop::pb {
class FailedContainer;
}  // namespace modelyard::hadoop::pb

namespace modelyard::hadoop::yarn {

struct NodeManagersOptions {
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds call_timeout{15'000};
  std::chrono::milliseconds idle_max{30'000};  // then a connection is closed
  size_t connections_max = 64;                 // open at a time; the longest unused one makes room
};

// Starts and stops containers where they were given to us (ContainerManagementProtocol): one connection a node, opened
// when needed, with the node's token of the time, closed when idle.
//
// Errors of every method: kUnavailable: the node was not reached, nothing happened; kDeadline: it may have happened;
// kFailed: the node manager refuses, with its text; kUnauthenticated: it does not take the token.
//
// Confined to its loop. Await stop() before destruction.
class NodeManagers {
 public:
  NodeManagers(io::Executor executor, NodeManagersOptions options);
  ~NodeManagers();

  // Runs already (an answer was lost before) is done.
  io::Task<Status> start_container(Container container, Token nm_token, LaunchContext context);
  // TERM to its processes, KILL 250 ms later (yarn.nodemanager.sleep-delay-before-sigkill.ms). Unknown to the node
  // manager is done.
  io::Task<Status> stop_container(NodeId node, Token nm_token, ContainerId id);
  // kNotFound: the node manager does not know it (any more).
  io::Task<Result<ContainerStatus>> fetch_status(NodeId node, Token nm_token, ContainerId id);

  size_t open_connections() const;
  io::Task<void> stop();

 private:
  struct Slot;
  class Connecting;
  io::Task<Result<rpc::Answer>> call(NodeId node, Token nm_token, std::string method, std::string request);
  io::Task<Result<std::shared_ptr<Slot>>> connected(NodeId node, Token nm_token);
  io::Task<void> close_idle();
  io::Task<void> make_room();
  io::Task<void> drop(NodeId node);

  const io::Executor executor_;
  const NodeManagersOptions options_;
  std::map<NodeId, std::shared_ptr<Slot>> slots_;
  bool stopped_ = false;
  io::Scope scope_;
};

}  // namespace modelyard::hadoop::yarn
