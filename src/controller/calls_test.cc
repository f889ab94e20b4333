// SPDX-License-Identifier: Apache-2.0
#include "controller/calls.h"

#include <gtest/gtest.h>

namespace modelyard::controller {
namespace {

constexpr SteadyTime kStart{seconds(1'000)};

CallReport calls(int64_t count, int64_t failures, std::map<int64_t, int64_t> latency = {}) {
  CallReport report;
  report.id = "a";
  report.calls = count;
  report.failures = failures;
  report.latency_buckets = std::move(latency);
  return report;
}

TEST(CallBook, CountsPerSecondOverTheLastTen) {
  CallBook book;
  for (int i = 0; i < 30; ++i) book.note(calls(50, 0), kStart + seconds(i));
  EXPECT_NEAR(book.calls_per_second("a", kStart + seconds(30)), 50, 5);
  EXPECT_EQ(book.calls_per_second("a", kStart + seconds(60)), 0) << "nobody calls any more";
  EXPECT_EQ(book.calls_per_second("b", kStart), 0);
}

TEST(CallBook, TellsLatencyWithinABucketOfTheTruth) {
  CallBook book;
  book.note(calls(100, 0, {{1'000, 98}, {500'000, 2}}), kStart);
  EXPECT_NEAR(book.latency_ms({"a"}, 0.5, kStart), 1.0, 0.5);
  EXPECT_NEAR(book.latency_ms({"a"}, 0.99, kStart), 500, 220);
  EXPECT_EQ(book.latency_ms({"a"}, 0.5, kStart + seconds(61)), 0) << "a minute is remembered";
  EXPECT_EQ(book.latency_ms({}, 0.5, kStart), 0);
  book.forget("a");
  EXPECT_EQ(book.latency_ms({"a"}, 0.5, kStart), 0);
}

struct Failing {
  std::string name;
  std::vector<std::pair<int64_t, int64_t>> reports;  // calls, failures
  bool set_aside;
};
class FailingCalls : public testing::TestWithParam<Failing> {};
TEST_P(FailingCalls, AreToldWhenThereIsNoSuccessBetween) {
  CallBook book;
  bool last = false;
  for (const auto& [count, failures] : GetParam().reports) last = book.note(calls(count, failures), kStart);
  EXPECT_EQ(last, GetParam().set_aside);
}
INSTANTIATE_TEST_SUITE_P(CallBook, FailingCalls,
                         testing::Values(Failing{"all_well", {{10, 0}}, false}, Failing{"a_few", {{4, 4}}, false},
                                         Failing{"five", {{5, 5}}, true},
                                         Failing{"over_reports", {{2, 2}, {3, 3}}, true},
                                         Failing{"a_success_between", {{4, 4}, {2, 1}, {4, 4}}, false},
                                         Failing{"rubbish_counts", {{-5, 100}, {3, 9}}, false}),
                         [](const auto& row) { return row.param.name; });

TEST(CallBook, RubbishLatenciesStayInBounds) {
  CallBook book;
  book.note(calls(1, 0, {{-1, 5}, {INT64_MAX, 5}, {0, -7}, {7, INT64_MAX}}), kStart);
  EXPECT_GT(book.latency_ms({"a"}, 0.99, kStart), 0);
}

}  // namespace
}  // namespace modelyard::controller
