// SPDX-License-Identifier: Apache-2.0
#include "registry/zookeeper/registry.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/strings.h"
#include "json/tree.h"
#include "registry/zookeeper/registry_impl.h"
#include "registry/zookeeper/requests.h"
#include "registry/zookeeper/stored.h"

namespace modelyard::registry::zookeeper {
namespace {

using modelyard::zookeeper::Client;
using modelyard::zookeeper::Tree;
using modelyard::zookeeper::TreeOptions;
using modelyard::zookeeper::WatchEvent;

constexpr milliseconds kRefreshWait{2'000};
constexpr size_t kEventsRead = 100'000;

std::pair<std::string_view, std::string_view> folder_and_name(std::string_view path) {
  const size_t slash = path.find('/');
  if (slash == std::string_view::npos) return {path, ""};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

// What a refusal means to whoever starts a controller.
Error explained(Error error, const std::string& what) {
  if (error.code() == ErrorCode::kPermissionDenied) {
    return std::move(error).with_context(
        what +
        ": ZooKeeper refuses it to this identity: start with the secret that made these nodes, or with one that "
        "may write there");
  }
  return std::move(error).with_context(what);
}

template <typename Record>
void take_record(std::map<std::string, Record>& records, std::map<std::string, std::string>& unreadable,
                 const std::string& path, const Tree::NodePtr& node, Result<Record> (*read)(std::string_view)) {
  unreadable.erase(path);
  if (!node) {
    records.erase(path);
    return;
  }
  auto record = read(node->data);
  if (record) {
    records.insert_or_assign(path, std::move(*record));
  } else {
    unreadable[path] = record.error().message();
  }
}

Result<NameRecord> name_record_of(std::string_view data) {
  MY_TRY(const json::Tree tree, json::parse(data));
  return name_record_from_json(tree);
}

}  // namespace

ZookeeperRegistry::Impl::Impl(io::Loop& loop, Client& client, RegistryOptions options, const Clock& clock,
                              Random random)
    : client_(client),
      options_(std::move(options)),
      clock_(clock),
      random_(random),
      executor_(loop.executor()),
      written_(loop.executor()),
      wake_(loop.executor()),
      scope_(loop.executor()) {
  if (options_.candidate.id.empty()) options_.candidate.id = random_hex(16);
}

Client::Watcher ZookeeperRegistry::Impl::watcher(std::shared_ptr<Signal> signal) {
  return [this, alive = std::weak_ptr<char>(alive_), signal = std::move(signal)](const WatchEvent&) {
    signal->fired = true;
    if (!alive.expired()) wake_.notify_all();
  };
}

io::Task<Status> ZookeeperRegistry::Impl::open(SteadyTime deadline) {
  if (!co_await client_.wait_connected(deadline)) {
    const bool refused = client_.state() == Client::State::kRefused;
    co_return fail(refused ? ErrorCode::kUnauthenticated : ErrorCode::kUnavailable,
                   "no connection to ZooKeeper" + (client_.trouble().empty() ? "" : " (" + client_.trouble() + ")") +
                       (refused ? ": check the credentials" : ": check the addresses of its quorum"));
  }
  co_return co_await open_connected(deadline);
}

io::Task<Status> ZookeeperRegistry::Impl::open_connected(SteadyTime deadline) {
  auto layout = co_await read_layout(client_, options_.zk_root, deadline);
  if (!layout) co_return fail(explained(std::move(layout).error(), "opening the registry"));
  layout_ = std::move(*layout);
  Settings settings;
  auto stored = co_await client_.get(layout_.settings(), {}, deadline);
  if (stored && !stored->data.empty()) {
    auto tree = json::parse(stored->data);
    auto read = tree ? settings_from_json(*tree) : Result<Settings>(tl::unexpected<Error>(std::move(tree).error()));
    if (!read) co_return fail(std::move(read).error().with_context(layout_.settings()).with_code(ErrorCode::kDataLoss));
    settings = std::move(*read);
  } else if (!stored && stored.error().code() != ErrorCode::kNotFound) {
    co_return fail(explained(std::move(stored).error(), "reading " + layout_.settings()));
  }
  access_ = access_of(options_.secrets, settings.world_may_read);
  if (Status made = co_await make_nodes(deadline); !made)
    co_return fail(explained(std::move(made).error(), "making the nodes of the registry"));
  TreeOptions tree_options;
  tree_options.depth = 2;
  tree_ = std::make_unique<Tree>(executor_, client_, layout_.own, tree_options);
  tree_->on_changes([this](const std::vector<Tree::Change>& changes) { on_tree(changes); });
  tree_->start();
  state_ = client_.on_state([this](Client::State state, bool new_session) {
    if (new_session || state == Client::State::kExpired) lose("the session with ZooKeeper has ended");
    wake_.notify_all();
  });
  if (!co_await tree_->wait_complete(deadline))
    co_return fail(ErrorCode::kUnavailable, "reading " + layout_.own + " took too long: " + tree_->trouble());
  co_return Status();
}

io::Task<Status> ZookeeperRegistry::Impl::make_nodes(SteadyTime deadline) {
  MY_CO_TRY_VOID(co_await make_parents(client_, std::string(modelyard::zookeeper::parent_of(layout_.own)), deadline));
  // Existing ones stay as they are: another candidate must not change what the leader's workers may do.
  const auto make = [&](std::string path, std::string data, const modelyard::zookeeper::AclList& acl) {
    return ensure_node(client_, std::move(path), std::move(data), acl, true, deadline);
  };
  MY_CO_TRY_VOID(co_await make(layout_.own, "", access_.records));
  for (const std::string& path : {layout_.leader(), layout_.epoch(), layout_.deployments(), layout_.instances(),
                                  layout_.names(), layout_.events(), layout_.rejected(), layout_.reports()})
    MY_CO_TRY_VOID(co_await make(path, "", access_.records));
  MY_CO_TRY_VOID(co_await make(layout_.incarnation(), "0", access_.records));
  MY_CO_TRY_VOID(co_await make(layout_.settings(), json::dump(to_json(Settings{})), access_.records));
  co_return co_await make(layout_.leases(), "", access_.nests);
}

io::Task<void> ZookeeperRegistry::Impl::stop() {
  state_.reset();
  leads_ = false;
  on_lost_ = {};
  co_await scope_.stop();
  if (tree_) co_await tree_->stop();
  co_await leave();
}

void ZookeeperRegistry::Impl::on_tree(const std::vector<Tree::Change>& changes) {
  std::set<std::string> runners;
  const auto take = [&](const std::string& path, const Tree::NodePtr& node) {
    take_node(path, node);
    const auto [folder, name] = folder_and_name(path);
    if (!name.empty() && (folder == "reports" || folder == "leases")) runners.emplace(name);
  };
  if (!std::exchange(tree_told_, true)) {
    for (const auto& [path, node] : tree_->nodes()) take(path, node);
  } else {
    for (const Tree::Change& change : changes) take(change.path, change.after);
  }
  for (const std::string& id : runners) on_runners_.call(news_of(text_of_segment(id)));
  if (std::exchange(stored_changed_, false)) on_contents_.call();
}

void ZookeeperRegistry::Impl::take_node(const std::string& path, const Tree::NodePtr& node) {
  const auto [folder, name] = folder_and_name(path);
  if (folder == "leader") stored_changed_ = true;
  if (folder == "epoch" || folder == "incarnation") {
    contents_ = nullptr;
    stored_changed_ = true;
  }
  if (name.empty()) return;
  if (folder == "deployments") {
    take_record(deployments_, unreadable_, path, node, deployment_of);
  } else if (folder == "instances") {
    take_record(instances_, unreadable_, path, node, instance_of);
  } else if (folder == "names") {
    take_record(names_, unreadable_, path, node, name_record_of);
  } else {
    return;
  }
  contents_ = nullptr;
  stored_changed_ = true;
}

std::shared_ptr<const Contents> ZookeeperRegistry::Impl::contents() {
  if (contents_ || !tree_told_) return contents_;
  auto out = std::make_shared<Contents>();
  if (const auto node = tree_->find("epoch")) out->epoch = node->stat.version;
  if (const auto node = tree_->find("incarnation")) out->last_incarnation = parse_int(node->data).value_or(0);
  for (const auto& [path, record] : deployments_) out->deployments.push_back(record);
  for (const auto& [path, record] : instances_) {
    out->instances.push_back(record);
    out->last_incarnation = std::max(out->last_incarnation, record.incarnation);
  }
  for (const auto& [path, record] : names_) out->names.emplace(text_of_segment(folder_and_name(path).second), record);
  contents_ = std::move(out);
  return contents_;
}

std::optional<LeaderRecord> ZookeeperRegistry::Impl::leader() const {
  if (!tree_) return std::nullopt;
  const auto& nodes = tree_->nodes();
  for (auto at = nodes.lower_bound("leader/n-"); at != nodes.end() && at->first.starts_with("leader/n-"); ++at) {
    if (layout_.own + "/" + at->first == candidate_) return std::nullopt;
    const auto tree = json::parse(at->second->data);
    auto record = tree ? leader_record_from_json(*tree) : Result<LeaderRecord>(tl::unexpected<Error>(tree.error()));
    if (!record) return std::nullopt;
    return std::move(*record);
  }
  return std::nullopt;
}

ZookeeperRegistry::RunnerNews ZookeeperRegistry::Impl::news_of(const std::string& id) const {
  RunnerNews news{.id = id};
  const auto read = [&](const char* folder, auto& out, const auto& parse) {
    const auto node = tree_->find(folder + segment_of(id));
    if (!node || node->data.empty()) return;
    auto record = parse(node->data);
    if (record) {
      out = std::move(*record);
    } else {
      spdlog::warn("{}/{}{}: {}", layout_.own, folder, id, record.error().message());
    }
  };
  read("leases/", news.lease, [](const std::string& data) -> Result<LeaseRecord> {
    MY_TRY(const json::Tree tree, json::parse(data));
    return lease_record_from_json(tree);
  });
  read("reports/", news.report, [](const std::string& data) { return report_of(data); });
  return news;
}

ZookeeperRegistry::Subscription ZookeeperRegistry::Impl::on_runners(std::function<void(const RunnerNews&)> callback) {
  auto entry = on_runners_.add(std::move(callback));
  io::post(executor_, [this, alive = std::weak_ptr<char>(alive_), weak = std::weak_ptr<void>(entry)] {
    // Before the first reading, that will bring them.
    if (alive.expired() || !tree_told_) return;
    std::set<std::string> ids;
    for (const std::string folder : {"leases/", "reports/"}) {
      const auto& nodes = tree_->nodes();
      for (auto at = nodes.lower_bound(folder); at != nodes.end() && at->first.starts_with(folder); ++at)
        ids.insert(at->first.substr(folder.size()));
    }
    for (const std::string& id : ids) {
      const auto callback_entry = std::static_pointer_cast<std::function<void(const RunnerNews&)>>(weak.lock());
      if (!callback_entry) return;
      (*callback_entry)(news_of(text_of_segment(id)));
    }
  });
  return entry;
}

std::vector<RejectedRequest> ZookeeperRegistry::Impl::rejected() const {
  std::vector<RejectedRequest> out;
  if (!tree_) return out;
  const auto& nodes = tree_->nodes();
  for (auto at = nodes.lower_bound("rejected/"); at != nodes.end() && at->first.starts_with("rejected/"); ++at) {
    const auto tree = json::parse(at->second->data);
    if (!tree) continue;
    if (auto record = rejected_from_json(*tree)) out.push_back(std::move(*record));
  }
  return out;
}

io::Task<Result<std::vector<Event>>> ZookeeperRegistry::Impl::events(std::string name, std::string version, int limit) {
  if (!tree_) co_return fail(ErrorCode::kUnavailable, "the registry is not open");
  // While ZooKeeper is away: what was known last.
  if (client_.state() == Client::State::kConnected)
    (void)co_await tree_->refresh(std::chrono::steady_clock::now() + kRefreshWait);
  std::vector<Event> out;
  const size_t most = std::min(static_cast<size_t>(std::max(limit, 0)), kEventsRead);
  const auto& nodes = tree_->nodes();
  const std::string folder = "events/";
  for (auto at = nodes.lower_bound("events0"); at != nodes.begin() && out.size() < most;) {
    --at;
    if (!at->first.starts_with(folder)) break;
    const auto tree = json::parse(at->second->data);
    if (!tree) continue;
    auto event = event_from_json(*tree);
    if (!event || (!name.empty() && event->name != name) || (!version.empty() && event->version != version)) continue;
    event->sequence = sequence_of(std::string_view(at->first).substr(folder.size()), "e-").value_or(0);
    out.push_back(std::move(*event));
  }
  std::reverse(out.begin(), out.end());
  co_return out;
}

ZookeeperRegistry::ZookeeperRegistry(io::Loop& loop, Client& client, RegistryOptions options, const Clock& clock,
                                     Random random)
    : impl_(std::make_unique<Impl>(loop, client, std::move(options), clock, random)) {}
ZookeeperRegistry::~ZookeeperRegistry() = default;
io::Task<Status> ZookeeperRegistry::open(SteadyTime deadline) { co_return co_await impl_->open(deadline); }
io::Task<void> ZookeeperRegistry::stop() { co_await impl_->stop(); }
const Layout& ZookeeperRegistry::layout() const { return impl_->layout_; }
const Access& ZookeeperRegistry::access() const { return impl_->access_; }
io::Task<Result<Contents>> ZookeeperRegistry::lead() { co_return co_await impl_->lead(); }
io::Task<Status> ZookeeperRegistry::write(std::vector<Write> batch) {
  co_return co_await impl_->write(std::move(batch));
}
io::Task<Result<std::vector<Event>>> ZookeeperRegistry::events(std::string name, std::string version, int limit) {
  co_return co_await impl_->events(std::move(name), std::move(version), limit);
}
bool ZookeeperRegistry::leads() const { return impl_->leads(); }
bool ZookeeperRegistry::deciding() const { return impl_->deciding(); }
void ZookeeperRegistry::on_lost(std::function<void()> callback) { impl_->on_lost_ = std::move(callback); }
std::optional<LeaderRecord> ZookeeperRegistry::leader() const { return impl_->leader(); }
std::shared_ptr<const Contents> ZookeeperRegistry::contents() const { return impl_->contents(); }
ZookeeperRegistry::Subscription ZookeeperRegistry::on_contents(std::function<void()> callback) {
  return impl_->on_contents_.add(std::move(callback));
}
io::Task<Result<std::vector<ZookeeperRegistry::Item>>> ZookeeperRegistry::requests(size_t limit) {
  co_return co_await impl_->requests(limit);
}
ZookeeperRegistry::Subscription ZookeeperRegistry::on_requests(std::function<void()> callback) {
  return impl_->on_requests(std::move(callback));
}
ZookeeperRegistry::Subscription ZookeeperRegistry::on_runners(std::function<void(const RunnerNews&)> callback) {
  return impl_->on_runners(std::move(callback));
}
std::vector<RejectedRequest> ZookeeperRegistry::rejected() const { return impl_->rejected(); }

}  // namespace modelyard::registry::zookeeper
