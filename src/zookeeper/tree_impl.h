// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/random.h"
#include "io/task.h"
#include "zookeeper/tree.h"

namespace modelyard::zookeeper {

// How a Tree works. Whatever happens (an event, a listing, a reconnect) marks paths as owed a read; kick() turns owed
// reads into requests, as many as may be in flight; an answer is taken into nodes_ and told after the gather time. A
// mark carries a ticket, and what a read finds inherits it: when no ticket up to T is outstanding, everything that was
// marked before T is taken in, however much has changed since.
class Tree::Impl {
 public:
  Impl(io::Executor executor, Client& client, std::string root, TreeOptions options);

  void start();
  io::Task<void> stop();
  io::Task<bool> wait_complete(SteadyTime deadline);
  io::Task<Status> refresh(SteadyTime deadline);

  bool complete() const { return complete_; }
  bool current() const;
  std::string trouble() const;
  const Nodes& nodes() const { return nodes_; }
  size_t left_out() const { return hidden_.size() + over_.size(); }

  OnChanges callback;

 private:
  enum class Mode {
    kNone,       // no watch yet in this session
    kRecursive,  // one watch for all
    kPerNode,    // a watch for the data and one for the children of each node
  };
  struct Owed {
    uint64_t ticket = 0;
    bool data = false;
    bool list = false;
    bool check = false;  // after a lost connection: list too if the children changed since the last read
  };
  struct Flight {
    bool is_stale = false;  // the node was deleted since the request was sent
  };
  // Which watches of a node are set at the server (kPerNode).
  struct Armed {
    bool data = false;
    bool child = false;
  };

  // tree.cc: the session's life, marks, what is told.
  void on_state(Client::State state, bool new_session);
  void lose_watches();
  void establish_if_needed();
  io::Task<void> establish();
  void mark(const std::string& path, Owed owed);
  void mark_all();
  uint64_t mark_hidden();  // the ticket
  bool is_settled(uint64_t ticket) const;
  void changed(const std::string& path, NodePtr before);
  io::Task<void> gather();
  void tell();
  void retry_later(const Error& error);
  io::Task<void> wait_and_retry();
  io::Task<void> recheck_hidden();

  // tree_reads.cc: requests, their answers, events.
  void kick();
  bool is_ready() const;
  io::Task<void> read(std::string path, Owed owed);
  io::Task<Status> read_data(const std::string& path, Owed& owed);
  io::Task<Status> read_list(const std::string& path, const Owed& owed);
  io::Task<Status> watch_absent_root();
  void finish(const std::string& path, uint64_t ticket);
  void take(const std::string& path, Client::Node node, Owed& owed);
  void take_list(const std::string& path, const std::vector<std::string>& names, const Owed& owed);
  void drop(const std::string& path);
  void hide(const std::string& path);
  void admit_left_out();
  void on_tree_event(const WatchEvent& event);
  Client::Watcher make_watcher(const std::string& path, bool of_children, std::shared_ptr<bool> fired);
  std::string absolute(const std::string& path) const;
  int level(const std::string& path) const;

  const io::Executor executor_;
  Client& client_;
  const std::string root_;
  const TreeOptions options_;
  Random random_ = Random::from_system();

  Mode mode_ = Mode::kNone;
  bool is_started_ = false;
  bool is_establishing_ = false;
  bool is_gathering_ = false;
  bool is_retrying_ = false;
  bool is_rechecking_ = false;
  bool complete_ = false;
  uint64_t epoch_ = 0;     // of the watches: one that carries an older is forgotten
  int64_t session_ = 0;    // that the watches were set in
  uint64_t failures_ = 0;  // in a row
  std::string error_;      // of the last failed read
  Client::Subscription state_subscription_;
  Client::Subscription watch_;
  std::unordered_map<std::string, Armed> armed_;

  uint64_t last_ticket_ = 0;
  uint64_t walk_ticket_ = 0;  // of the last read of the whole
  std::map<std::string, Owed> owed_;
  std::deque<std::string> queue_;  // the owed in order, without those whose path is in flight
  std::map<std::string, Flight> flights_;
  std::multiset<uint64_t> outstanding_;

  Nodes nodes_;
  std::set<std::string> hidden_;            // not permitted
  std::set<std::string> over_;              // beyond nodes_max; at most as many again
  std::map<std::string, NodePtr> changed_;  // not told yet: what was there before

  io::Event progress_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();
  io::Scope scope_;
};

}  // namespace modelyard::zookeeper
