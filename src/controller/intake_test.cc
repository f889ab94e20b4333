// SPDX-License-Identifier: Apache-2.0
#include "controller/intake.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "controller/testing/stage.h"

namespace modelyard::controller {
namespace {

using namespace testing_stage;  // NOLINT: this test is written in its words
using registry::FakeRegistry;

std::string add(const std::string& name, int n, const std::string& path = "/models/dga", int memory = 512) {
  return fmt::format(R"({{"name":"{}","version":"1.0","numInstances":{},"memory":{},"action":"ADD","path":"{}"}})",
                     name, n, memory, path);
}
std::string take_away(const std::string& name, int n) {
  return fmt::format(R"({{"name":"{}","version":"1.0","numInstances":{},"memory":0,"action":"REMOVE","path":null}})",
                     name, n);
}

// Payloads by path: the digest is the path's; some paths fail.
struct Payloads {
  std::map<std::string, std::deque<Error>> fates;
  std::vector<std::string> asked;
  std::map<std::string, bool> held;  // answers only when this is false
  PayloadSource source() {
    return [this](std::string path) -> io::Task<Result<FetchedPayload>> {
      asked.push_back(path);
      while (held[path]) co_await io::sleep_for(200us);  // polls
      auto& list = fates[path];
      if (!list.empty()) {
        const Error error = list.front();
        list.pop_front();
        co_return fail(error);
      }
      co_return FetchedPayload{"sha256:" + path, nullptr};
    };
  }
};

IntakeOptions quick_intake() {
  IntakeOptions options;
  options.retry_first = 2ms;
  options.retry_max = 10ms;
  options.tries_when_full = 3;
  options.again_after = 5ms;
  options.look_again = 50ms;
  return options;
}

struct Scene {
  FakeRegistry store;
  FakeLauncher launcher;
  Runners runners;
  Payloads payloads;
  std::unique_ptr<Stage> stage;
  io::Loop& loop;
  int sequence = 0;

