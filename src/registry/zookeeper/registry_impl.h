// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "io/task.h"
#include "registry/zookeeper/registry.h"
#include "registry/zookeeper/write_batch.h"
#include "zookeeper/tree.h"

namespace modelyard::registry::zookeeper {

// Functions to call at a change; one ends when what add() returned is destroyed, also from inside a call.
template <typename... Args>
class Listeners {
 public:
  std::shared_ptr<void> add(std::function<void(Args...)> callback) {
    auto entry = std::make_shared<std::function<void(Args...)>>(std::move(callback));
    entries_.push_back(entry);
    return entry;
  }
  void call(Args... args) {
    std::erase_if(entries_, [](const auto& entry) { return entry.expired(); });
    const auto now = entries_;
    for (const auto& entry : now) {
      if (const auto callback = entry.lock()) (*callback)(args...);
    }
  }
  bool empty() const { return entries_.empty(); }

 private:
  std::vector<std::weak_ptr<std::function<void(Args...)>>> entries_;
};

// registry.cc: open, the copy of OWN and what is made of it. registry_lead.cc: candidacy and its end.
// registry_write.cc: the leader's writes. registry_queue.cc: the queue, and who else may serve it.
class ZookeeperRegistry::Impl {
 public:
  using Client = modelyard::zookeeper::Client;
  using Tree = modelyard::zookeeper::Tree;

  Impl(io::Loop& loop, Client& client, RegistryOptions options, const Clock& clock, Random random);

  io::Task<Status> open(SteadyTime deadline);
  io::Task<void> stop();
  io::Task<Result<Contents>> lead();
  io::Task<Status> write(std::vector<Write> batch);
  io::Task<Result<std::vector<Event>>> events(std::string name, std::string version, int limit);
  std::optional<LeaderRecord> leader() const;
  std::shared_ptr<const Contents> contents();
  io::Task<Result<std::vector<Item>>> requests(size_t limit);
  Subscription on_requests(std::function<void()> callback);
  Subscription on_runners(std::function<void(const RunnerNews&)> callback);
  std::vector<RejectedRequest> rejected() const;
  bool leads() const { return leads_; }
  bool deciding() const;

  Layout layout_;
  Access access_;
  std::function<void()> on_lost_;
  Listeners<> on_contents_;

 private:
  // A watcher of a one-shot watch: remembers that it fired, and wakes those who wait.
  struct Signal {
    bool fired = false;
  };
  Client::Watcher watcher(std::shared_ptr<Signal> signal);

  // registry.cc
  io::Task<Status> open_connected(SteadyTime deadline);
  io::Task<Status> make_nodes(SteadyTime deadline);
  void on_tree(const std::vector<Tree::Change>& changes);
  void take_node(const std::string& path, const Tree::NodePtr& node);
  RunnerNews news_of(const std::string& id) const;

  // registry_lead.cc
  enum class Standing { kLowest, kWaits, kLost };
  io::Task<Status> connected();
  io::Task<Status> stand();
  io::Task<Result<bool>> find_own_candidacy();
  io::Task<Result<Standing>> look_around();
  io::Task<Status> wait_turn();
  io::Task<Status> check_rival(const std::string& path);
  io::Task<Result<bool>> raise_epoch();
  io::Task<Status> claim_nodes();
  Result<Contents> read_everything();
  io::Task<void> leave();
  io::Task<void> watch_over(int64_t term, std::string candidate);
  void lose(const std::string& why);

  // registry_write.cc
  io::Task<Status> write_now(const std::vector<Write>& batch);
  io::Task<Status> make_parents_of(const std::vector<Write>& batch);
  Status refused(const WriteBatch& writes, const modelyard::zookeeper::MultiAnswer& answer, const std::string& path);

  // registry_queue.cc
  io::Task<Result<std::vector<std::string>>> queue_items(Client::Watcher watcher);
  io::Task<Status> refuse_living_reference();
  io::Task<Result<bool>> is_taken(const std::string& path, milliseconds within);
  io::Task<bool> has_traces_of_reference();
  io::Task<void> watch_queue();

  Client& client_;
  RegistryOptions options_;
  const Clock& clock_;
  Random random_;
  const io::Executor executor_;
  std::unique_ptr<Tree> tree_;
  Client::Subscription state_;

  // The copy of OWN, parsed.
  bool tree_told_ = false;
  std::map<std::string, Deployment> deployments_;  // by path below OWN
  std::map<std::string, Instance> instances_;
  std::map<std::string, NameRecord> names_;
  std::map<std::string, std::string> unreadable_;  // path -> why
  std::shared_ptr<const Contents> contents_;       // null: made anew when asked for

  bool stored_changed_ = false;  // not told yet: what is stored, or who leads

  // Leading.
  std::string candidate_;  // the path of our node; "" = none
  int64_t candidate_session_ = 0;
  std::string predecessor_;
  bool leads_ = false;
  bool looked_ = false;  // for a living master of the reference
  int64_t term_ = 0;     // counts our leaderships
  int64_t epoch_ = 0;
  Known known_;
  std::set<std::string> models_made_;  // names below SERVICE_ROOT
  bool writing_ = false;
  io::Event written_;
  io::Event wake_;

  Listeners<> on_requests_;
  bool watches_queue_ = false;
  Listeners<const RunnerNews&> on_runners_;

  std::shared_ptr<char> alive_ = std::make_shared<char>();
  io::Scope scope_;
};

}  // namespace modelyard::registry::zookeeper
