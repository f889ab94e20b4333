// SPDX-License-Identifier: Apache-2.0
#include "registry/zookeeper/endpoints.h"

#include <spdlog/spdlog.h>

#include <set>

#include "base/random.h"
#include "zookeeper/tree.h"

namespace modelyard::registry::zookeeper {
namespace {

using modelyard::zookeeper::Client;
using modelyard::zookeeper::Tree;
using modelyard::zookeeper::TreeOptions;
using modelyard::zookeeper::WatchEvent;

constexpr milliseconds kRetryMin{50};
constexpr milliseconds kRetryMax{5'000};
constexpr milliseconds kAskedWithin{1'000};
// Of so many changes at once the whole is made anew, which costs less than each alone.
constexpr size_t kAnewMin = 2'000;

// "dga/container_9_9" of a path below SERVICE_ROOT; nothing: no endpoint's place.
std::optional<std::pair<std::string_view, std::string_view>> name_and_id(std::string_view path) {
  const size_t slash = path.find('/');
  if (slash == std::string_view::npos || path.find('/', slash + 1) != std::string_view::npos) return std::nullopt;
  return std::pair(path.substr(0, slash), path.substr(slash + 1));
}

}  // namespace

class EndpointFeed::Impl {
 public:
  Impl(io::Loop& loop, Client& client, std::string zk_root, const Clock& clock)
      : client_(client),
        zk_root_(std::move(zk_root)),
        clock_(clock),
        executor_(loop.executor()),
        wake_(loop.executor()),
        told_(loop.executor()),
        scope_(loop.executor()) {}

  void start() { scope_.spawn(follow_configuration()); }
  io::Task<void> stop();
  bool current() const { return !reading_configuration_ && tree_ && tree_->current(); }
  std::string trouble() const;
  io::Task<Status> wait_for_snapshot(SteadyTime deadline);

  OnSnapshot callback_;
  std::shared_ptr<const Snapshot> snapshot_;
  std::set<std::string, std::less<>> malformed_;  // paths, each named once in the log

 private:
  io::Task<bool> is_forbidden();
  io::Task<void> follow_configuration();
  io::Task<Result<Layout>> read_configuration(const std::shared_ptr<bool>& fired);
  io::Task<void> follow(const std::string& service);
  void on_tree(const std::vector<Tree::Change>& changes);
  std::optional<Endpoint> endpoint_of(const std::string& path, const Tree::NodePtr& node);
  void read_all();
  void apply(const std::vector<Tree::Change>& changes);
  void publish(std::shared_ptr<Snapshot> next, const std::vector<Change>& changes);

  Client& client_;
  const std::string zk_root_;
  const Clock& clock_;
  const io::Executor executor_;
  Random random_ = Random::from_system();
  std::unique_ptr<Tree> tree_;
  std::string service_;  // that tree_ follows
  bool first_ = true;    // tree_ has told nothing yet
  bool reading_configuration_ = true;
  std::string configuration_trouble_;
  int64_t revision_ = 0;
  io::Event wake_;
  io::Event told_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
  io::Scope scope_;
};

io::Task<void> EndpointFeed::Impl::stop() {
  co_await scope_.stop();
  if (tree_) co_await tree_->stop();
}

std::string EndpointFeed::Impl::trouble() const {
  if (!configuration_trouble_.empty()) return configuration_trouble_;
  if (tree_) return tree_->trouble();
  return client_.trouble().empty() ? "nothing was read yet" : "no connection: " + client_.trouble();
}

io::Task<Status> EndpointFeed::Impl::wait_for_snapshot(SteadyTime deadline) {
  while (!snapshot_) {
    if (co_await told_.wait_until(deadline) || snapshot_) continue;
    const std::string text = "the endpoints could not be read from ZooKeeper: " + trouble();
    co_return fail(co_await is_forbidden() ? ErrorCode::kPermissionDenied : ErrorCode::kUnavailable, text);
  }
  co_return Status();
}

// Waiting helps with what is not reached, not with what may not be read.
io::Task<bool> EndpointFeed::Impl::is_forbidden() {
  if (client_.state() != Client::State::kConnected) co_return false;
  const SteadyTime deadline = clock_.now() + kAskedWithin;
  Status read;
  if (tree_) {
    if (auto names = co_await client_.children(service_, {}, deadline); !names) read = fail(names.error());
  } else if (auto node = co_await client_.get(zk_root_, {}, deadline); !node) {
    read = fail(node.error());
  }
  co_return !read && read.error().code() == ErrorCode::kPermissionDenied;
}

io::Task<Result<Layout>> EndpointFeed::Impl::read_configuration(const std::shared_ptr<bool>& fired) {
  const auto watcher = [this, alive = std::weak_ptr<char>(alive_), fired](const WatchEvent&) {
    *fired = true;
    if (!alive.expired()) wake_.notify_all();
  };
  auto node = co_await client_.get(zk_root_, watcher);
  if (node) co_return layout_from(zk_root_, node->data);
  if (node.error().code() != ErrorCode::kNotFound) co_return fail(std::move(node).error().with_context(zk_root_));
  const auto stat = co_await client_.exists(zk_root_, watcher);
  if (stat) {
    *fired = true;  // made between the two: read again
  } else if (stat.error().code() != ErrorCode::kNotFound) {
    co_return fail(Error(stat.error()).with_context(zk_root_));
  }
  co_return layout_from(zk_root_, std::nullopt);
}

// Which SERVICE_ROOT there is; while it cannot be said, the one that was known is followed on.
io::Task<void> EndpointFeed::Impl::follow_configuration() {
  int failures = 0;
  for (;;) {
    auto fired = std::make_shared<bool>(false);
    auto layout = co_await read_configuration(fired);
    if (layout) {
      failures = 0;
      configuration_trouble_.clear();
      co_await follow(layout->service);
      reading_configuration_ = false;
      while (!*fired) co_await wake_.wait();
      continue;
    }
    if (configuration_trouble_ != layout.error().message()) spdlog::warn("{}", layout.error().message());
    configuration_trouble_ = layout.error().message();
    const auto wait = std::min<milliseconds>(kRetryMin * (1 << std::min(failures++, 7)), kRetryMax);
    co_await io::sleep_for(std::chrono::duration_cast<std::chrono::nanoseconds>(wait * (0.5 + random_.unit())));
  }
}

io::Task<void> EndpointFeed::Impl::follow(const std::string& service) {
  if (tree_ && service_ == service) co_return;
  if (tree_) co_await tree_->stop();
  service_ = service;
  first_ = true;
  malformed_.clear();
  TreeOptions options;
  options.depth = 2;
  tree_ = std::make_unique<Tree>(executor_, client_, service_, options);
  tree_->on_changes([this](const std::vector<Tree::Change>& changes) { on_tree(changes); });
  tree_->start();
}

std::optional<Endpoint> EndpointFeed::Impl::endpoint_of(const std::string& path, const Tree::NodePtr& node) {
  const auto place = name_and_id(path);
  if (!place || !node) {
    malformed_.erase(path);
    return std::nullopt;
  }
  auto endpoint = endpoint_from_discovery(node->data);
  if (!endpoint) {
    if (malformed_.insert(path).second)
      spdlog::warn("{}/{} is passed over: {}", service_, path, endpoint.error().message());
    return std::nullopt;
  }
  malformed_.erase(path);
  // Its place says whose it is: so no two nodes are one endpoint.
  endpoint->name = place->first;
  endpoint->id = place->second;
  return std::move(*endpoint);
}

void EndpointFeed::Impl::on_tree(const std::vector<Tree::Change>& changes) {
  if (std::exchange(first_, false) || changes.size() >= kAnewMin) {
    read_all();
  } else {
    apply(changes);
  }
}

void EndpointFeed::Impl::read_all() {
  std::vector<Endpoint> endpoints;
  endpoints.reserve(tree_->nodes().size());
  for (const auto& [path, node] : tree_->nodes()) {
    if (auto endpoint = endpoint_of(path, node)) endpoints.push_back(std::move(*endpoint));
  }
  std::erase_if(malformed_, [&](const std::string& path) { return tree_->find(path) == nullptr; });
  const Snapshot before = snapshot_ ? *snapshot_ : Snapshot();
  const auto made = make_snapshot(std::move(endpoints), before, 0, 0, true);
  const std::vector<Change> changes = diff(before, *made, to_epoch_ms(clock_.wall()));
  if (snapshot_ && changes.empty()) return;
  publish(std::make_shared<Snapshot>(*made), changes);
}

void EndpointFeed::Impl::apply(const std::vector<Tree::Change>& changes) {
  const int64_t at_ms = to_epoch_ms(clock_.wall());
  auto next = std::make_shared<Snapshot>(*snapshot_);
  std::vector<Change> out;
  for (const Tree::Change& change : changes) {
    const auto place = name_and_id(change.path);
    if (!place) continue;
    auto endpoint = endpoint_of(change.path, change.after);
    std::optional<Endpoint> was;
    if (const Endpoint* known = find_endpoint(*next, place->first, place->second)) was = *known;
    if (was == endpoint) continue;
    if (was && (!endpoint || endpoint->version != was->version))
      remove_endpoint(*next, was->name, was->version, was->id);
    if (endpoint) put_endpoint(*next, *endpoint);
    const auto kind = !endpoint ? Change::Kind::kRemoved : was ? Change::Kind::kChanged : Change::Kind::kAdded;
    out.push_back({at_ms, kind, endpoint ? std::move(*endpoint) : std::move(*was)});
  }
  if (!out.empty()) publish(std::move(next), out);
}

// What is told was committed, so a snapshot is settled. The epoch stays: a lost session or another server is no reason
// for a reader to start anew.
void EndpointFeed::Impl::publish(std::shared_ptr<Snapshot> next, const std::vector<Change>& changes) {
  next->epoch = 0;
  next->revision = ++revision_;
  next->settled = true;
  snapshot_ = std::move(next);
  told_.notify_all();
  if (callback_) callback_(snapshot_, changes);
}

EndpointFeed::EndpointFeed(io::Loop& loop, Client& client, std::string zk_root, const Clock& clock)
    : impl_(std::make_unique<Impl>(loop, client, std::move(zk_root), clock)) {}
EndpointFeed::~EndpointFeed() = default;
void EndpointFeed::on_snapshot(OnSnapshot callback) { impl_->callback_ = std::move(callback); }
void EndpointFeed::start() { impl_->start(); }
io::Task<void> EndpointFeed::stop() { co_await impl_->stop(); }
std::shared_ptr<const Snapshot> EndpointFeed::snapshot() const { return impl_->snapshot_; }
bool EndpointFeed::current() const { return impl_->current(); }
std::string EndpointFeed::trouble() const { return impl_->trouble(); }
size_t EndpointFeed::malformed() const { return impl_->malformed_.size(); }
io::Task<Status> EndpointFeed::wait_for_snapshot(SteadyTime deadline) {
  co_return co_await impl_->wait_for_snapshot(deadline);
}

}  // namespace modelyard::registry::zookeeper
