// SPDX-License-Identifier: Apache-2.0
#include "controller/controller.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "controller/fake_launcher.h"
#include "controller/testing/stage.h"
#include "io/file.h"
#include "registry/embedded.h"
#include "registry/fake.h"

namespace modelyard::controller {
namespace {

using namespace testing_stage;  // NOLINT: this test is written in its words

TEST(Controller, DeploysServesScalesAndRemoves) {
  play_scene([](io::Loop& loop) -> io::Task<void> {
    const auto folder = io::TemporaryFolder::make("modelyard-controller").value();
    auto store = registry::EmbeddedRegistry::open(folder.path()).value();
    FakeLauncher launcher(loop.executor());
    Stage stage(loop, *store, launcher);
    EXPECT_TRUE(co_await stage.controller.start());
    EXPECT_TRUE(stage.controller.snapshot()->settled);

    auto deployed = co_await stage.controller.deploy(dga(2));
    EXPECT_TRUE(deployed && deployed->created && deployed->changed && deployed->revision == 1);
    EXPECT_TRUE(co_await until([&] { return published(stage.controller) == 2; }, &stage));
    EXPECT_EQ(stage.status().state, DeploymentState::kReady);
    EXPECT_EQ(stage.status().restarts, 0);

    auto again = co_await stage.controller.deploy(dga(2));
    EXPECT_TRUE(again && !again->created && !again->changed && again->revision == 1);
    EXPECT_TRUE(co_await stage.controller.scale("dga", "1.0", 3));
    EXPECT_TRUE(co_await until([&] { return published(stage.controller) == 3; }, &stage));
    auto fewer = co_await stage.controller.remove("dga", "1.0", 2);
    EXPECT_TRUE(fewer && fewer->instances == 2 && fewer->deployments == 0);
    EXPECT_TRUE(co_await until([&] { return launcher.running.size() == 1; }, &stage));
    auto removed = co_await stage.controller.remove("dga", std::nullopt, std::nullopt);
    EXPECT_TRUE(removed && removed->deployments == 1);
    EXPECT_TRUE(co_await until([&] { return stage.controller.statuses().empty(); }, &stage));
    EXPECT_EQ(published(stage.controller), 0u);
    auto gone = co_await stage.controller.scale("dga", "1.0", 1);
    EXPECT_EQ(gone.error().code(), ErrorCode::kNotFound);

    auto events = co_await stage.controller.events("dga", "1.0", 100);
    std::vector<std::string> kinds;
    for (const auto& event : *events) kinds.push_back(event.kind);
    EXPECT_EQ(kinds,
              (std::vector<std::string>{"deployed", "started", "started", "ready", "ready", "scaled", "started",
                                        "ready", "scaled", "drained", "drained", "removing", "drained", "removed"}));
    co_await stage.controller.stop(false);
  });
}

TEST(Controller, AKilledInstanceLeavesTheSnapshotAtOnceAndComesBack) {
  play_scene([](io::Loop& loop) -> io::Task<void> {
    registry::FakeRegistry store;
    FakeLauncher launcher(loop.executor());
    Stage stage(loop, store, launcher);
    EXPECT_TRUE(co_await stage.controller.start());
    EXPECT_TRUE(co_await stage.controller.deploy(dga()));
    EXPECT_TRUE(co_await until([&] { return published(stage.controller) == 1; }, &stage));
    const std::string id = stage.only();
    std::vector<std::string> changes;
    auto subscription = stage.controller.subscribe([&](const auto& snapshot, const auto& list) {
      for (const registry::Change& change : *list) {
        changes.push_back(std::string(to_string(change.kind)) + " " + change.endpoint.id + " " +
                          std::to_string(snapshot->revision));
      }
    });
    const int64_t incarnation = launcher.running.at(id).spec.incarnation;
    launcher.tail = {"Traceback", "ValueError: no"};
    stage.drop(id);
    EXPECT_TRUE(co_await until([&] { return launcher.running.contains(id); }));
    EXPECT_GT(launcher.running.at(id).spec.incarnation, incarnation) << "the same instance, a new incarnation";
    EXPECT_EQ(stage.status().restarts, 1);
    EXPECT_NE(stage.status().error.find("its runner was killed\nTraceback\nValueError: no"), std::string::npos)
        << stage.status().error;
    EXPECT_TRUE(co_await until([&] { return published(stage.controller) == 1; }, &stage));
    EXPECT_EQ(changes, (std::vector<std::string>{"removed " + id + " 3", "added " + id + " 4"}));
    EXPECT_EQ(stage.status().error, "");
    co_await stage.controller.stop(false);
    EXPECT_TRUE(launcher.running.empty());
    EXPECT_EQ(store.stored.deployments.size(), 1u) << "what is wanted stays wanted";
  });
}

TEST(Controller, ACrashLoopIsShownWithTheLastLogLines) {
  play_scene([](io::Loop& loop) -> io::Task<void> {
    registry::FakeRegistry store;
    FakeLauncher launcher(loop.executor());
    Stage stage(loop, store, launcher);
    EXPECT_TRUE(co_await stage.controller.start());
    EXPECT_TRUE(co_await stage.controller.deploy(dga()));
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE(co_await until([&] { return !launcher.running.empty(); }));
      const std::string id = stage.only();
      stage.connect(id);
      EXPECT_TRUE(co_await stage.say(id, InstanceState::kFailed, "exited with status 3"));
      EXPECT_TRUE(
          co_await until([&] { return stage.status().instances.at(0).instance.state == InstanceState::kFailed; }));
      stage.drop(id);
    }
    EXPECT_EQ(stage.status().state, DeploymentState::kCrashLoop);
    EXPECT_NE(stage.status().error.find("exited with status 3"), std::string::npos) << stage.status().error;
    co_await stage.controller.stop(false);
  });
}

TEST(Controller, AdoptsWhatLivesAndReplacesWhatDoesNot) {
  play_scene([](io::Loop& loop) -> io::Task<void> {
    const auto folder = io::TemporaryFolder::make("modelyard-controller").value();
    FakeLauncher launcher(loop.executor());
    std::string alive, dead;
    {
      auto store = registry::EmbeddedRegistry::open(folder.path()).value();
      Stage stage(loop, *store, launcher);
      EXPECT_TRUE(co_await stage.controller.start());
      EXPECT_TRUE(co_await stage.controller.deploy(dga(2)));
      EXPECT_TRUE(co_await until([&] { return published(stage.controller) == 2; }, &stage));
      alive = stage.only();
      dead = launcher.running.rbegin()->first;
      co_await stage.controller.stop(true);
    }
    EXPECT_EQ(launcher.running.size(), 2u);
    launcher.running.erase(dead);
    launcher.accesses.clear();
    auto store = registry::EmbeddedRegistry::open(folder.path()).value();
    Stage stage(loop, *store, launcher);
    EXPECT_TRUE(co_await stage.controller.start());
    EXPECT_FALSE(stage.controller.snapshot()->settled);
    EXPECT_EQ(published(stage.controller), 1u) << "the one that lives is served before its runner has spoken";
    EXPECT_EQ(stage.controller.snapshot()->epoch, 2);
    const int64_t incarnation = launcher.running.at(alive).spec.incarnation;
    stage.connect(alive);
    EXPECT_TRUE(stage.controller.snapshot()->settled);
    EXPECT_TRUE(co_await stage.say(alive, InstanceState::kReady));
    EXPECT_TRUE(co_await until([&] { return published(stage.controller) == 2; }, &stage));
    EXPECT_EQ(launcher.running.at(alive).spec.incarnation, incarnation) << "adopted, not restarted";
    EXPECT_TRUE(launcher.running.contains(dead));
    EXPECT_EQ(stage.status().restarts, 1);
    co_await stage.controller.stop(false);
  });
}

TEST(Controller, ASilentSurvivorIsKilledAndReplaced) {
  play_scene([](io::Loop& loop) -> io::Task<void> {
    registry::FakeRegistry store;
    FakeLauncher launcher(loop.executor());
    {
      Stage stage(loop, store, launcher);
      EXPECT_TRUE(co_await stage.controller.start());
      EXPECT_TRUE(co_await stage.controller.deploy(dga()));
      EXPECT_TRUE(co_await until([&] { return published(stage.controller) == 1; }, &stage));
      co_await stage.controller.stop(true);
    }
    Stage stage(loop, store, launcher);
    const std::string id = stage.only();
    const int64_t incarnation = launcher.running.at(id).spec.incarnation;
    EXPECT_TRUE(co_await stage.controller.start());
    EXPECT_TRUE(co_await until(
        [&] { return launcher.running.contains(id) && launcher.running.at(id).spec.incarnation > incarnation; }));
    EXPECT_NE(std::find(launcher.accesses.begin(), launcher.accesses.end(), "kill " + id), launcher.accesses.end());
    EXPECT_TRUE(stage.controller.snapshot()->settled);
    co_await stage.controller.stop(false);
  });
}

TEST(Controller, LeasesOfOthersAreRefused) {
  play_scene([](io::Loop& loop) -> io::Task<void> {
    registry::FakeRegistry store;
    FakeLauncher launcher(loop.executor());
    Stage stage(loop, store, launcher);
    EXPECT_TRUE(co_await stage.controller.start());
    EXPECT_TRUE(co_await stage.controller.deploy(dga()));
    EXPECT_TRUE(co_await until([&] { return published(stage.controller) == 1; }, &stage));
    const std::string id = stage.only();
    EXPECT_EQ(stage.controller.open_lease("nobody", 1, [](const Order&) {}).error().code(), ErrorCode::kNotFound);
    EXPECT_EQ(stage.controller.open_lease(id, 0, [](const Order&) {}).error().code(), ErrorCode::kConflict);
    registry::RunnerReport stale;
    stale.id = id;
    stale.state = InstanceState::kFailed;
    EXPECT_EQ((co_await stage.controller.report(stale)).error().code(), ErrorCode::kConflict);
    EXPECT_EQ(published(stage.controller), 1u);
    co_await stage.controller.stop(false);
  });
}

TEST(Controller, AMissingPayloadIsWaitedForByName) {
  play_scene([](io::Loop& loop) -> io::Task<void> {
    registry::FakeRegistry store;
    FakeLauncher launcher(loop.executor());
    Stage stage(loop, store, launcher);
    EXPECT_TRUE(co_await stage.controller.start());
    EXPECT_TRUE(co_await stage.controller.deploy(dga(1, "sha256:absent")));
    EXPECT_TRUE(co_await until([&] { return stage.status().state == DeploymentState::kWaiting; }));
    EXPECT_EQ(stage.status().error, "waiting: payload sha256:absent is not stored");
    EXPECT_EQ(stage.status().restarts, 0);
    co_await stage.controller.stop(false);
  });
}

TEST(Controller, AnUpdateThatFailsLeavesTheOldOnes) {
  play_scene([](io::Loop& loop) -> io::Task<void> {
    registry::FakeRegistry store;
    FakeLauncher launcher(loop.executor());
    Stage stage(loop, store, launcher);
    EXPECT_TRUE(co_await stage.controller.start());
    EXPECT_TRUE(co_await stage.controller.deploy(dga(2)));
    EXPECT_TRUE(co_await until([&] { return published(stage.controller) == 2; }, &stage));
    auto update = co_await stage.controller.deploy(dga(2, "sha256:2"));
    EXPECT_TRUE(update && update->revision == 2);
    EXPECT_TRUE(co_await until([&] { return launcher.running.size() == 3; }));
    std::string fresh;
    for (const auto& [id, entry] : launcher.running) {
      if (entry.spec.revision == 2) fresh = id;
    }
    stage.connect(fresh);
    EXPECT_TRUE(co_await stage.say(fresh, InstanceState::kFailed, "endpoint.dat: no url"));
    EXPECT_TRUE(co_await until([&] { return stage.status().state == DeploymentState::kUpdateFailed; }));
    stage.drop(fresh);
    EXPECT_TRUE(co_await until([&] { return stage.status().instances.size() == 2; }));
    EXPECT_NE(stage.status().error.find("endpoint.dat: no url"), std::string::npos) << stage.status().error;
    EXPECT_EQ(published(stage.controller), 2u);
    EXPECT_EQ(stage.status().revision, 1);
    auto fixed = co_await stage.controller.deploy(dga(2, "sha256:3"));
    EXPECT_TRUE(fixed && fixed->revision == 3);
    size_t fewest = 99;
    EXPECT_TRUE(co_await until(
        [&] {
          fewest = std::min(fewest, published(stage.controller));
          return stage.status().state == DeploymentState::kReady && launcher.running.size() == 2;
        },
        &stage));
    EXPECT_EQ(fewest, 2u) << "never fewer than wanted while a new revision comes in";
    for (const auto& [id, entry] : launcher.running) EXPECT_EQ(entry.spec.revision, 3);
    co_await stage.controller.stop(false);
  });
}

TEST(Controller, StopDrainsAllAndKillsWhatStays) {
  play_scene([](io::Loop& loop) -> io::Task<void> {
    registry::FakeRegistry store;
    FakeLauncher launcher(loop.executor());
    Stage stage(loop, store, launcher);
    EXPECT_TRUE(co_await stage.controller.start());
    EXPECT_TRUE(co_await stage.controller.deploy(dga(3)));
    EXPECT_TRUE(co_await until([&] { return published(stage.controller) == 3; }, &stage));
    co_await stage.controller.stop(false);  // nobody obeys
    EXPECT_TRUE(launcher.running.empty());
    EXPECT_EQ((co_await stage.controller.deploy(dga())).error().code(), ErrorCode::kUnavailable);
  });
}

struct LaunchTrouble {
  std::string name;
  std::optional<Error> fate;  // of the first launch
  bool forgotten = false;     // it works, the answer is lost
  int64_t restarts = 0;       // that count as the model's own
};
class EveryLaunchFails : public testing::TestWithParam<LaunchTrouble> {};

TEST_P(EveryLaunchFails, AndItComesUpOnceAllTheSame) {
  play_scene([row = GetParam()](io::Loop& loop) -> io::Task<void> {
    registry::FakeRegistry store;
    FakeLauncher launcher(loop.executor());
    Stage stage(loop, store, launcher);
    EXPECT_TRUE(co_await stage.controller.start());
    if (row.fate) launcher.launch_fates.push_back(row.fate);
    launcher.forget_next_answer = row.forgotten;
    EXPECT_TRUE(co_await stage.controller.deploy(dga()));
    EXPECT_TRUE(co_await until([&] { return published(stage.controller) == 1; }, &stage));
    EXPECT_EQ(stage.status().restarts, row.restarts);
    EXPECT_EQ(launcher.running.size(), 1u);
    const auto launches = std::count_if(launcher.accesses.begin(), launcher.accesses.end(),
                                        [](const std::string& access) { return access.starts_with("launch "); });
    EXPECT_EQ(launches, row.forgotten ? 1 : 2);
    co_await stage.controller.stop(false);
  });
}

INSTANTIATE_TEST_SUITE_P(
    Controller, EveryLaunchFails,
    testing::Values(LaunchTrouble{"no_slot", Error(ErrorCode::kResourceExhausted, "no slot"), false, 0},
                    LaunchTrouble{"away", Error(ErrorCode::kUnavailable, "away"), false, 0},
                    LaunchTrouble{"refused", Error(ErrorCode::kFailed, "exec format error"), false, 1},
                    LaunchTrouble{"forgotten", std::nullopt, true, 0}),
    [](const auto& row) { return row.param.name; });

TEST(Controller, ARegistryThatCannotBeWrittenIsSaidAndComesBack) {
  play_scene([](io::Loop& loop) -> io::Task<void> {
    registry::FakeRegistry store;
    FakeLauncher launcher(loop.executor());
    Stage stage(loop, store, launcher);
    EXPECT_TRUE(co_await stage.controller.start());
    EXPECT_TRUE(co_await stage.controller.deploy(dga()));
    EXPECT_TRUE(co_await until([&] { return published(stage.controller) == 1; }, &stage));
    const std::string id = stage.only();
    for (int i = 0; i < 4; ++i) store.fates.push_back(registry::FakeRegistry::Fate::kRefused);
    stage.drop(id);
    EXPECT_TRUE(co_await until([&] { return published(stage.controller) == 0; }))
        << "out of the snapshot without the registry";
    EXPECT_TRUE(co_await until([&] { return stage.status().error.find("the registry is away") != std::string::npos; }));
    EXPECT_EQ((co_await stage.controller.deploy(dga(2))).error().code(), ErrorCode::kUnavailable);
    EXPECT_TRUE(
        co_await until([&] { return published(stage.controller) == 1 && stage.status().error.empty(); }, &stage));
    EXPECT_EQ(launcher.running.size(), 1u);
    co_await stage.controller.stop(false);
  });
}

// Whatever the registry refuses or forgets, at whichever access: in the end what was asked runs, once.
class EveryAccessFails : public testing::TestWithParam<std::tuple<int, registry::FakeRegistry::Fate>> {};

TEST_P(EveryAccessFails, AndTheDeploymentComesUpAllTheSame) {
  const auto [which, fate] = GetParam();
  play_scene([which = which, fate = fate](io::Loop& loop) -> io::Task<void> {
    registry::FakeRegistry store;
    FakeLauncher launcher(loop.executor());
    Stage stage(loop, store, launcher);
    EXPECT_TRUE(co_await stage.controller.start());
    for (int i = 0; i < which; ++i) store.fates.push_back(registry::FakeRegistry::Fate::kWell);
    store.fates.push_back(fate);
    for (int attempt = 0; attempt < 3; ++attempt) {
      auto deployed = co_await stage.controller.deploy(dga(2));
      if (deployed) break;
    }
    EXPECT_TRUE(co_await until([&] { return published(stage.controller) == 2 && stage.status().ready == 2; }, &stage));
    EXPECT_EQ(launcher.running.size(), 2u);
    for (int attempt = 0; attempt < 3; ++attempt) {
      const auto removed = co_await stage.controller.remove("dga", std::nullopt, std::nullopt);
      if (removed || removed.error().code() == ErrorCode::kNotFound) break;
    }
    EXPECT_TRUE(co_await until([&] { return stage.controller.statuses().empty(); }, &stage));
    EXPECT_TRUE(launcher.running.empty());
    EXPECT_TRUE(store.stored.instances.empty());
    co_await stage.controller.stop(false);
  });
}

INSTANTIATE_TEST_SUITE_P(Controller, EveryAccessFails,
                         testing::Combine(testing::Range(0, 8),
                                          testing::Values(registry::FakeRegistry::Fate::kRefused,
                                                          registry::FakeRegistry::Fate::kForgotten)));

}  // namespace
}  // namespace modelyard::controller
