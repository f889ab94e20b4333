// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "controller/testing/stage.h"

// Launches that wait for a place, as on a cluster.
namespace modelyard::controller {
namespace {

using namespace testing_stage;  // NOLINT: this test is written in its words
using registry::FakeRegistry;

const Placement kPlace{"container_1_2", "node1", "http://node1:8042/logs/container_1_2"};

struct Cluster {
  FakeRegistry store;
  FakeLauncher launcher;
  Runners runners;
  Stage stage;

  explicit Cluster(io::Loop& loop, ReconcileOptions options = quick())
      : store(loop.executor()),
        launcher(loop.executor()),
        runners{store, launcher},
        stage(loop, store, launcher, options) {
    launcher.places_later = true;
  }
  io::Task<bool> begin(int instances) {
    EXPECT_TRUE(co_await stage.controller.start());
    EXPECT_TRUE(co_await stage.controller.deploy(dga(instances)));
    const auto wanted = static_cast<size_t>(instances);
    co_return co_await until([&] { return launcher.waiting.size() == wanted; });
  }
  std::string first() const { return launcher.waiting.begin()->first; }
};

TEST(Placement, WaitingIsSaidAndIsNoSilence) {
  play_scene([](io::Loop& loop) -> io::Task<void> {
    Cluster all(loop);
    EXPECT_TRUE(co_await all.begin(1));
    const std::string id = all.first();
    all.launcher.say_waiting(id, "queue 'models' is full");
    EXPECT_TRUE(co_await until([&] { return all.stage.status().state == DeploymentState::kWaiting; }));
    EXPECT_EQ(all.stage.status().error, "waiting: queue 'models' is full");
    // That nothing is done can only be seen by letting the time pass in which it would have been.
    co_await io::sleep_for(quick().silent_max * 2);
    EXPECT_EQ(std::count(all.launcher.accesses.begin(), all.launcher.accesses.end(), "kill " + id), 0);
    all.launcher.say_waiting(id, "no node with label 'gpu'");
    EXPECT_TRUE(co_await until([&] { return all.stage.status().error == "waiting: no node with label 'gpu'"; }));
    all.launcher.place(id, kPlace);
    EXPECT_TRUE(co_await until([&] { return published(all.stage.controller) == 1; }, all.runners));
    EXPECT_EQ(all.stage.status().restarts, 0);
    co_await all.stage.controller.stop(true);
  });
}

TEST(Placement, IsStoredBeforeAnythingStarts) {
  play_scene([](io::Loop& loop) -> io::Task<void> {
    Cluster all(loop);
    EXPECT_TRUE(co_await all.begin(1));
    const std::string id = all.first();
    all.launcher.place(id, kPlace);
    EXPECT_TRUE(co_await until([&] { return all.launcher.running.contains(id); }));
    EXPECT_EQ(all.runners.record(id)->container, kPlace.container);
    EXPECT_EQ(all.runners.record(id)->host, "node1");
    EXPECT_EQ(all.runners.record(id)->log_url, kPlace.log_url);
    EXPECT_TRUE(co_await until([&] { return published(all.stage.controller) == 1; }, all.runners));
    const auto snapshot = all.stage.controller.snapshot();
    EXPECT_EQ(snapshot->models.at("dga").at(0).second->begin()->id, "container_1_2");

    std::vector<CallReport> reports(1);
    reports[0].id = "container_1_2";
    reports[0].calls = reports[0].failures = 0;
    reports[0].calls = 40;
    all.stage.controller.note_calls(reports);
    EXPECT_GT(all.stage.status().calls_per_second, 0) << "clients report by the endpoint's id";
    co_await all.stage.controller.stop(true);
  });
}

TEST(Placement, AWaitingLaunchIsCalledBackWhenItIsNotWanted) {
  play_scene([](io::Loop& loop) -> io::Task<void> {
    Cluster all(loop);
    EXPECT_TRUE(co_await all.begin(3));
    std::vector<std::string> ids;
    for (const auto& [id, spec] : all.launcher.waiting) ids.push_back(id);
    for (const std::string& id : ids) all.launcher.say_waiting(id, "full");
    EXPECT_TRUE(co_await until([&] { return all.stage.status().state == DeploymentState::kWaiting; }));
    EXPECT_TRUE(co_await all.stage.controller.scale("dga", "1.0", 1));
    EXPECT_TRUE(co_await until([&] { return all.launcher.waiting.size() == 1; }));
    EXPECT_TRUE(co_await all.stage.controller.remove("dga", std::nullopt, std::nullopt));
    EXPECT_TRUE(co_await until([&] { return all.stage.controller.statuses().empty(); }));
    EXPECT_TRUE(all.launcher.waiting.empty());
    EXPECT_TRUE(all.store.stored.instances.empty());
    co_await all.stage.controller.stop(false);
  });
}

TEST(Placement, StopCallsWaitingLaunchesBack) {
  play_scene([](io::Loop& loop) -> io::Task<void> {
    Cluster all(loop);
    EXPECT_TRUE(co_await all.begin(2));
    for (const auto& [id, spec] : std::map(all.launcher.waiting)) all.launcher.say_waiting(id, "full");
    EXPECT_TRUE(co_await until([&] { return all.stage.status().state == DeploymentState::kWaiting; }));
    co_await all.stage.controller.stop(false);
    EXPECT_TRUE(all.launcher.waiting.empty());
  });
}

struct Trouble {
  std::string name;
  std::function<void(Cluster&)> happens;
};
class APlaceThatCannotBeStored : public testing::TestWithParam<Trouble> {};

TEST_P(APlaceThatCannotBeStored, IsGivenBack) {
  play_scene([row = GetParam()](io::Loop& loop) -> io::Task<void> {
    Cluster all(loop);
    EXPECT_TRUE(co_await all.begin(1));
    const std::string id = all.first();
    row.happens(all);
    all.launcher.place(id, kPlace);
    EXPECT_TRUE(co_await until([&] {
      return std::count(all.launcher.accesses.begin(), all.launcher.accesses.end(), "gave back container_1_2") == 1 ||
             !all.stage.controller.role().leads;
    }));
    EXPECT_TRUE(all.launcher.running.empty());
    EXPECT_EQ(all.stage.status().restarts, 0) << "no fault of the model's";
    co_await all.stage.controller.stop(true);
    EXPECT_TRUE(all.launcher.running.empty());
  });
}

INSTANTIATE_TEST_SUITE_P(
    Controller, APlaceThatCannotBeStored,
    testing::Values(
        Trouble{"registry_away", [](Cluster& all) { all.store.fates.push_back(FakeRegistry::Fate::kRefused); }},
        Trouble{"answer_lost", [](Cluster& all) { all.store.fates.push_back(FakeRegistry::Fate::kForgotten); }},
        Trouble{"deposed",
                [](Cluster& all) {
                  all.store.give_away({"node2", 1, ""}, false);
                }},
        Trouble{"deposed_and_told",
                [](Cluster& all) {
                  all.store.give_away({"node2", 1, ""});
                }}),
    [](const auto& row) { return row.param.name; });

TEST(Placement, WhyAContainerEndedIsTheReason) {
  play_scene([](io::Loop& loop) -> io::Task<void> {
    Cluster all(loop);
    EXPECT_TRUE(co_await all.begin(1));
    const std::string id = all.first();
    all.launcher.place(id, kPlace);
    EXPECT_TRUE(co_await until([&] { return published(all.stage.controller) == 1; }, all.runners));
    all.runners.lose_lease(id);
    all.launcher.end(id, "was preempted: the queue is over its share");
    EXPECT_TRUE(co_await until([&] { return all.launcher.waiting.contains(id); })) << "asked for again";
    EXPECT_EQ(all.stage.status().error, id + ": was preempted: the queue is over its share");
    EXPECT_EQ(all.runners.record(id)->container, "") << "the new incarnation has no place yet";
    EXPECT_EQ(all.stage.status().restarts, 1);
    all.launcher.place(id, {"container_1_9", "node2", ""});
    EXPECT_TRUE(co_await until([&] { return published(all.stage.controller) == 1; }, all.runners));
    EXPECT_EQ(all.stage.controller.snapshot()->models.at("dga").at(0).second->begin()->id, "container_1_9");
    co_await all.stage.controller.stop(true);
  });
}

}  // namespace
}  // namespace modelyard::controller
