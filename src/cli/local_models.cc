// SPDX-License-Identifier: Apache-2.0
#include "cli/local_models.h"

namespace modelyard::cli {
namespace {

constexpr milliseconds kReportEach{1000};
constexpr size_t kConnectionsPerModel = 256;
constexpr size_t kConnections = 4096;

controller::CallReport to_controller(const client::CallReport& report) {
  using client::LatencyHistogram;
  controller::CallReport told{.id = report.id,
                              .calls = report.calls,
                              .failures = report.failures,
                              .latency_sum_us = report.latency.sum_us(),
                              .latency_max_us = report.latency.max_us()};
  for (size_t i = 0; i < LatencyHistogram::kBoundsUs.size(); ++i) {
    if (report.latency.count(i) > 0) told.latency_buckets[LatencyHistogram::kBoundsUs[i]] = report.latency.count(i);
  }
  return told;
}

}  // namespace

// Outlives this object: what the controller's loop still posts looks here first. `models` is read on the HTTP loop
// alone.
struct LocalModels::Link {
  client::Directory* directory = nullptr;
  controller::Controller::Subscription subscription;  // touched on the controller's loop
};

LocalModels::LocalModels(io::Loop& loop, io::Loop& controller_loop, controller::Controller& controller)
    : loop_(loop),
      controller_loop_(controller_loop),
      controller_(controller),
      directory_(system_clock(), Random::from_system()),
      http_(loop, {.connections_per_origin_max = kConnectionsPerModel, .connections_max = kConnections}),
      models_(directory_, http_, system_clock()),
      link_(std::make_shared<Link>()),
      scope_(loop.executor()) {
  link_->directory = &directory_;
}

LocalModels::~LocalModels() { link_->directory = nullptr; }

io::Task<void> LocalModels::start() {
  using SnapshotPtr = std::shared_ptr<const registry::Snapshot>;
  const auto subscribe = [](LocalModels& self) -> io::Task<void> {
    const auto link = self.link_;
    io::Loop& loop = self.loop_;
    const auto post = [&loop, link](const SnapshotPtr& snapshot) {
      loop.post([link, snapshot] {
        if (link->directory) link->directory->replace(snapshot);
      });
    };
    post(self.controller_.snapshot());
    link->subscription =
        self.controller_.subscribe([post](const SnapshotPtr& snapshot, const auto&) { post(snapshot); });
    co_return;
  };
  co_await io::on_loop(controller_loop_.executor(), subscribe(*this));
  scope_.spawn(report());
}

io::Task<void> LocalModels::report() {
  while (true) {
    co_await io::sleep_for(kReportEach);
    auto reports = directory_.take_reports();
    if (!reports.empty()) tell(std::move(reports));
  }
}

void LocalModels::tell(std::vector<client::CallReport> reports) {
  auto told = std::make_shared<std::vector<controller::CallReport>>();
  for (const client::CallReport& report : reports) told->push_back(to_controller(report));
  controller_loop_.post([&controller = controller_, told] { controller.note_calls(*told); });
}

io::Task<void> LocalModels::stop() {
  co_await scope_.stop();
  const auto unsubscribe = [](std::shared_ptr<Link> link) -> io::Task<void> {
    link->subscription.reset();
    co_return;
  };
  co_await io::on_loop(controller_loop_.executor(), unsubscribe(link_));
  link_->directory = nullptr;
}

}  // namespace modelyard::cli
