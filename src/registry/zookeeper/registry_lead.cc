// SPDX-License-Identifier: Apache-2.0
#include <spdlog/spdlog.h>

#include <algorithm>

#include "json/tree.h"
#include "registry/zookeeper/registry_impl.h"
#include "registry/zookeeper/stored.h"

namespace modelyard::registry::zookeeper {
namespace {

using modelyard::zookeeper::Client;
using modelyard::zookeeper::CreateMode;
using modelyard::zookeeper::Op;

constexpr milliseconds kConnectWait{10'000};
constexpr milliseconds kReadWait{30'000};
constexpr milliseconds kLeaveWait{2'000};
constexpr milliseconds kLookAgain{30'000};  // at the predecessor, should a watch ever be lost
constexpr milliseconds kGuardMin{10};
constexpr int kStandTries = 5;
constexpr std::string_view kPrefix = "n-";

SteadyTime now() { return std::chrono::steady_clock::now(); }

}  // namespace

// A third of the session's time before ZooKeeper would give the leadership to another.
bool ZookeeperRegistry::Impl::deciding() const {
  return leads_ && client_.session_id() == candidate_session_ &&
         now() < client_.last_heard() + client_.session_timeout() * 2 / 3;
}

void ZookeeperRegistry::Impl::lose(const std::string& why) {
  if (!std::exchange(leads_, false)) return;
  spdlog::warn("the leadership is lost: {}", why);
  wake_.notify_all();
  // Not inside write(), which may have found it out.
  io::post(executor_, [this, alive = std::weak_ptr<char>(alive_)] {
    if (!alive.expired() && on_lost_) on_lost_();
  });
}

io::Task<Status> ZookeeperRegistry::Impl::connected() {
  if (co_await client_.wait_connected(now() + kConnectWait)) co_return Status();
  co_return fail(ErrorCode::kUnavailable, "no connection to ZooKeeper: " + client_.trouble());
}

// Whether a node of ours is there already: one whose creation was never answered is no second candidate.
io::Task<Result<bool>> ZookeeperRegistry::Impl::find_own_candidacy() {
  MY_CO_TRY_VOID(co_await client_.sync(layout_.leader()));
  MY_CO_TRY(auto children, co_await client_.children(layout_.leader()));
  for (const std::string& name : children.names) {
    if (!sequence_of(name, kPrefix)) continue;
    const std::string path = layout_.leader() + "/" + name;
    auto node = co_await client_.get(path);
    if (!node && node.error().code() == ErrorCode::kNotFound) continue;
    if (!node) co_return fail(std::move(node).error());
    if (node->stat.ephemeral_owner != client_.session_id()) continue;
    const auto tree = json::parse(node->data);
    if (!tree || json::get_string(*tree, "id") != options_.candidate.id) continue;
    candidate_ = path;
    candidate_session_ = client_.session_id();
    co_return true;
  }
  co_return false;
}

io::Task<Status> ZookeeperRegistry::Impl::stand() {
  Status last;
  for (int i = 0; i < kStandTries; ++i) {
    MY_CO_TRY_VOID(co_await connected());
    if (!candidate_.empty() && candidate_session_ == client_.session_id()) co_return Status();
    candidate_.clear();
    LeaderRecord record = options_.candidate;
    record.since_ms = to_epoch_ms(clock_.wall());
    const int64_t session = client_.session_id();
    auto made = co_await client_.create(layout_.leader() + "/" + std::string(kPrefix), json::dump(to_json(record)),
                                        CreateMode::kEphemeralSequential, access_.records);
    if (made && session == client_.session_id()) {
      candidate_ = std::move(*made);
      candidate_session_ = session;
      co_return Status();
    }
    if (!made && made.error().code() != ErrorCode::kDeadline && made.error().code() != ErrorCode::kUnavailable)
      co_return fail(std::move(made).error().with_context("standing as a candidate"));
    if (!made) last = fail(std::move(made).error().with_context("standing as a candidate"));
    MY_CO_TRY_VOID(co_await connected());
    auto found = co_await find_own_candidacy();
    if (!found) {
      last = fail(std::move(found).error().with_context("standing as a candidate"));
    } else if (*found) {
      co_return Status();
    }
  }
  co_return last ? Status(fail(ErrorCode::kUnavailable, "standing as a candidate: the session changes all the time"))
                 : last;
}

// Controllers of another launcher, or on one machine of another host, would not know what this leader started.
io::Task<Status> ZookeeperRegistry::Impl::check_rival(const std::string& path) {
  auto node = co_await client_.get(path);
  if (!node && node.error().code() == ErrorCode::kNotFound) co_return Status();
  if (!node) co_return fail(std::move(node).error());
  const auto tree = json::parse(node->data);
  const auto rival = tree ? leader_record_from_json(*tree) : Result<LeaderRecord>(tl::unexpected<Error>(tree.error()));
  if (!rival) co_return Status();
  const LeaderRecord& own = options_.candidate;
  if (rival->launcher == own.launcher && rival->place == own.place) co_return Status();
  co_return fail(ErrorCode::kConflict, "a controller on " + rival->host + " (process " + std::to_string(rival->pid) +
                                           ") leads with launcher " + rival->launcher + " at " + rival->place +
                                           ", this one has launcher " + own.launcher + " at " + own.place +
                                           ": stop that one, or start this one as it was started");
}

io::Task<Result<ZookeeperRegistry::Impl::Standing>> ZookeeperRegistry::Impl::look_around() {
  MY_CO_TRY(auto children, co_await client_.children(layout_.leader()));
  std::vector<std::pair<int64_t, std::string>> candidates;
  for (const std::string& name : children.names) {
    if (const auto sequence = sequence_of(name, kPrefix))
      candidates.emplace_back(*sequence, layout_.leader() + "/" + name);
  }
  std::sort(candidates.begin(), candidates.end());
  const auto own =
      std::find_if(candidates.begin(), candidates.end(), [&](const auto& entry) { return entry.second == candidate_; });
  if (own == candidates.end()) {
    // A server that lags behind does not show it yet; after sync() it is gone for good.
    MY_CO_TRY(const bool there, co_await find_own_candidacy());
    if (!there) candidate_.clear();
    co_return there ? Standing::kWaits : Standing::kLost;
  }
  predecessor_.clear();
  if (own == candidates.begin()) co_return Standing::kLowest;
  MY_CO_TRY_VOID(co_await check_rival(candidates.front().second));
  predecessor_ = std::prev(own)->second;
  co_return Standing::kWaits;
}

// Stands, and returns when its node is the lowest.
io::Task<Status> ZookeeperRegistry::Impl::wait_turn() {
  for (;;) {
    MY_CO_TRY_VOID(co_await stand());
    predecessor_.clear();
    MY_CO_TRY(const Standing standing, co_await look_around());
    if (standing == Standing::kLowest) co_return Status();
    if (standing == Standing::kLost || predecessor_.empty()) continue;
    auto signal = std::make_shared<Signal>();
    const auto stat = co_await client_.exists(predecessor_, watcher(signal));
    if (!stat && stat.error().code() != ErrorCode::kNotFound) co_return fail(Error(stat.error()));
    const SteadyTime again = now() + kLookAgain;
    while (stat && !signal->fired && candidate_session_ == client_.session_id() && now() < again)
      co_await wake_.wait_until(again);
  }
}

// False: the own node is gone. The epoch is the data version of its node.
io::Task<Result<bool>> ZookeeperRegistry::Impl::raise_epoch() {
  MY_CO_TRY(auto answer, co_await client_.multi({Op::check(candidate_),
                                                 Op::set(layout_.epoch(), json::dump(to_json(options_.candidate)))}));
  if (!answer.done && answer.failed_at == 0 && answer.refusal == ErrorCode::kNotFound) co_return false;
  if (!answer.done) co_return fail(answer.refusal, answer.text);
  epoch_ = answer.stats.at(1).version;
  co_return true;
}

// With secrets: what an earlier application's workers might do is now this one's. Below SERVICE_ROOT only nodes that
// are this installation's.
io::Task<Status> ZookeeperRegistry::Impl::claim_nodes() {
  const SteadyTime deadline = now() + kReadWait;
  // Not before: a reference that lives on, since this one was refused, makes it as its own.
  MY_CO_TRY_VOID(co_await ensure_node(client_, layout_.service, "", access_.nests, true, deadline));
  if (options_.secrets.installation.empty()) co_return Status();
  for (const std::string& path :
       {layout_.own, layout_.leader(), layout_.epoch(), layout_.deployments(), layout_.instances(), layout_.names(),
        layout_.events(), layout_.rejected(), layout_.reports(), layout_.incarnation(), layout_.settings()})
    MY_CO_TRY_VOID(co_await ensure_node(client_, path, "", access_.records, false, deadline));
  MY_CO_TRY_VOID(co_await ensure_node(client_, layout_.leases(), "", access_.nests, false, deadline));
  std::vector<std::string> nests{layout_.service};
  auto models = co_await client_.children(layout_.service, {}, deadline);
  if (models) {
    for (const std::string& name : models->names) nests.push_back(layout_.service + "/" + name);
  }
  const modelyard::zookeeper::Acl& own = access_.nests.front();
  for (const std::string& path : nests) {
    const auto acl = co_await client_.get_acl(path, deadline);
    if (!acl || std::find(acl->first.begin(), acl->first.end(), own) == acl->first.end()) continue;
    MY_CO_TRY_VOID(co_await ensure_node(client_, path, "", access_.nests, false, deadline));
  }
  co_return Status();
}

Result<Contents> ZookeeperRegistry::Impl::read_everything() {
  if (!unreadable_.empty()) {
    const auto& [path, why] = *unreadable_.begin();
    return fail(ErrorCode::kDataLoss,
                "the record " + layout_.own + "/" + path + " cannot be read: mend it or remove it: " + why);
  }
  if (tree_->left_out() > 0)
    return fail(ErrorCode::kPermissionDenied, std::to_string(tree_->left_out()) + " nodes below " + layout_.own +
                                                  " cannot be read: " + tree_->trouble());
  contents_ = nullptr;
  Contents out = *contents();
  out.epoch = epoch_;
  known_ = {};
  models_made_.clear();
  known_.last_incarnation = out.last_incarnation;
  for (const auto& [path, node] : tree_->nodes()) {
    const std::string absolute = layout_.own + "/" + path;
    if (path.starts_with("deployments/")) {
      const auto record = deployments_.find(path);
      known_.records[absolute] = {node->stat.version, record == deployments_.end() ? 0 : record->second.generation};
    } else if (path.starts_with("instances/")) {
      const auto record = instances_.find(path);
      known_.records[absolute] = {node->stat.version, record == instances_.end() ? 0 : record->second.incarnation};
    } else if (path.starts_with("names/")) {
      known_.records[absolute] = {node->stat.version, 0};
    } else if (path.starts_with("reports/")) {
      known_.reports.insert(absolute);
    } else if (path.starts_with("events/e-")) {
      known_.events.push_back(path.substr(7));
    } else if (path.starts_with("rejected/r-")) {
      known_.rejected.push_back(path.substr(9));
    }
  }
  return out;
}

io::Task<Result<Contents>> ZookeeperRegistry::Impl::lead() {
  if (!tree_) co_return fail(ErrorCode::kUnavailable, "the registry is not open");
  leads_ = false;
  const int64_t term = ++term_;
  for (;;) {
    Status turn = co_await wait_turn();
    if (turn) turn = co_await refuse_living_reference();
    if (!turn) {
      // Whoever may not lead stands in nobody's way.
      if (turn.error().code() == ErrorCode::kConflict) co_await leave();
      co_return fail(std::move(turn).error());
    }
    const int64_t session = candidate_session_;
    auto raised = co_await raise_epoch();
    if (!raised) co_return fail(std::move(raised).error().with_context("raising the epoch"));
    if (!*raised) {
      candidate_.clear();
      continue;
    }
    if (Status claimed = co_await claim_nodes(); !claimed) co_return fail(std::move(claimed).error());
    if (Status read = co_await tree_->refresh(now() + kReadWait); !read)
      co_return fail(std::move(read).error().with_context("reading " + layout_.own));
    auto contents = read_everything();
    if (!contents) co_return contents;
    if (term != term_) co_return fail(ErrorCode::kCancelled, "a later call leads");
    if (session != client_.session_id()) continue;  // lost meanwhile: all over again
    leads_ = true;
    scope_.spawn(watch_over(term, candidate_));
    co_return contents;
  }
}

// Until this leadership ends: its node is there, and ZooKeeper is heard.
io::Task<void> ZookeeperRegistry::Impl::watch_over(int64_t term, std::string candidate) {
  std::shared_ptr<Signal> signal;
  while (leads_ && term_ == term) {
    if (!deciding()) {
      lose("nothing was heard of ZooKeeper for two thirds of the session's time");
      co_return;
    }
    const SteadyTime end = client_.last_heard() + client_.session_timeout() * 2 / 3;
    if (!signal && client_.state() == Client::State::kConnected) {
      signal = std::make_shared<Signal>();
      const auto stat = co_await client_.exists(candidate, watcher(signal), end);
      if (!stat && stat.error().code() == ErrorCode::kNotFound && term_ == term) {
        candidate_.clear();
        lose("somebody removed " + candidate);
        co_return;
      }
      if (stat) continue;
      signal.reset();
      co_await wake_.wait_until(now() + kGuardMin);
      continue;
    }
    if (signal && signal->fired) {
      signal.reset();
      continue;
    }
    co_await wake_.wait_until(std::max(end, now() + kGuardMin));
  }
}

io::Task<void> ZookeeperRegistry::Impl::leave() {
  const std::string path = std::exchange(candidate_, "");
  // Without a connection the node goes with the session.
  if (path.empty() || candidate_session_ != client_.session_id() || client_.state() != Client::State::kConnected)
    co_return;
  (void)co_await client_.remove(path, modelyard::zookeeper::kAnyVersion, now() + kLeaveWait);
}

}  // namespace modelyard::registry::zookeeper
