// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "controller/testing/stage.h"
#include "registry/zookeeper/registry.h"
#include "registry/zookeeper/runner_session.h"
#include "zookeeper/fake.h"

// The controller on the registry in ZooKeeper, with runners that speak to ZooKeeper as real ones do; an ensemble in
// memory, launchers that only remember.
namespace modelyard::controller {
namespace {

using namespace testing_stage;  // NOLINT: this test is written in its words
using modelyard::zookeeper::Client;
using modelyard::zookeeper::FakeEnsemble;
using registry::zookeeper::RunnerSession;
using registry::zookeeper::ZookeeperRegistry;

SteadyTime soon() { return std::chrono::steady_clock::now() + 5s; }

// One controller process on a machine.
struct Process {
  std::unique_ptr<Client> client;
  std::unique_ptr<ZookeeperRegistry> store;
  std::unique_ptr<Stage> stage;
};

struct Runner {
  int64_t incarnation = 0;
  std::unique_ptr<Client> client;
  std::unique_ptr<RunnerSession> session;
  RunnerSession::Order order = RunnerSession::Order::kServe;
};

struct Yard {
  io::Loop& loop;
  FakeEnsemble ensemble;
  FakeLauncher launcher;
  std::map<std::string, Runner> runners;

  explicit Yard(io::Loop& on) : loop(on), ensemble(on), launcher(on.executor()) {}

