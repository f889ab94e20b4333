// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "hadoop/rpc/connection.h"
#include "hadoop/yarn/types.h"

namespace modelyard::hadoop::pb {
class AllocateRequest;
class AllocateResponse;
class NmToken;
}  // namespace modelyard::hadoop::pb

namespace modelyard::hadoop::yarn {

// How many containers of one kind are still wanted. One kind has one priority, by which containers find back to it.
struct Ask {
  Resource resource;
  int32_t count = 0;
  std::string label;  // of nodes (a node label expression); "" = the queue's default
  bool operator==(const Ask&) const = default;
};

// What a resource manager's answer brought.
struct MasterEvents {
  bool registered = false;  // the first time, or again after the resource manager was another
  std::vector<Container> allocated;
  std::vector<ContainerStatus> completed;
  std::vector<Container> previous;  // run since an earlier attempt of this application
  std::vector<NodeUpdate> nodes;
  std::vector<ContainerId> preempted;  // will be taken away soon
  struct Refused {
    int32_t priority = 0;
    std::string why;
  };
  std::vector<Refused> refused;  // asks that the resource manager will never fulfil; they are out of the table
  int over_allocated = 0;        // given back
};

// The application master's side of ApplicationMasterProtocol without I/O: what to send next, and what an answer means.
// One request at a time: next(), then exactly one of take() and lost().
//
//   kRegistering -> kRegistered -> kFinishing -> kFinished
//        ^---------------' the resource manager is another: everything is sent again
//   any -> kShutDown: the resource manager has given us up
//
// Asks are a table: `count` is what is still wanted, each allocation lowers it, and only changes are sent. What comes
// above it is released at once. Containers, answers and tokens are never lost by a repeated request: the resource
// manager answers the same response id again.
// Rules: ApplicationMasterService and AMRMClientImpl of Hadoop 3.3 to 3.5.
class MasterMachine {
 public:
  enum class State { kRegistering, kRegistered, kFinishing, kFinished, kShutDown };
  struct Options {
    std::string host;
    int32_t port = -1;
    std::string tracking_url;
    Token token;  // kind YARN_AM_RM_TOKEN
    size_t blacklist_max = 100;
  };
  explicit MasterMachine(Options options) : options_(std::move(options)), token_(options_.token) {}

  State state() const { return state_; }
  const std::string& shutdown_reason() const { return shutdown_reason_; }
  // The newest: for the next connection.
  const Token& token() const { return token_; }
  Resource maximum() const { return maximum_; }  // of one container; 0 before it is registered
  const std::string& queue() const { return queue_; }
  Resource headroom() const { return headroom_; }  // what the queue has left for us
  int32_t cluster_nodes() const { return cluster_nodes_; }
  // For a connection to the node; nullptr = none came yet.
  const Token* nm_token(const NodeId& node) const;

  // kInvalidArgument: above maximum(); the text names it.
  Status judge(const Resource& resource) const;
  // Sets what is wanted with a priority from now on; count 0 = nothing. Errors as judge().
  Status want(int32_t priority, Ask ask);
  // What is still wanted; nothing when the priority is not in the table.
  std::optional<Ask> wanted(int32_t priority) const;
  bool wants_any() const;
  // Gives a container back, running or not.
  void release(const ContainerId& id);
  // No further containers on this host / again. False: too many are, nothing changed.
  bool blacklist(const std::string& host, bool listed);
  const std::set<std::string>& blacklisted() const { return blacklist_; }
  void finish(bool succeeded, std::string diagnostics, std::string tracking_url);
  // Whether a heartbeat has something to say.
  bool has_changes() const;

  struct Request {
    std::string method;
    std::string body;
  };
  // The next to send; the same one again after lost().
  Request next();
  // The answer to it. Errors: what cannot be mended by sending it again; kProtocol: rubbish.
  Result<MasterEvents> take(const rpc::Answer& answer);
  void lost() {}

 private:
  Result<MasterEvents> take_register(const rpc::Answer& answer);
  Result<MasterEvents> take_allocate(const rpc::Answer& answer);
  Result<MasterEvents> take_finish(const rpc::Answer& answer);
  Result<MasterEvents> take_refusal(const RemoteException& exception);
  Result<MasterEvents> take_refused_asks(const RemoteException& exception);
  void take_containers(const pb::AllocateResponse& response, MasterEvents& events);
  void take_nm_token(const pb::NmToken& token);
  std::string make_allocate();
  void add_asks(pb::AllocateRequest& request);
  void begin_again();
  void shut_down(std::string reason);

  const Options options_;
  State state_ = State::kRegistering;
  bool finishing_ = false;
  std::string shutdown_reason_;
  Token token_;
  Resource maximum_;
  Resource headroom_;
  std::string queue_;
  int32_t cluster_nodes_ = 0;
  std::map<NodeId, Token> nm_tokens_;

  std::map<int32_t, Ask> asks_;
  std::set<int32_t> changed_asks_;
  std::set<int32_t> sent_asks_;     // in the request under way
  bool one_by_one_ = false;         // the last bundle had a bad ask: it is looked for
  std::set<ContainerId> releases_;  // not yet known as completed
  std::set<ContainerId> changed_releases_;
  std::set<ContainerId> sent_releases_;
  std::set<std::string> blacklist_;
  std::set<std::string> blacklist_changes_;
  std::set<std::string> sent_blacklist_;
  int32_t response_id_ = 0;
  std::optional<Request> under_way_;
  std::string finish_body_;
};

}  // namespace modelyard::hadoop::yarn