  explicit Scene(io::Loop& on) : store(on.executor()), launcher(on.executor()), runners{store, launcher}, loop(on) {}
  io::Task<void> begin() {
    stage = std::make_unique<Stage>(loop, store, launcher, quick(), payloads.source(), quick_intake());
    EXPECT_TRUE(co_await stage->controller.start());
  }
  io::Task<void> end() {
    co_await stage->controller.stop(true);
    stage.reset();
  }
  std::string put(const std::string& data) {
    const std::string item = fmt::format("qn-{:010}", sequence++);
    store.put_request(item, data);
    return item;
  }
  const registry::Deployment* deployment(const std::string& name) const {
    for (const auto& one : store.stored.deployments) {
      if (one.name == name) return &one;
    }
    return nullptr;
  }
  int wanted(const std::string& name) const {
    const auto* one = deployment(name);
    return one == nullptr || one->removing ? 0 : one->instances;
  }
};

struct Row {
  std::string name;
  std::vector<std::string> items;
  int wanted;                        // of dga
  std::vector<std::string> refused;  // "qn-0000000000: why", as far as it is written here
};
class Requests : public testing::TestWithParam<Row> {};

TEST_P(Requests, LeaveTheQueueAndDoWhatTheySay) {
  play_scene([row = GetParam()](io::Loop& loop) -> io::Task<void> {
    Scene scene(loop);
    scene.payloads.fates["/none"] = {Error(ErrorCode::kNotFound, "no such folder /none")};
    for (const std::string& item : row.items) scene.put(item);
    co_await scene.begin();
    EXPECT_TRUE(co_await until([&] { return scene.store.queue().empty(); }, scene.runners));
    EXPECT_EQ(scene.wanted("dga"), row.wanted);
    EXPECT_EQ(scene.store.rejected.size(), row.refused.size());
    for (size_t i = 0; i < std::min(row.refused.size(), scene.store.rejected.size()); ++i) {
      const auto& rejected = scene.store.rejected[i];
      const std::string got = rejected.item + ": " + rejected.reason;
      EXPECT_EQ(got.substr(0, row.refused[i].size()), row.refused[i]);
      EXPECT_EQ(rejected.data, row.items[static_cast<size_t>(std::stoi(rejected.item.substr(3)))]);
    }
    const auto said = std::count_if(scene.store.stored_events.begin(), scene.store.stored_events.end(),
                                    [](const auto& event) { return event.kind == "refused"; });
    EXPECT_EQ(static_cast<size_t>(said), row.refused.size());
    co_await scene.end();
  });
}

INSTANTIATE_TEST_SUITE_P(
    Intake, Requests,
    testing::Values(
        Row{"add", {add("dga", 2)}, 2, {}}, Row{"add_twice_adds", {add("dga", 2), add("dga", 3)}, 5, {}},
        Row{"remove_subtracts", {add("dga", 5), take_away("dga", 2)}, 3, {}},
        Row{"remove_all", {add("dga", 2), take_away("dga", 2)}, 0, {}},
        Row{"remove_more_than_there_is", {add("dga", 2), take_away("dga", 9)}, 0, {}},
        Row{"again_after_the_last_went", {add("dga", 2), take_away("dga", 2), add("dga", 1)}, 1, {}},
        Row{"null_is_skipped", {"null", add("dga", 1), "null"}, 1, {}},
        Row{"junk_does_not_block", {"{oops", add("dga", 1), "[]"}, 1, {"qn-0000000000: ", "qn-0000000002: "}},
        Row{"unknown_name",
            {take_away("spam", 1), add("dga", 1)},
            1,
            {"qn-0000000000: no deployment 'spam' version '1.0'"}},
        Row{"no_such_path", {add("dga", 1, "/none"), add("dga", 2)}, 2, {"qn-0000000000: no such folder /none"}},
        Row{"bad_name", {add("a b", 1), add("dga", 1)}, 1, {"qn-0000000000: name: "}},
        Row{"no_path", {add("dga", 1, "")}, 0, {"qn-0000000000: path is missing"}}),
    [](const auto& row) { return row.param.name; });

TEST(Intake, AnotherPayloadIsARollAndTheSameOnlyMoreInstances) {
  play_scene([](io::Loop& loop) -> io::Task<void> {
    Scene scene(loop);
    co_await scene.begin();
    scene.put(add("dga", 1));
    EXPECT_TRUE(co_await until([&] { return published(scene.stage->controller) == 1; }, scene.runners));
    EXPECT_EQ(scene.deployment("dga")->memory_mb, 512);
    EXPECT_EQ(scene.deployment("dga")->vcores, 1);
    scene.put(add("dga", 1));
    EXPECT_TRUE(co_await until([&] { return published(scene.stage->controller) == 2; }, scene.runners));
    EXPECT_EQ(scene.deployment("dga")->revisions.size(), 1u);
    scene.put(add("dga", 1, "/models/dga-new", 768));
    EXPECT_TRUE(co_await until(
        [&] { return scene.stage->status().revision == 2 && scene.stage->status().state == DeploymentState::kReady; },
        scene.runners));
    EXPECT_EQ(scene.deployment("dga")->memory_mb, 768);
    EXPECT_EQ(scene.wanted("dga"), 3);
    EXPECT_TRUE(co_await until([&] { return scene.launcher.running.size() == 3; }, scene.runners));
    for (const auto& [id, entry] : scene.launcher.running) EXPECT_EQ(entry.spec.memory_mb, 768);
    co_await scene.end();
  });
}

TEST(Intake, WhatCannotBeFetchedNowIsPassedByOthersAndNotByItsOwn) {
  play_scene([](io::Loop& loop) -> io::Task<void> {
    Scene scene(loop);
    scene.payloads.held["/slow"] = true;
    scene.payloads.fates["/slow"] = {Error(ErrorCode::kUnavailable, "HDFS is away"),
                                     Error(ErrorCode::kDeadline, "HDFS is slow")};
    co_await scene.begin();
    scene.put(add("dga", 3, "/slow"));
    const std::string later = scene.put(take_away("dga", 1));
    scene.put(add("spam", 1));
    EXPECT_TRUE(co_await until([&] { return scene.wanted("spam") == 1; }, scene.runners));
    EXPECT_EQ(scene.store.queue().size(), 2u);
    EXPECT_TRUE(scene.store.queue().contains(later)) << "it would be refused before the ADD";
    scene.payloads.held["/slow"] = false;
    EXPECT_TRUE(co_await until([&] { return scene.store.queue().empty(); }, scene.runners));
    EXPECT_EQ(scene.wanted("dga"), 2);
    EXPECT_TRUE(scene.store.rejected.empty());
    const auto& events = scene.store.stored_events;
    EXPECT_EQ(std::count_if(events.begin(), events.end(), [](const auto& e) { return e.kind == "waiting"; }), 1)
        << "said once for the item";
    co_await scene.end();
  });
}

TEST(Intake, WhatStaysFullIsRefusedInTheEnd) {
  play_scene([](io::Loop& loop) -> io::Task<void> {
    Scene scene(loop);
    for (int i = 0; i < 5; ++i)
      scene.payloads.fates["/large"].push_back(Error(ErrorCode::kResourceExhausted, "no space left"));
    co_await scene.begin();
    scene.put(add("dga", 1, "/large"));
    EXPECT_TRUE(co_await until([&] { return scene.store.queue().empty(); }, scene.runners));
    EXPECT_EQ(scene.payloads.asked.size(), 3u);
    EXPECT_EQ(scene.store.rejected.at(0).reason, "no space left");
    co_await scene.end();
  });
}

TEST(Intake, AFollowerLeavesTheQueueAlone) {
  play_scene([](io::Loop& loop) -> io::Task<void> {
    Scene scene(loop);
    scene.store.give_away({"node2", 1, ""});
    co_await scene.begin();
    scene.put(add("dga", 1));
    co_await io::sleep_for(100ms);  // longer than look_again: that nothing is taken shows in no other way
    EXPECT_EQ(scene.store.queue().size(), 1u);
    EXPECT_TRUE(scene.payloads.asked.empty());
    scene.store.take_back();
    EXPECT_TRUE(co_await until([&] { return scene.wanted("dga") == 1 && scene.store.queue().empty(); }, scene.runners));
    co_await scene.end();
  });
}

// Requests come while the registry refuses and forgets, leaders change and controllers die at any point; each request
// is carried out once.
class Chance : public testing::TestWithParam<uint64_t> {};

TEST_P(Chance, EachRequestIsCarriedOutOnce) {
  play_scene([seed = GetParam()](io::Loop& loop) -> io::Task<void> {
    Random random(seed);
    Scene scene(loop);
    bool trouble = true;
    scene.store.next_fates = [&] {
      if (!trouble) return FakeRegistry::Fate::kWell;
      const uint64_t dice = random.below(12);
      return dice == 0   ? FakeRegistry::Fate::kRefused
             : dice == 1 ? FakeRegistry::Fate::kForgotten
                         : FakeRegistry::Fate::kWell;
    };
    std::map<std::string, int> sum;
    bool running = false;
    for (int step = 0; step < 60; ++step) {
      const uint64_t what = random.below(10);
      if (!running) {
        scene.stage = std::make_unique<Stage>(loop, scene.store, scene.launcher, quick(), scene.payloads.source(),
                                              quick_intake());
        running = true;
        static_cast<void>(co_await scene.stage->controller.start());
      } else if (what == 0) {
        co_await scene.end();
        running = false;
      } else if (what == 1) {
        scene.store.give_away({"node2", 1, ""}, random.below(2) == 0);
        co_await io::sleep_for(std::chrono::microseconds(random.below(2'000)));  // polls: time for both leaders
        scene.store.take_back();
      } else {
        const std::string name = random.below(2) == 0 ? "dga" : "spam";
        const int n = static_cast<int>(1 + random.below(3));
        if (sum[name] > n && random.below(3) == 0) {
          sum[name] -= n;
          scene.put(take_away(name, n));
        } else {
          sum[name] += n;
          scene.put(add(name, n));
        }
        if (random.below(4) == 0) scene.put("null");
        if (random.below(6) == 0) scene.payloads.fates["/models/dga"].push_back(Error(ErrorCode::kUnavailable, "away"));
      }
      scene.runners.play();
      co_await io::sleep_for(
          std::chrono::microseconds(random.below(1'500)));  // polls: chance decides how far all has come
    }
    trouble = false;
    if (!running) co_await scene.begin();
    EXPECT_TRUE(co_await until([&] { return scene.store.queue().empty(); }, scene.runners));
    for (const auto& [name, count] : sum) EXPECT_EQ(scene.wanted(name), count) << name;
    EXPECT_TRUE(scene.store.rejected.empty());
    const auto total = static_cast<size_t>(sum["dga"] + sum["spam"]);
    EXPECT_TRUE(co_await until([&] { return published(scene.stage->controller) == total; }, scene.runners));
    EXPECT_TRUE(co_await until([&] { return scene.launcher.running.size() == total; }, scene.runners));
    co_await scene.end();
  });
}

INSTANTIATE_TEST_SUITE_P(Intake, Chance, testing::Range<uint64_t>(1, 25));

}  // namespace
}  // namespace modelyard::controller
