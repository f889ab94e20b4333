// SPDX-License-Identifier: Apache-2.0
#include "client/directory.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "client/wire.h"

namespace {
// Counts what this program allocates, for the promise that choosing allocates nothing.
thread_local size_t allocations = 0;
}  // namespace

#ifdef MODELYARD_SANITIZED
// The sanitizers have operators new of their own, and call this instead.
extern "C" void __sanitizer_malloc_hook(const volatile void*, size_t) { ++allocations; }
extern "C" void __sanitizer_free_hook(const volatile void*) {}
#else
void* operator new(size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  std::abort();
}
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size == 0 ? 1 : size);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
#endif

namespace modelyard::client {
namespace {

using Policy = Directory::Policy;

registry::Endpoint endpoint(std::string name, std::string version, std::string id) {
  registry::Endpoint e;
  e.name = std::move(name);
  e.version = std::move(version);
  e.url = "http://127.0.0.1:1/" + id;
  e.id = std::move(id);
  e.functions = {{"apply", "apply"}};
  return e;
}

std::shared_ptr<const registry::Snapshot> snapshot(std::vector<registry::Endpoint> endpoints, int64_t revision = 1) {
  return registry::make_snapshot(std::move(endpoints), {}, 1, revision, true);
}

class DirectoryTest : public ::testing::Test {
 protected:
  std::map<std::string, int> draws(int count, Policy policy, const Instance* except = nullptr) {
    std::map<std::string, int> out;
    for (int i = 0; i < count; ++i) {
      const InstancePtr chosen = directory_.choose("m", std::nullopt, policy, except);
      ++out[chosen ? chosen->endpoint.id : "none"];
    }
    return out;
  }
  InstancePtr by_id(const std::string& id) { return directory_.find_url("http://127.0.0.1:1/" + id); }

