// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "hadoop/testing/rpc_server.h"
#include "hadoop/yarn/master_machine.h"
#include "hadoop/yarn/types.h"

// For tests: what a resource manager and a node manager answer to an application master, by the rules of Hadoop 3.5's
// ApplicationMasterService, CapacityScheduler (one queue) and ContainerManagerImpl. Handlers of an RpcServer, or called
// directly. Confined to one thread.
namespace modelyard::hadoop::testing {

class FakeResourceManager {
 public:
  struct Node {
    yarn::NodeId id;
    int64_t memory_mb = 4096;  // free
    std::string label;
  };
  struct Running {
    yarn::Container container;
    bool acquired = false;  // the application master has it: it survives a restart
  };
  // The test's hand.
  std::vector<Node> nodes;
  yarn::Resource maximum{2048, 4};
  std::set<std::string> labels;
  bool allocates = true;   // at each heartbeat what fits
  bool reserves = false;   // keeps everything free for the first ask that does not fit
  int extra = 0;           // containers given above what is asked, once
  bool shut_down = false;  // the next answers say so
  bool forgets_attempt = false;
  std::optional<Token> rolled;            // comes with every answer
  std::vector<yarn::Container> previous;  // of an earlier attempt
  std::string error_class;                // every allocate is refused with it

  // What it saw.
  bool registered = false;
  int registrations = 0;
  bool finished = false;
  std::string tracking_url;
  std::map<int32_t, yarn::Ask> asks;
  std::set<std::string> blacklist;
  std::vector<yarn::ContainerId> released;
  std::map<yarn::ContainerId, Running> containers;
  int heartbeats = 0;
  int repeated = 0;  // answered from its memory

  Reply handle(const std::string& method, const std::string& body);
  Reply operator()(const ServerMachine::Call& call) { return handle(call.method, call.body); }

  // Another process, with the containers of the state store and nothing else.
  void restart();
  void complete(const yarn::ContainerId& id, int32_t exit_status, std::string diagnostics = "");
  void lose_node(const yarn::NodeId& id);
  void preempt(const yarn::ContainerId& id) { preempted_.push_back(id); }

 private:
  Reply take_register(const std::string& body);
  Reply take_allocate(const std::string& body);
  Reply judge_asks(const std::string& body);
  void allocate(int32_t priority, yarn::Ask& ask);
  bool give(int32_t priority, const yarn::Ask& ask);

  int32_t response_id_ = 0;
  std::string last_answer_;
  int64_t epoch_ = 0;
  int64_t next_container_ = 1;
  std::vector<yarn::ContainerId> new_;
  std::vector<yarn::ContainerId> unconfirmed_;  // in the last answer
  std::vector<yarn::ContainerStatus> completed_;
  std::vector<yarn::NodeUpdate> updates_;
  std::vector<yarn::ContainerId> preempted_;
  std::set<yarn::NodeId> nm_tokens_sent_;
};

// The token that FakeResourceManager gives for a node, and takes itself.
Token nm_token_of(const yarn::NodeId& node);
Token am_rm_token();
yarn::ApplicationId application_id();

class FakeNodeManager {
 public:
  struct Started {
    std::vector<std::string> commands;
    std::map<std::string, std::string> environment;
    std::map<std::string, std::string> resources;  // name -> path
    Credentials credentials;
    bool is_archive = false;
  };
  std::map<yarn::ContainerId, Started> running;
  std::vector<yarn::ContainerId> stopped;
  std::optional<std::pair<std::string, std::string>> refuses;  // class and text: further starts fail so
  std::function<void(const yarn::ContainerId&)> on_stop;

  Reply handle(const std::string& method, const std::string& body);
  Reply operator()(const ServerMachine::Call& call) { return handle(call.method, call.body); }
};

}  // namespace modelyard::hadoop::testing