  PayloadSource source() {
    return [](std::string path) -> io::Task<Result<FetchedPayload>> {
      co_return FetchedPayload{"sha256:" + path, nullptr};
    };
  }
  io::Task<void> begin(Process& process, FakeLauncher& on) {
    process.client = ensemble.connect();
    registry::zookeeper::RegistryOptions options;
    options.candidate.host = "here";
    options.candidate.url = "http://here:" + std::to_string(process.client->session_id());
    options.candidate.launcher = "local";
    options.candidate.place = "here:/data";
    process.store =
        std::make_unique<ZookeeperRegistry>(loop, *process.client, std::move(options), system_clock(), Random(3));
    EXPECT_TRUE(co_await process.store->open(soon()));
    ReconcileOptions quick_ones = quick();
    quick_ones.silent_max = 500ms;
    IntakeOptions intake;
    intake.again_after = 5ms;
    process.stage = std::make_unique<Stage>(loop, *process.store, on, quick_ones, source(), intake);
    const Status started = co_await process.stage->controller.start();
    EXPECT_TRUE(started) << started.error().message();
  }
  // As kill -9: nothing is told to anybody, and its session ends by itself.
  io::Task<void> crash(Process& process) {
    const int64_t session = process.client->session_id();
    ensemble.disconnect(session);
    co_await process.stage->controller.stop(true);
    co_await process.store->stop();
    process.stage.reset();
    process.store.reset();
    process.client.reset();
    ensemble.expire(session);
  }
  io::Task<void> end(Process& process) {
    co_await process.stage->controller.stop(true);
    co_await process.store->stop();
    co_await process.client->close(soon());
    process.stage.reset();
    process.store.reset();
    process.client.reset();
  }
  registry::zookeeper::Layout layout() const {
    return registry::zookeeper::layout_from(registry::zookeeper::kDefaultRoot, std::nullopt).value();
  }
  void start_runner(const std::string& id, int64_t incarnation) {
    Runner& runner = runners[id];
    runner.incarnation = incarnation;
    runner.order = RunnerSession::Order::kServe;
    runner.client = ensemble.connect();
    runner.session = std::make_unique<RunnerSession>(
        loop, *runner.client, layout(), registry::zookeeper::access_of({}, true), id, incarnation, Random(5));
    runner.session->on_order([&runner](RunnerSession::Order order) { runner.order = order; });
    runner.session->start();
    registry::RunnerReport report;
    report.id = id;
    report.incarnation = incarnation;
    report.state = InstanceState::kReady;
    report.runner_pid = 1;
    report.endpoint = registry::Endpoint{.id = id,
                                         .name = "dga",
                                         .version = "1.0",
                                         .url = "http://node1:1234",
                                         .host = "node1",
                                         .functions = {{"apply", "apply"}}};
    runner.session->report(std::move(report));
  }
  io::Task<void> stop_runner(const std::string& id) {
    const auto found = runners.find(id);
    if (found == runners.end()) co_return;
    co_await found->second.session->stop(soon());
    co_await found->second.client->close(soon());
    runners.erase(found);
  }
  // Each process on the machine has its runner; one that is told to end ends.
  io::Task<void> play(FakeLauncher& on) {
    std::vector<std::pair<std::string, int64_t>> all;
    for (const auto& [id, entry] : on.running) all.emplace_back(id, entry.spec.incarnation);
    std::vector<std::string> gone;
    for (const auto& [id, runner] : runners) {
      const auto lives = on.running.find(id);
      if (lives == on.running.end() || lives->second.spec.incarnation != runner.incarnation) gone.push_back(id);
    }
    for (const std::string& id : gone) co_await stop_runner(id);
    for (const auto& [id, incarnation] : all) {
      const auto known = runners.find(id);
      if (known == runners.end()) {
        start_runner(id, incarnation);
      } else if (known->second.order != RunnerSession::Order::kServe) {
        co_await stop_runner(id);
        on.end(id);
      }
    }
  }
  io::Task<bool> comes(std::function<bool()> condition) { return comes(std::move(condition), launcher); }
  io::Task<bool> comes(std::function<bool()> condition, FakeLauncher& on) {
    const SteadyTime deadline = soon();
    while (!condition()) {  // polls: the runners move on meanwhile
      if (std::chrono::steady_clock::now() > deadline) co_return false;
      co_await play(on);
      co_await io::sleep_for(500us);
    }
    co_return true;
  }
  io::Task<void> stop_runners() {
    while (!runners.empty()) co_await stop_runner(std::string(runners.begin()->first));
  }
  size_t endpoints() const {
    size_t count = 0;
    for (const auto& [path, node] : ensemble.nodes()) count += path.starts_with("/maas/service/dga/") ? 1 : 0;
    return count;
  }
  size_t launches() const {
    return static_cast<size_t>(std::count_if(launcher.accesses.begin(), launcher.accesses.end(),
                                             [](const std::string& access) { return access.starts_with("launch "); }));
  }
  void request(const std::string& action, int n, int sequence) {
    for (const char* const parent : {"/maas", "/maas/queue"}) ensemble.put(parent, "");
    ensemble.put("/maas/queue/qn-000000000" + std::to_string(sequence),
                 R"({"name":"dga","version":"1.0","numInstances":)" + std::to_string(n) +
                     R"(,"memory":512,"action":")" + action + R"(","path":"/models/dga"})");
  }
};

TEST(ControllerOnZookeeper, ARequestBecomesEndpointsAndAnotherEndsThem) {
  play_scene([](io::Loop& loop) -> io::Task<void> {
    Yard yard(loop);
    Process one;
    co_await yard.begin(one, yard.launcher);
    EXPECT_TRUE(one.stage->controller.role().leads);
    yard.request("ADD", 2, 0);
    EXPECT_TRUE(co_await yard.comes([&] { return published(one.stage->controller) == 2 && yard.endpoints() == 2; }));
    yard.request("REMOVE", 2, 1);
    EXPECT_TRUE(co_await yard.comes([&] { return one.stage->controller.statuses().empty() && yard.endpoints() == 0; }));
    co_await yard.stop_runners();
    co_await yard.end(one);
  });
}

TEST(ControllerOnZookeeper, ALostLeaseIsUnreachableUntilItIsBack) {
  play_scene([](io::Loop& loop) -> io::Task<void> {
    Yard yard(loop);
    Process one;
    co_await yard.begin(one, yard.launcher);
    EXPECT_TRUE(co_await one.stage->controller.deploy(dga(1)));
    EXPECT_TRUE(co_await yard.comes([&] { return published(one.stage->controller) == 1; }));
    const int64_t session = yard.runners.begin()->second.client->session_id();
    yard.ensemble.disconnect(session);
    yard.ensemble.expire(session);
    EXPECT_TRUE(co_await yard.comes(
        [&] { return one.stage->status().instances.at(0).instance.state == InstanceState::kUnreachable; }));
    yard.ensemble.reconnect(session);
    EXPECT_TRUE(co_await yard.comes([&] { return published(one.stage->controller) == 1 && yard.endpoints() == 1; }));
    EXPECT_EQ(yard.launches(), 1u);
    co_await yard.stop_runners();
    co_await yard.end(one);
  });
}

TEST(ControllerOnZookeeper, ADeposedLeaderDecidesNothing) {
  play_scene([](io::Loop& loop) -> io::Task<void> {
    Yard yard(loop);
    Process one;
    co_await yard.begin(one, yard.launcher);
    EXPECT_TRUE(co_await one.stage->controller.deploy(dga(2)));
    EXPECT_TRUE(co_await yard.comes([&] { return published(one.stage->controller) == 2; }));
    FakeLauncher other(loop.executor());
    Process two;
    co_await yard.begin(two, other);
    EXPECT_FALSE(two.stage->controller.role().leads);
    EXPECT_EQ(published(two.stage->controller), 2u) << "a follower shows what is stored";
    other.running = yard.launcher.running;
    const std::string victim = other.running.begin()->first;
    yard.launcher.accesses.clear();
    yard.ensemble.expire(one.client->session_id());
    EXPECT_TRUE(co_await yard.comes([&] { return two.stage->controller.role().leads; }, other));
    // What the first would answer with a restart.
    yard.launcher.end(victim);
    other.end(victim);
    EXPECT_TRUE(co_await yard.comes(
        [&] { return other.running.contains(victim) && published(two.stage->controller) == 2; }, other));
    EXPECT_FALSE(one.stage->controller.role().leads);
    EXPECT_EQ(one.stage->controller.role().leader->url, "http://here:" + std::to_string(two.client->session_id()));
    EXPECT_EQ(yard.launches(), 0u);
    EXPECT_EQ(std::count(yard.launcher.accesses.begin(), yard.launcher.accesses.end(), "kill " + victim), 0);
    EXPECT_EQ((co_await one.stage->controller.scale("dga", "1.0", 5)).error().code(), ErrorCode::kUnavailable);
    co_await yard.stop_runners();
    co_await yard.end(one);
    co_await yard.end(two);
  });
}

// The controller dies at its n-th write, before it or when it is done; another one takes over.
class DiesAtAWrite : public testing::TestWithParam<std::tuple<int, bool>> {};

TEST_P(DiesAtAWrite, AndWhatWasAskedIsDoneOnce) {
  play_scene([which = std::get<0>(GetParam()), done = std::get<1>(GetParam())](io::Loop& loop) -> io::Task<void> {
    Yard yard(loop);
    Process one;
    co_await yard.begin(one, yard.launcher);
    const int64_t session = one.client->session_id();
    int writes = 0;
    bool dies = false;
    yard.ensemble.on_write([&](int64_t by, const std::string&) -> Status {
      if (by != session) return {};
      if (++writes == which + 1) dies = true;
      const bool is_carried_out = writes < which + 1 || (done && writes == which + 1);
      return is_carried_out ? Status() : Status(fail(ErrorCode::kDeadline, "the controller dies"));
    });
    yard.request("ADD", 2, 0);
    const bool came = co_await yard.comes([&] { return dies || published(one.stage->controller) == 2; });
    EXPECT_TRUE(came);
    co_await yard.crash(one);
    yard.ensemble.on_write({});
    Process two;
    co_await yard.begin(two, yard.launcher);
    EXPECT_TRUE(co_await yard.comes([&] { return published(two.stage->controller) == 2 && yard.endpoints() == 2; }));
    EXPECT_EQ(two.stage->status().wanted, 2);
    EXPECT_EQ(two.stage->status().restarts, 0);
    EXPECT_EQ(yard.launcher.running.size(), 2u);
    for (const auto& [path, node] : yard.ensemble.nodes()) EXPECT_FALSE(path.starts_with("/maas/queue/qn-")) << path;
    co_await yard.stop_runners();
    co_await yard.end(two);
  });
}

INSTANTIATE_TEST_SUITE_P(Controller, DiesAtAWrite, testing::Combine(testing::Range(0, 14), testing::Bool()));

}  // namespace
}  // namespace modelyard::controller
