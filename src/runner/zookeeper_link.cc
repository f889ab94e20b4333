// SPDX-License-Identifier: Apache-2.0
#include "runner/zookeeper_link.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "json/json.h"
#include "json/tree.h"
#include "registry/zookeeper/requests.h"

namespace modelyard::runner {

using registry::zookeeper::Layout;
using registry::zookeeper::RunnerSession;
using registry::zookeeper::Settings;

namespace {

constexpr milliseconds kFirstPause{50};
constexpr milliseconds kLastPause{2'000};
constexpr seconds kReadWithin{15};

SteadyTime in(milliseconds time) { return system_clock().now() + time; }

io::Task<Result<Settings>> read_settings(zookeeper::Client& client, const Layout& layout) {
  auto node = co_await client.get(layout.settings(), {}, in(kReadWithin));
  if (!node && node.error().code() == ErrorCode::kNotFound) co_return Settings{};
  if (!node) co_return fail(std::move(node).error().with_context(layout.settings()));
  if (node->data.empty()) co_return Settings{};
  MY_CO_TRY(const json::Tree tree, json::parse(node->data, {.source = layout.settings()}));
  co_return registry::zookeeper::settings_from_json(tree);
}

}  // namespace

ZookeeperLink::ZookeeperLink(io::Loop& loop, const registry::InstanceSpec& spec, registry::zookeeper::Secrets secrets,
                             std::unique_ptr<zookeeper::Client> client, Random& random)
    : loop_(loop),
      spec_(spec),
      secrets_(std::move(secrets)),
      client_(std::move(client)),
      random_(random),
      opened_(loop.executor()),
      scope_(loop.executor()) {}

ZookeeperLink::~ZookeeperLink() = default;

void ZookeeperLink::start(OnOrder on_order) {
  on_order_ = std::move(on_order);
  states_ = client_->on_state([this](zookeeper::Client::State state, bool) { tell_state(state); });
  scope_.spawn(begin());
}

void ZookeeperLink::tell_state(zookeeper::Client::State state) {
  using State = zookeeper::Client::State;
  switch (state) {
    case State::kConnected: spdlog::info("{}: connected to ZooKeeper", spec_.id); break;
    case State::kConnecting: spdlog::warn("{}: ZooKeeper is away, the model serves on", spec_.id); break;
    case State::kExpired: spdlog::warn("{}: the ZooKeeper session has expired, another begins", spec_.id); break;
    case State::kRefused:
      spdlog::error("{}: ZooKeeper refuses this runner, no client will find the model: {}", spec_.id,
                    client_->trouble());
      break;
    case State::kClosed: break;
  }
}

io::Task<void> ZookeeperLink::begin() {
  milliseconds pause = kFirstPause;
  std::string told;
  while (!session_) {
    const Status opened = co_await open_session();
    if (opened) break;
    if (opened.error().message() != told) {
      told = opened.error().message();
      spdlog::warn("{}: not registered yet: {}", spec_.id, told);
    }
    const auto half = static_cast<uint64_t>(pause.count() / 2);
    co_await io::sleep_for(milliseconds(half + random_.below(half + 1)));
    pause = std::min(pause * 2, kLastPause);
  }
}

io::Task<Status> ZookeeperLink::open_session() {
  const std::string root = spec_.zk_root.empty() ? std::string(registry::zookeeper::kDefaultRoot) : spec_.zk_root;
  MY_CO_TRY(const Layout layout, co_await registry::zookeeper::read_layout(*client_, root, in(kReadWithin)));
  MY_CO_TRY(const Settings settings, co_await read_settings(*client_, layout));
  session_ = std::make_unique<RunnerSession>(loop_, *client_, layout,
                                             registry::zookeeper::access_of(secrets_, settings.world_may_read),
                                             spec_.id, spec_.incarnation, Random(random_()));
  session_->on_order([this](RunnerSession::Order order) { obey(order); });
  session_->start();
  if (newest_) session_->report(*newest_);
  opened_.notify_all();
  co_return Status();
}

void ZookeeperLink::obey(RunnerSession::Order order) {
  switch (order) {
    case RunnerSession::Order::kServe: return on_order_(Order::kServe);
    case RunnerSession::Order::kDrain: return on_order_(Order::kDrain);
    case RunnerSession::Order::kStop: return on_order_(Order::kStop);
    case RunnerSession::Order::kDisowned:
      spdlog::warn("{}: incarnation {} is not wanted any more", spec_.id, spec_.incarnation);
      return on_order_(Order::kDisowned);
  }
}

void ZookeeperLink::report(registry::RunnerReport report) {
  if (session_) return session_->report(std::move(report));
  newest_ = std::move(report);
}

// Without a session nothing was ever registered.
io::Task<void> ZookeeperLink::withdraw(SteadyTime deadline) {
  if (session_) co_await session_->flush(deadline);
}

io::Task<bool> ZookeeperLink::flush(SteadyTime deadline) {
  while (!session_) {
    if (!co_await opened_.wait_until(deadline) && system_clock().now() >= deadline) co_return false;
  }
  co_return co_await session_->flush(deadline);
}

io::Task<void> ZookeeperLink::stop(SteadyTime deadline) {
  states_.reset();
  co_await scope_.stop();
  if (session_) co_await session_->stop(deadline);
  session_.reset();
  co_await client_->close(deadline);
}

}  // namespace modelyard::runner
