// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "controller/testing/stage.h"

namespace modelyard::controller {
namespace {

using namespace testing_stage;  // NOLINT: this test is written in its words
using registry::FakeRegistry;
using registry::Leader;

const Leader kOther{"node2", 7, "http://node2:8800"};

size_t acts(const FakeLauncher& launcher) {
  return static_cast<size_t>(
      std::count_if(launcher.accesses.begin(), launcher.accesses.end(), [](const std::string& access) {
        return access.starts_with("launch ") || access.starts_with("kill ") || access.starts_with("sweep");
      }));
}

// The loop turns as long as a controller that would act needs to: that it does nothing shows in no other way.
io::Task<void> give_it_time() { co_await io::sleep_for(30ms); }

TEST(Leadership, AFollowerShowsWhatIsStoredAndRefusesChanges) {
  play_scene([](io::Loop& loop) -> io::Task<void> {
    FakeRegistry store(loop.executor());
    FakeLauncher launcher(loop.executor());
    Runners runners{store, launcher};
    {
      Stage first(loop, store, launcher);
      EXPECT_TRUE(co_await first.controller.start());
      EXPECT_TRUE(first.controller.role().leads);
      EXPECT_TRUE(co_await first.controller.deploy(dga(2)));
      EXPECT_TRUE(co_await until([&] { return published(first.controller) == 2; }, runners));
      co_await first.controller.stop(true);
    }
    launcher.accesses.clear();
    store.give_away(kOther);
    Stage stage(loop, store, launcher);
    EXPECT_TRUE(co_await stage.controller.start());
    EXPECT_FALSE(stage.controller.role().leads);
    EXPECT_EQ(stage.controller.role().leader->url, "http://node2:8800");
    EXPECT_EQ(published(stage.controller), 2u);
    EXPECT_TRUE(stage.controller.snapshot()->settled);
    EXPECT_EQ(stage.status().ready, 2);
    EXPECT_EQ((co_await stage.controller.events("dga", "1.0", 3))->size(), 3u);
    const auto refused = co_await stage.controller.scale("dga", "1.0", 1);
    EXPECT_EQ(refused.error().code(), ErrorCode::kUnavailable);
    EXPECT_EQ(refused.error().message(), "another controller leads: http://node2:8800");

    auto gone = store.stored.instances.at(0);
    gone.state = InstanceState::kDraining;
    store.write_as_other({registry::Write::put(gone)});
    EXPECT_TRUE(co_await until([&] { return published(stage.controller) == 1; }));
    EXPECT_EQ(acts(launcher), 0u) << "only the leader acts";
    co_await stage.controller.stop(false);
    EXPECT_EQ(launcher.running.size(), 2u) << "a follower that ends takes nothing with it";
  });
}

TEST(Leadership, WhoeverLeadsNextAdoptsAndRestartsNothing) {
  play_scene([](io::Loop& loop) -> io::Task<void> {
    FakeRegistry store(loop.executor());
    FakeLauncher launcher(loop.executor());
    Runners runners{store, launcher};
    {
      Stage first(loop, store, launcher);
      EXPECT_TRUE(co_await first.controller.start());
      EXPECT_TRUE(co_await first.controller.deploy(dga(3)));
      EXPECT_TRUE(co_await until([&] { return published(first.controller) == 3; }, runners));
      co_await first.controller.stop(true);
    }
    launcher.accesses.clear();
    store.give_away(kOther);
    Stage stage(loop, store, launcher);
    EXPECT_TRUE(co_await stage.controller.start());
    size_t fewest = published(stage.controller);
    const auto subscription = stage.controller.subscribe(
        [&](const auto&, const auto&) { fewest = std::min(fewest, published(stage.controller)); });
    store.take_back();
    EXPECT_TRUE(co_await until([&] { return stage.controller.role().leads && stage.controller.snapshot()->settled; }));
    co_await give_it_time();
    EXPECT_EQ(acts(launcher), 1u) << "the sweep alone: stored leases and reports are facts at once";
    EXPECT_EQ(stage.status().restarts, 0);
    EXPECT_EQ(fewest, 3u);
    EXPECT_TRUE(co_await stage.controller.scale("dga", "1.0", 1));
    EXPECT_TRUE(co_await until([&] { return launcher.running.size() == 1; }, runners));
    co_await stage.controller.stop(true);
  });
}

struct Loss {
  std::string name;
  bool told;  // by on_lost(); else the next write finds out
};
class LeadershipIsLost : public testing::TestWithParam<Loss> {};

TEST_P(LeadershipIsLost, ThenNothingIsStartedOrEnded) {
  play_scene([told = GetParam().told](io::Loop& loop) -> io::Task<void> {
    FakeRegistry store(loop.executor());
    FakeLauncher launcher(loop.executor());
    Runners runners{store, launcher};
    Stage stage(loop, store, launcher);
    EXPECT_TRUE(co_await stage.controller.start());
    EXPECT_TRUE(co_await stage.controller.deploy(dga(2)));
    EXPECT_TRUE(co_await until([&] { return published(stage.controller) == 2; }, runners));
    const std::string victim = stage.only();
    store.give_away(kOther, told);
    launcher.accesses.clear();
    if (told) EXPECT_TRUE(co_await until([&] { return !stage.controller.role().leads; }));
    launcher.end(victim);  // what the leader would answer with a restart
    runners.lose_lease(victim);
    EXPECT_TRUE(co_await until([&] { return !stage.controller.role().leads; }));
    co_await give_it_time();
    EXPECT_EQ(acts(launcher), 0u);
    EXPECT_EQ(launcher.accesses.front(), "let go");
    const auto refused = co_await stage.controller.deploy(dga(5));
    EXPECT_EQ(refused.error().code(), ErrorCode::kUnavailable);

    // The other one starts the victim again and scales to three.
    auto deployment = store.stored.deployments.at(0);
    deployment.instances = 3;
    ++deployment.generation;
    auto again = *runners.record(victim);
    again.incarnation = ++store.stored.last_incarnation;
    again.state = InstanceState::kReady;
    store.write_as_other({registry::Write::put(deployment), registry::Write::put(again)});
    launcher.running[victim].spec.id = victim;
    launcher.running[victim].spec.incarnation = again.incarnation;
    EXPECT_TRUE(co_await until([&] { return stage.status().wanted == 3; }));
    EXPECT_EQ(published(stage.controller), 2u);
    EXPECT_EQ(acts(launcher), 0u);

    store.take_back();
    EXPECT_TRUE(co_await until([&] { return published(stage.controller) == 3; }, runners));
    EXPECT_EQ(launcher.running.at(victim).spec.incarnation, again.incarnation) << "adopted as the other one left it";
    EXPECT_EQ(std::count(launcher.accesses.begin(), launcher.accesses.end(), "kill " + victim), 0);
    co_await stage.controller.stop(true);
  });
}

INSTANTIATE_TEST_SUITE_P(Controller, LeadershipIsLost, testing::Values(Loss{"told", true}, Loss{"not_told", false}),
                         [](const auto& row) { return row.param.name; });

TEST(Leadership, CutOffItDecidesNothing) {
  play_scene([](io::Loop& loop) -> io::Task<void> {
    FakeRegistry store(loop.executor());
    FakeLauncher launcher(loop.executor());
    Runners runners{store, launcher};
    Stage stage(loop, store, launcher);
    EXPECT_TRUE(co_await stage.controller.start());
    EXPECT_TRUE(co_await stage.controller.deploy(dga(1)));
    EXPECT_TRUE(co_await until([&] { return published(stage.controller) == 1; }, runners));
    const std::string id = stage.only();
    launcher.accesses.clear();
    store.accesses.clear();
    store.cut_off = true;
    launcher.end(id);
    co_await give_it_time();
    EXPECT_EQ(acts(launcher), 0u);
    EXPECT_TRUE(store.accesses.empty()) << store.accesses.front();
    store.cut_off = false;
    EXPECT_TRUE(co_await until([&] { return launcher.running.contains(id); }));
    co_await stage.controller.stop(true);
  });
}

TEST(Leadership, ACandidateThatIsRefusedDoesNotStart) {
  play_scene([](io::Loop& loop) -> io::Task<void> {
    FakeRegistry store(loop.executor());
    FakeLauncher launcher(loop.executor());
    store.refuse_lead = Error(ErrorCode::kConflict, "a master of the reference serves this queue");
    Stage stage(loop, store, launcher);
    const Status started = co_await stage.controller.start();
    EXPECT_EQ(started.error().message(), "a master of the reference serves this queue");
    co_await stage.controller.stop(false);
    EXPECT_EQ(acts(launcher), 0u);
  });
}

TEST(Leadership, ALostLeaseIsUnreachableAndComesBack) {
  play_scene([](io::Loop& loop) -> io::Task<void> {
    FakeRegistry store(loop.executor());
    FakeLauncher launcher(loop.executor());
    Runners runners{store, launcher};
    Stage stage(loop, store, launcher);
    EXPECT_TRUE(co_await stage.controller.start());
    EXPECT_TRUE(co_await stage.controller.deploy(dga(1)));
    EXPECT_TRUE(co_await until([&] { return published(stage.controller) == 1; }, runners));
    const std::string id = stage.only();
    const int64_t incarnation = launcher.running.at(id).spec.incarnation;
    runners.lose_lease(id);
    EXPECT_TRUE(
        co_await until([&] { return stage.status().instances.at(0).instance.state == InstanceState::kUnreachable; }));
    EXPECT_EQ(launcher.running.size(), 1u) << "it counts as wanted while its process lives";
    runners.say(id, InstanceState::kReady);
    EXPECT_TRUE(co_await until([&] { return published(stage.controller) == 1; }));
    EXPECT_EQ(launcher.running.at(id).spec.incarnation, incarnation);
    co_await stage.controller.stop(true);
  });
}

TEST(Leadership, WhereTheMachineIsNotKnownALostLeaseIsReplacedInTime) {
  play_scene([](io::Loop& loop) -> io::Task<void> {
    FakeRegistry store(loop.executor());
    FakeLauncher launcher(loop.executor());
    Runners runners{store, launcher};
    ReconcileOptions options = quick();
    options.unreachable_max = 1'100ms;
    Stage stage(loop, store, launcher, options);
    EXPECT_TRUE(co_await stage.controller.start());
    EXPECT_TRUE(co_await stage.controller.deploy(dga(1)));
    EXPECT_TRUE(co_await until([&] { return published(stage.controller) == 1; }, runners));
    const std::string id = stage.only();
    const int64_t incarnation = launcher.running.at(id).spec.incarnation;
    runners.lose_lease(id);
    EXPECT_TRUE(co_await until(
        [&] { return launcher.running.contains(id) && launcher.running.at(id).spec.incarnation > incarnation; }));
    EXPECT_NE(stage.status().error.find("its runner was not connected for 1 s"), std::string::npos)
        << stage.status().error;
    co_await stage.controller.stop(true);
  });
}

}  // namespace
}  // namespace modelyard::controller
