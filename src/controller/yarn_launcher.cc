// SPDX-License-Identifier: Apache-2.0
#include "controller/yarn_launcher.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "base/base64.h"
#include "controller/yarn_launch.h"
#include "json/json.h"
#include "json/tree.h"

namespace modelyard::controller {
namespace {

namespace yarn = hadoop::yarn;

constexpr seconds kSaidAgain{1};  // not more often is the same launch's reason told
constexpr size_t kPrioritiesMax = 10'000;
constexpr seconds kTurn{10};

SteadyTime now() { return system_clock().now(); }

}  // namespace

YarnLauncher::YarnLauncher(io::Executor executor, YarnLauncherOptions options, ContainerFiles files, Random random)
    : executor_(executor),
      options_(std::move(options)),
      files_(std::move(files)),
      master_(executor, options_.master, random),
      node_managers_(executor, options_.node_managers),
      nodes_(options_.nodes),
      changed_(executor),
      scope_(executor) {
  master_.on_events([this](const yarn::MasterEvents& events) { take(events); });
  master_.on_shut_down([this](const std::string& reason) { shut_down(reason); });
}

YarnLauncher::~YarnLauncher() = default;

io::Task<Status> YarnLauncher::start(SteadyTime deadline) {
  MY_CO_TRY_VOID(co_await master_.start(deadline));
  scope_.spawn(tick());
  co_return Status();
}

io::Task<Status> YarnLauncher::finish(bool succeeded, std::string why, SteadyTime deadline) {
  co_return co_await master_.finish(succeeded, std::move(why), options_.master.master.tracking_url, deadline);
}

io::Task<void> YarnLauncher::stop() {
  if (ended_.empty()) ended_ = "this controller is stopping";
  for (const auto& [id, launch] : launches_) withdraw(*launch, Error(ErrorCode::kUnavailable, ended_));
  co_await scope_.stop();
  co_await master_.stop();
  co_await node_managers_.stop();
  while (!launches_.empty()) co_await changed_.wait();
}

size_t YarnLauncher::waiting_launches() const {
  size_t count = 0;
  for (const auto& [priority, queue] : waiting_) count += queue.size();
  return count;
}

// A launch
// --------------------------------------------------------------------------------------------------------------

io::Task<Result<Launched>> YarnLauncher::launch(registry::InstanceSpec spec) {
  const std::string id = spec.id;
  const auto lives = [&](const auto& entry) { return entry.second.id == id; };
  if (launches_.contains(id) || std::any_of(live_.begin(), live_.end(), lives))
    co_return fail(ErrorCode::kConflict, fmt::format("an earlier start of {} still runs", id));
  const auto launch = std::make_shared<Launch>(executor_, std::move(spec));
  launch->since = now();
  launches_[id] = launch;
  // However this coroutine ends.
  struct Leave {
    YarnLauncher& self;
    const std::string& name;
    ~Leave() {
      self.launches_.erase(name);
      self.changed_.notify_all();
    }
  } leave{*this, id};
  co_return co_await run(launch);
}

io::Task<Result<Launched>> YarnLauncher::run(LaunchPtr launch) {
  if (!ended_.empty()) co_return fail(ErrorCode::kUnavailable, ended_);
  auto files = co_await files_(launch->spec);
  if (!files) co_return fail(std::move(files).error());
  launch->files = std::move(*files);
  if (launch->withdrawn) co_return fail(*launch->withdrawn);
  MY_CO_TRY_VOID(master_.machine().judge({launch->spec.memory_mb, launch->spec.vcores}));
  launch->priority = priority_of(launch->spec);
  waiting_[launch->priority].push_back(launch);
  launch->queued = true;
  arrange();
  MY_CO_TRY_VOID(co_await wait_for_container(launch));
  Status started = co_await place_and_start(launch);
  if (!started) co_return fail(std::move(started).error());
  nodes_.worked(launch->container->node.host);
  co_return Launched{};
}

int32_t YarnLauncher::priority_of(const registry::InstanceSpec& spec) {
  if (priorities_.size() >= kPrioritiesMax)
    std::erase_if(priorities_, [this](const auto& entry) { return !waiting_.contains(entry.second); });
  const Kind kind{spec.name, spec.version, spec.revision, spec.memory_mb, spec.vcores};
  const auto [at, is_new] = priorities_.try_emplace(kind, next_priority_);
  if (is_new) next_priority_ = next_priority_ == INT32_MAX ? 1 : next_priority_ + 1;
  return at->second;
}

void YarnLauncher::drop_ask(int32_t priority) {
  waiting_.erase(priority);
  std::optional<yarn::Ask> asked = master_.machine().wanted(priority);
  if (!asked) return;
  asked->count = 0;
  // Lowering an ask is never refused.
  static_cast<void>(master_.machine().want(priority, std::move(*asked)));
}

// A scheduler keeps a node free for an ask that it cannot fulfil yet, and nobody gets that node meanwhile. So what the
// queue has no room for is asked for only while nothing waits that there is room for; and whatever was not placed in
// kTurn holds nobody else back. Where nothing fits everything is asked for: the cluster shall see what is lacking.
void YarnLauncher::arrange() {
  const SteadyTime time = now();
  const auto fits = [&](const Launch& launch) {
    return launch.spec.memory_mb <= master_.machine().headroom().memory_mb && time < launch.since + kTurn;
  };
  const bool any_fits =
      std::any_of(waiting_.begin(), waiting_.end(), [&](const auto& entry) { return fits(*entry.second.front()); });
  for (const auto& [priority, queue] : waiting_) {
    const Launch& first = *queue.front();
    const int32_t count = any_fits && !fits(first) ? 0 : static_cast<int32_t>(queue.size());
    const Status asked =
        master_.machine().want(priority, {{first.spec.memory_mb, first.spec.vcores}, count, options_.node_label});
    if (!asked) spdlog::warn("asking for {}: {}", first.spec.id, asked.error().message());
  }
  if (master_.machine().has_changes()) master_.wake();
}

io::Task<Status> YarnLauncher::wait_for_container(LaunchPtr launch) {
  while (!launch->container && !launch->withdrawn) {
    static_cast<void>(co_await launch->changed.wait_until(now() + kSaidAgain));
    if (!launch->container && !launch->withdrawn) say_waiting(*launch);
  }
  if (!launch->withdrawn) {
    if (!launch->said.empty() && on_waiting_) on_waiting_(launch->spec.id, launch->spec.incarnation, "");
    co_return Status();
  }
  if (launch->container) master_.machine().release(launch->container->id);
  master_.wake();
  co_return fail(*launch->withdrawn);
}

void YarnLauncher::say_waiting(Launch& launch) {
  const SteadyTime time = now();
  if (time < launch.since + options_.waiting_said_after || time < launch.said_at + kSaidAgain) return;
  std::string why = why_waiting(launch);
  if (why == launch.said) return;
  launch.said = std::move(why);
  launch.said_at = time;
  if (on_waiting_) on_waiting_(launch.spec.id, launch.spec.incarnation, launch.said);
}

std::string YarnLauncher::why_waiting(const Launch& launch) const {
  const yarn::MasterMachine& machine = master_.machine();
  if (!master_.trouble().empty()) return fmt::format("the resource manager does not answer: {}", master_.trouble());
  const int64_t wanted = launch.spec.memory_mb;
  const std::string where = options_.node_label.empty() ? "" : fmt::format(" with label '{}'", options_.node_label);
  if (machine.headroom().memory_mb < wanted)
    return fmt::format("queue '{}' is full: {} MB asked, {} MB free{}", machine.queue(), wanted,
                       std::max<int64_t>(0, machine.headroom().memory_mb), where);
  const std::string avoided = nodes_.avoided() == 0 ? "" : fmt::format("; {} avoided after failures", nodes_.avoided());
  return fmt::format("no node{} has {} MB and {} vcores free now ({} in the cluster{})", where, wanted,
                     launch.spec.vcores, machine.cluster_nodes(), avoided);
}

// It has a container, which goes back unless the runner is started there.
io::Task<Status> YarnLauncher::place_and_start(LaunchPtr launch) {
  const yarn::Container container = *launch->container;
  Status status;
  if (on_placed_) status = co_await on_placed_(launch->spec.id, launch->spec.incarnation, placement_of(container));
  if (status && launch->withdrawn) status = fail(*launch->withdrawn);
  bool may_run = false;
  if (status) {
    status = co_await node_managers_.start_container(container, nm_token(container.node), context_of(*launch));
    may_run = !status && status.error().code() == ErrorCode::kDeadline;
    if (!status)
      spdlog::warn("container {} for {}: {}", container.id.text(), launch->spec.id, status.error().message());
    if (!status && status.error().code() != ErrorCode::kCancelled) blame(container.node.host);
    if (launch->withdrawn) status = fail(*launch->withdrawn);
  }
  if (status) co_return status;
  if (may_run && ended_.empty()) scope_.spawn(stop_container(container.id, container.node));
  // Nothing began there, or what did ends: until the resource manager says so it counts as held.
  if (!may_run) live_.erase(container.id);
  master_.machine().release(container.id);
  master_.wake();
  co_return status;
}

Placement YarnLauncher::placement_of(const yarn::Container& container) const {
  Placement out{container.id.text(), container.node.host, ""};
  if (!container.node_http.empty())
    out.log_url = fmt::format("http://{}/node/containerlogs/{}/{}", container.node_http, out.container, options_.user);
  return out;
}

yarn::LaunchContext YarnLauncher::context_of(const Launch& launch) const {
  registry::InstanceSpec spec = launch.spec;
  spec.container = launch.container->id.text();
  spec.payload.clear();
  spec.folder.clear();
  spec.socket.clear();
  spec.env.insert(options_.environment.begin(), options_.environment.end());
  yarn::LaunchContext context;
  context.resources = launch.files;
  // The node manager pastes values into a shell's script between double quotes, and drops every "}}".
  context.environment["MODELYARD_SPEC"] = base64url_encode(json::dump(registry::to_json(spec)));
  context.commands = {options_.command};
  context.credentials = options_.credentials;
  return context;
}

void YarnLauncher::withdraw(Launch& launch, Error why) {
  if (!launch.withdrawn) launch.withdrawn = std::move(why);
  if (launch.queued) {
    launch.queued = false;
    std::deque<LaunchPtr>& queue = waiting_[launch.priority];
    std::erase_if(queue, [&](const LaunchPtr& other) { return other.get() == &launch; });
    if (queue.empty()) drop_ask(launch.priority);
    arrange();
  }
  launch.changed.notify_all();
}

}  // namespace modelyard::controller
