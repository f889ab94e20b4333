// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "controller/controller.h"
#include "controller/fake_launcher.h"
#include "registry/fake.h"

// What the tests of the controller share: a stage on which a test plays the machine and its runners.
namespace modelyard::controller::testing_stage {

using namespace std::chrono_literals;
using registry::DeploymentState;
using registry::InstanceState;

inline ReconcileOptions quick() {
  ReconcileOptions options;
  options.backoff_first = 5ms;
  options.backoff_max = 40ms;
  options.unhealthy_max = 20ms;
  options.silent_max = 50ms;
  options.drain_max = 50ms;
  options.drain_all = 200ms;
  return options;
}

// A controller with a fake machine below it. The test plays the runners.
struct Stage {
  io::Loop& loop;
  registry::Registry& store;
  FakeLauncher& launcher;
  Controller controller;
  std::map<std::string, Controller::Subscription> leases;
  std::map<std::string, std::string> orders;

  Stage(io::Loop& on, registry::Registry& registry, FakeLauncher& with, ReconcileOptions options = quick(),
        PayloadSource source = {}, IntakeOptions intake = {})
      : loop(on),
        store(registry),
        launcher(with),
        controller({on.executor(),
                    registry,
                    with,
                    system_clock(),
                    Random(1),
                    {.find = [](const std::string& digest) -> Result<std::filesystem::path> {
                       if (digest == "sha256:absent")
                         return fail(ErrorCode::kNotFound, "payload sha256:absent is not stored");
                       return std::filesystem::path("/payload/" + digest);
                     },
                     .fetch = std::move(source)}},
                   {.data = "/data",
                    .socket = "/data/control.sock",
                    .host = "here",
                    .reconcile = options,
                    .intake = intake,
                    .start_max = 200ms}) {}

  void connect(const std::string& id) {
    const auto& running = launcher.running.at(id);
    auto lease = controller.open_lease(id, running.spec.incarnation,
                                       [this, id](const Order& order) { orders[id] = order.want; });
    ASSERT_TRUE(lease) << lease.error().message();
    leases[id] = std::move(*lease);
  }
  io::Task<Status> say(std::string id, InstanceState state, std::string reason = "") {
    registry::RunnerReport report;
    report.id = id;
    report.incarnation = launcher.running.at(id).spec.incarnation;
    report.state = state;
    report.reason = std::move(reason);
    report.runner_pid = 1;
    report.model_pid = 2;
    if (state == InstanceState::kReady)
      report.endpoint = registry::Endpoint{.url = "http://127.0.0.1:1234", .functions = {{"apply", "apply"}}};
    co_return co_await controller.report(std::move(report));
  }
  // Every runner that is not connected connects and reports ready; one that is told to drain ends.
  io::Task<void> play() {
    std::vector<std::string> ids;
    for (const auto& [id, entry] : launcher.running) ids.push_back(id);
    for (const std::string& id : ids) {
      if (orders.contains(id) && orders[id] != "serve") {
        orders.erase(id);
        leases.erase(id);
        launcher.end(id);
      } else if (!leases.contains(id)) {
        connect(id);
        EXPECT_TRUE(co_await say(id, InstanceState::kReady));
      }
    }
  }
  void drop(const std::string& id) {
    leases.erase(id);
    orders.erase(id);
    launcher.end(id);
  }
  DeploymentStatus status() const { return controller.statuses().at(0); }
  std::string only() const { return launcher.running.begin()->first; }
};

// The same where runners speak to the registry: they take their order from their record.
struct Runners {
  registry::FakeRegistry& store;
  FakeLauncher& launcher;
  bool silent = false;

  const registry::Instance* record(const std::string& id) const {
    for (const registry::Instance& instance : store.stored.instances) {
      if (instance.id == id) return &instance;
    }
    return nullptr;
  }
  void say(const std::string& id, InstanceState state, std::string reason = "") const {
    const int64_t incarnation = launcher.running.at(id).spec.incarnation;
    registry::RunnerReport report;
    report.id = id;
    report.incarnation = incarnation;
    report.state = state;
    report.reason = std::move(reason);
    report.runner_pid = 1;
    if (state == InstanceState::kReady) report.endpoint = registry::Endpoint{.url = "http://127.0.0.1:1234"};
    store.tell({id, registry::LeaseRecord{incarnation, "here", 1}, std::move(report)});
  }
  void lose_lease(const std::string& id) const { store.tell({id, std::nullopt, std::nullopt}); }
  void play() {
    if (silent) return;
    std::vector<std::pair<std::string, int64_t>> all;
    for (const auto& [id, entry] : launcher.running) all.emplace_back(id, entry.spec.incarnation);
    for (const auto& [id, incarnation] : all) {
      const registry::Instance* known = record(id);
      const bool ends = known == nullptr || known->incarnation != incarnation ||
                        known->state == InstanceState::kDraining || known->state == InstanceState::kFailed;
      if (ends) {
        lose_lease(id);
        launcher.end(id);
        said.erase(id);
      } else if (said[id] != incarnation) {
        said[id] = incarnation;
        say(id, InstanceState::kReady);
      }
    }
  }
  std::map<std::string, int64_t> said{};  // by id: the incarnation that is known to be ready
};

// polls: turns the loop until it is so; a test that never gets there fails after 5 s.
inline io::Task<bool> until(std::function<bool()> condition, Stage* play = nullptr) {
  const SteadyTime deadline = std::chrono::steady_clock::now() + 5s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) co_return false;
    if (play != nullptr) co_await play->play();
    co_await io::sleep_for(500us);
  }
  co_return true;
}

inline io::Task<bool> until(std::function<bool()> condition, Runners& play) {
  const SteadyTime deadline = std::chrono::steady_clock::now() + 5s;
  while (!condition()) {  // polls: as above
    if (std::chrono::steady_clock::now() > deadline) co_return false;
    play.play();
    co_await io::sleep_for(500us);
  }
  co_return true;
}

inline DeployRequest dga(int instances = 1, std::string digest = "sha256:1") {
  DeployRequest request;
  request.name = "dga";
  request.version = "1.0";
  request.instances = instances;
  request.digest = std::move(digest);
  request.owner = "ada";
  return request;
}

inline size_t published(const Controller& controller) {
  size_t count = 0;
  const auto snapshot = controller.snapshot();
  for (const auto& [name, versions] : snapshot->models) {
    for (const auto& [version, endpoints] : versions) count += endpoints->size();
  }
  return count;
}

// Runs a scene on a loop of its own.
inline void play_scene(std::function<io::Task<void>(io::Loop&)> scene) {
  io::Loop loop;
  io::run_blocking(loop, scene(loop));
}

}  // namespace modelyard::controller::testing_stage