  FakeClock clock_;
  Directory directory_{clock_, Random(7)};
};

TEST_F(DirectoryTest, TellsOfEachSnapshotOnce) {
  std::vector<std::pair<bool, size_t>> told;  // whether there was one before, models after
  directory_.on_change([&](const auto& before, const auto& after) {
    told.emplace_back(before != nullptr, after->models.size());
    EXPECT_EQ(after, directory_.snapshot());
    EXPECT_NE(directory_.choose("m", std::nullopt, Directory::Policy::kUniform), nullptr) << "it may be asked already";
  });
  directory_.replace(snapshot({endpoint("m", "1", "a")}));
  directory_.replace(snapshot({endpoint("m", "1", "a"), endpoint("n", "1", "b")}));
  directory_.replace(directory_.snapshot());
  EXPECT_EQ(told, (std::vector<std::pair<bool, size_t>>{{false, 1}, {true, 2}}));
}

TEST_F(DirectoryTest, NoVersionIsTheGreatest) {
  directory_.replace(snapshot({endpoint("m", "9.0", "a"), endpoint("m", "10.0", "b"), endpoint("m", "10.0-rc1", "c")}));
  EXPECT_EQ(directory_.choose("m", std::nullopt, Policy::kUniform)->endpoint.id, "b");
  EXPECT_EQ(directory_.choose("m", "9.0", Policy::kUniform)->endpoint.id, "a");
  EXPECT_EQ(directory_.choose("m", "8.0", Policy::kUniform), nullptr);
  EXPECT_EQ(directory_.choose("n", std::nullopt, Policy::kUniform), nullptr);
  EXPECT_TRUE(directory_.knows("m"));
  EXPECT_FALSE(directory_.knows("n"));
}

TEST_F(DirectoryTest, UniformIsUniform) {
  std::vector<registry::Endpoint> all;
  for (int i = 0; i < 10; ++i) all.push_back(endpoint("m", "1", std::to_string(i)));
  directory_.replace(snapshot(std::move(all)));
  for (const auto& [id, count] : draws(100'000, Policy::kUniform)) {
    EXPECT_GT(count, 9'500) << id;
    EXPECT_LT(count, 10'500) << id;
  }
}

TEST_F(DirectoryTest, TwoChoicesAvoidTheBusyAndTheSlow) {
  directory_.replace(snapshot({endpoint("m", "1", "a"), endpoint("m", "1", "b"), endpoint("m", "1", "c")}));
  by_id("a")->in_flight = 5;
  by_id("b")->latency_us = 9'000;
  by_id("c")->latency_us = 1'000;
  auto counts = draws(3'000, Policy::kTwoChoices);
  EXPECT_EQ(counts["a"], 0) << "always has a less busy rival";
  EXPECT_GT(counts["c"], counts["b"]);
  EXPECT_GT(counts["b"], 0) << "c is not always among the two";
}

TEST_F(DirectoryTest, AFailedInstanceIsSetAsideForAGrowingTime) {
  directory_.replace(snapshot({endpoint("m", "1", "a"), endpoint("m", "1", "b")}));
  const InstancePtr a = by_id("a");
  std::chrono::nanoseconds last{0};
  for (int i = 0; i < 10; ++i) {
    directory_.note(*a, {.failed = true});
    const auto aside = a->aside_until - clock_.now();
    EXPECT_GE(aside, milliseconds(375));
    EXPECT_LE(aside, milliseconds(37'500));
    if (i < 5) EXPECT_GT(aside, last);
    last = aside;
    EXPECT_EQ(draws(100, Policy::kUniform)["a"], 0);
    EXPECT_EQ(draws(100, Policy::kTwoChoices)["a"], 0);
    clock_.advance(aside);
    EXPECT_GT(draws(100, Policy::kUniform)["a"], 0);
  }
  directory_.note(*a, {.latency_us = 100});
  directory_.note(*a, {.failed = true});
  EXPECT_LT(a->aside_until - clock_.now(), milliseconds(700)) << "a success begins anew";
}

TEST_F(DirectoryTest, FailuresAtOnceAreOne) {
  directory_.replace(snapshot({endpoint("m", "1", "a"), endpoint("m", "1", "b")}));
  for (int i = 0; i < 20; ++i) directory_.note(*by_id("a"), {.failed = true});
  EXPECT_LT(by_id("a")->aside_until - clock_.now(), milliseconds(700));
}

TEST_F(DirectoryTest, TheLastIsNeverSetAside) {
  directory_.replace(snapshot({endpoint("m", "1", "a"), endpoint("m", "1", "b")}));
  directory_.note(*by_id("a"), {.failed = true});
  clock_.advance(milliseconds(10));
  directory_.note(*by_id("b"), {.failed = true});
  for (const Policy policy : {Policy::kUniform, Policy::kTwoChoices}) EXPECT_EQ(draws(50, policy)["none"], 0);
  EXPECT_EQ(draws(50, Policy::kUniform, by_id("a").get())["b"], 50);
  directory_.replace(snapshot({endpoint("m", "1", "a")}, 2));
  EXPECT_EQ(draws(50, Policy::kUniform)["a"], 50);
  EXPECT_EQ(draws(50, Policy::kTwoChoices, by_id("a").get())["none"], 50);
}

TEST_F(DirectoryTest, WhatIsKnownOfAnInstanceOutlivesSnapshots) {
  directory_.replace(snapshot({endpoint("m", "1", "a"), endpoint("m", "1", "b")}));
  const InstancePtr a = by_id("a");
  directory_.note(*a, {.failed = true});
  directory_.replace(snapshot({endpoint("m", "1", "a"), endpoint("m", "1", "c")}, 2));
  EXPECT_EQ(by_id("a"), a);
  EXPECT_EQ(by_id("b"), nullptr);
  registry::Endpoint moved = endpoint("m", "1", "a");
  moved.url = "http://127.0.0.1:2/a";
  directory_.replace(snapshot({moved}, 3));
  EXPECT_NE(directory_.find_url(moved.url), a);
  EXPECT_EQ(a->endpoint.url, "http://127.0.0.1:1/a") << "a call that holds it sees no change";
}

TEST_F(DirectoryTest, TheLastResortIsChosenOnlyWithoutOthersUntilItDoesNotAnswer) {
  directory_.take(snapshot({endpoint("m", "1", "a"), endpoint("m", "1", "b")}));
  directory_.take(snapshot({}, 2));
  EXPECT_TRUE(directory_.knows("m"));
  EXPECT_EQ(draws(50, Policy::kUniform).count("none"), 0u);
  EXPECT_TRUE(by_id("a")->last_resort);
  directory_.note(*by_id("a"), {.failed = true, .unreachable = true});
  EXPECT_EQ(draws(50, Policy::kUniform)["b"], 50);
  directory_.take(snapshot({endpoint("m", "2", "n")}, 3));
  EXPECT_EQ(draws(50, Policy::kUniform)["n"], 50);
  EXPECT_EQ(directory_.choose("m", "1", Policy::kUniform)->endpoint.id, "b");
  clock_.advance(SnapshotMerge::kLastResortTime);
  EXPECT_EQ(directory_.choose("m", "1", Policy::kUniform), nullptr);
}

TEST_F(DirectoryTest, ReportsAreDifferencesAndSurviveAFailedDelivery) {
  directory_.replace(snapshot({endpoint("m", "1", "a"), endpoint("m", "1", "b")}));
  EXPECT_TRUE(directory_.take_reports().empty());
  directory_.note(*by_id("a"), {.latency_us = 400});
  directory_.note(*by_id("a"), {.latency_us = 40});
  directory_.note(*by_id("a"), {.failed = true});
  auto reports = directory_.take_reports();
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports_json(reports),
            R"([{"id":"a","calls":3,"failures":1,"latency_us":{"sum":440,"max":400,"buckets":{"100":1,"500":1}}}])");
  directory_.give_back(std::move(reports));
  directory_.note(*by_id("b"), {.latency_us = 1});
  reports = directory_.take_reports();
  ASSERT_EQ(reports.size(), 2u);
  EXPECT_EQ(reports[0].calls, 3);
  EXPECT_EQ(reports[1].id, "b");
  EXPECT_TRUE(directory_.take_reports().empty());
}

TEST_F(DirectoryTest, ChoosingAmongTenThousandAllocatesNothing) {
  std::vector<registry::Endpoint> all;
  for (int i = 0; i < 10'000; ++i) all.push_back(endpoint("m", "1", "m-1-" + std::to_string(i)));
  directory_.replace(snapshot(std::move(all)));
  for (int i = 0; i < 5'000; ++i) directory_.note(*by_id("m-1-" + std::to_string(i)), {.failed = true});
  size_t before = allocations;
  const auto counted = std::make_unique<std::string>(100, 'x');
  ASSERT_GT(allocations, before) << "the counter counts";
  before = allocations;
  for (int i = 0; i < 10'000; ++i) {
    const Policy policy = i % 2 == 0 ? Policy::kUniform : Policy::kTwoChoices;
    const InstancePtr chosen = directory_.choose("m", std::nullopt, policy);
    ASSERT_LE(chosen->aside_until, clock_.now());
  }
  EXPECT_EQ(allocations, before);
}

struct TargetRow {
  std::string name;
  std::string url;
  std::string function;
  std::string target;  // or the error's code
};
class Targets : public ::testing::TestWithParam<TargetRow> {};

TEST_P(Targets, AreMadeAsTheContractSays) {
  const TargetRow& row = GetParam();
  const auto target = make_target(row.url);
  const std::map<std::string, std::string> functions = {
      {"apply", "/v1/score"}, {"plain", "do"}, {"", "empty"}, {"asked", "run?mode=x"}};
  if (target->why_not) {
    EXPECT_EQ(to_string(target->why_not->code()), row.target);
  } else {
    EXPECT_EQ(request_target(*target, function_path(functions, row.function), "k=v"), row.target);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Rows, Targets,
    ::testing::Values(TargetRow{"alias", "http://h:1", "apply", "/v1/score?k=v"},
                      TargetRow{"alias_without_slash", "http://h:1/", "plain", "/do?k=v"},
                      TargetRow{"literal", "http://h:1/base", "other/x", "/base/other/x?k=v"},
                      TargetRow{"one_slash_of_each", "http://h:1/base//", "//x", "/base///x?k=v"},
                      TargetRow{"empty_alias", "http://h:1", "", "/empty?k=v"},
                      TargetRow{"query_in_alias", "http://h:1", "asked", "/run?mode=x&k=v"},
                      TargetRow{"odd_bytes", "http://h:1", "a b\r\nX: y#z", "/a%20b%0D%0AX:%20y%23z?k=v"},
                      TargetRow{"escapes_stay", "http://h:1/a%20b", "c%2Fd", "/a%20b/c%2Fd?k=v"},
                      TargetRow{"tcp", "tcp://h:1", "apply", std::string(to_string(ErrorCode::kUnsupported))},
                      TargetRow{"no_url", "somewhere", "apply", std::string(to_string(ErrorCode::kInvalidArgument))}),
    [](const auto& row) { return row.param.name; });

TEST(Wire, NullArgumentsAreLeftOut) {
  EXPECT_EQ(encode_arguments({{"host", "a b&c"}, {"none", std::nullopt}, {"empty", ""}, {"k=", "\xff"}}),
            "host=a+b%26c&empty=&k%3D=%FF");
  EXPECT_EQ(encode_arguments({}), "");
}

TEST(Wire, OnlyAJsonObjectIsAnAnswer) {
  for (std::string good : {"{}", " {\"a\":[1,null]} \n"}) EXPECT_TRUE(require_json_object(good)) << good;
  for (std::string bad : {"", "[]", "7", "null", "\"x\"", "{", "{}{}", "{\"a\":}", "<html>", "{'a':1}"}) {
    const Status status = require_json_object(bad);
    ASSERT_FALSE(status) << bad;
    EXPECT_EQ(status.error().code(), ErrorCode::kProtocol);
  }
  std::string latin1 = "{\"a\":\"caf\xe9\"}";
  EXPECT_TRUE(require_json_object(latin1));
  EXPECT_EQ(latin1, "{\"a\":\"caf\xEF\xBF\xBD\"}");
}

}  // namespace
}  // namespace modelyard::client
