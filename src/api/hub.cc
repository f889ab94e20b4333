// SPDX-License-Identifier: Apache-2.0
#include "api/hub.h"

#include "base/clock.h"

namespace modelyard::api {
namespace {

constexpr milliseconds kDeploymentsAtMostEach{250};
constexpr milliseconds kDeploymentsAtLeastEach{2000};  // calls per second fall without any event

using SnapshotPtr = std::shared_ptr<const registry::Snapshot>;
using ChangesPtr = std::shared_ptr<const std::vector<registry::Change>>;

}  // namespace

// Lives as long as anything that the controller may still post to the loop.
struct Hub::Shared {
  explicit Shared(io::Executor executor) : endpoints(executor), deployments_changed(executor), dirty(executor) {}

  EndpointHub endpoints;

  std::string deployments;  // rendered
  uint64_t deployments_number = 0;
  io::Event deployments_changed;
  bool is_dirty = true;
  io::Event dirty;
  int deployment_watchers = 0;
  bool stopped = false;

  controller::Controller::Subscription endpoints_subscription;  // touched on the controller's loop
  controller::Controller::Subscription statuses_subscription;

  void take(const SnapshotPtr& now, const ChangesPtr& list) {
    endpoints.take(now, list ? *list : std::vector<registry::Change>());
  }

  void mark_dirty() {
    is_dirty = true;
    dirty.notify_all();
  }
};

Hub::Hub(io::Loop& loop, io::Loop& controller_loop, controller::Controller& controller)
    : loop_(loop),
      controller_loop_(controller_loop),
      controller_(controller),
      shared_(std::make_shared<Shared>(loop.executor())),
      scope_(loop.executor()) {}

Hub::~Hub() = default;

io::Task<void> Hub::start() {
  const auto subscribe = [](Hub& hub) -> io::Task<SnapshotPtr> {
    io::Loop& loop = hub.loop_;
    const auto shared = hub.shared_;
    SnapshotPtr first = hub.controller_.snapshot();
    shared->endpoints_subscription =
        hub.controller_.subscribe([&loop, shared](const SnapshotPtr& now, const ChangesPtr& changes) {
          loop.post([shared, now, changes] { shared->take(now, changes); });
        });
    shared->statuses_subscription =
        hub.controller_.subscribe_statuses([&loop, shared] { loop.post([shared] { shared->mark_dirty(); }); });
    co_return first;
  };
  SnapshotPtr first = co_await io::on_loop(controller_loop_.executor(), subscribe(*this));
  // A change may have been posted here already while this task was on its way back; that one is newer.
  shared_->endpoints.begin(std::move(first));
  scope_.spawn(refresh_deployments());
}

io::Task<void> Hub::stop() {
  shared_->stopped = true;
  shared_->endpoints.stop();
  shared_->deployments_changed.notify_all();
  const auto unsubscribe = [](std::shared_ptr<Shared> shared) -> io::Task<void> {
    shared->endpoints_subscription.reset();
    shared->statuses_subscription.reset();
    co_return;
  };
  co_await io::on_loop(controller_loop_.executor(), unsubscribe(shared_));
  co_await scope_.stop();
}

int Hub::endpoint_watchers() const { return shared_->endpoints.watchers(); }

io::Task<void> Hub::watch_endpoints(http::SseStream& stream) {
  const auto shared = shared_;
  co_await shared->endpoints.watch(stream);
}

io::Task<void> Hub::refresh_deployments() {
  Shared& shared = *shared_;
  const auto read = [](controller::Controller& controller) -> io::Task<std::vector<controller::DeploymentStatus>> {
    co_return controller.statuses();
  };
  while (true) {
    while (shared.deployment_watchers == 0) co_await shared.dirty.wait();
    if (!shared.is_dirty) {
      const SteadyTime refresh_at = system_clock().now() + kDeploymentsAtLeastEach;
      static_cast<void>(co_await shared.dirty.wait_until(refresh_at));
    }
    shared.is_dirty = false;
    const auto statuses = co_await io::on_loop(controller_loop_.executor(), read(controller_));
    std::string rendered = deployments_json(statuses, {});
    if (rendered != shared.deployments || shared.deployments_number == 0) {
      shared.deployments = std::move(rendered);
      ++shared.deployments_number;
      shared.deployments_changed.notify_all();
    }
    co_await io::sleep_for(kDeploymentsAtMostEach);
  }
}

io::Task<void> Hub::watch_deployments(http::SseStream& stream) {
  const auto shared = shared_;
  struct Count {
    int& value;
    explicit Count(int& v) : value(v) { ++value; }
    ~Count() { --value; }
  };
  const Count counted(shared->deployment_watchers);
  shared->mark_dirty();
  // The first answer is of now, not of when the last watcher went.
  const auto read = [](controller::Controller& controller) -> io::Task<std::vector<controller::DeploymentStatus>> {
    co_return controller.statuses();
  };
  uint64_t seen = shared->deployments_number;
  std::string now = deployments_json(co_await io::on_loop(controller_loop_.executor(), read(controller_)), {});
  if (!co_await stream.send("deployments", now)) co_return;
  while (!shared->stopped && !stream.closed()) {
    if (seen == shared->deployments_number) {
      if (!co_await stream.wait(shared->deployments_changed)) co_return;
      continue;
    }
    seen = shared->deployments_number;
    if (shared->deployments == now) continue;
    now = shared->deployments;
    if (!co_await stream.send("deployments", now)) co_return;
  }
}

}  // namespace modelyard::api
