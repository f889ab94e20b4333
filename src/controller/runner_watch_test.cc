// SPDX-License-Identifier: Apache-2.0
#include "controller/runner_watch.h"

#include <gtest/gtest.h>

#include "registry/fake.h"

namespace modelyard::controller {
namespace {

using registry::InstanceState;
using registry::LeaseRecord;
using registry::RunnerNews;
using registry::RunnerReport;

// Records what the controller would be told; knows one instance with one incarnation.
struct Heard {
  std::vector<std::string> lines;
  std::string known = "dga-a";
  int64_t present = 5;

  RunnerWatch::Sink sink() {
    return {.open_lease = [this](const std::string& id, int64_t incarnation) -> Result<std::shared_ptr<void>> {
              if (id != known) return fail(ErrorCode::kNotFound, "no instance");
              if (incarnation != present) return fail(ErrorCode::kConflict, "another incarnation");
              lines.push_back("lease " + id);
              return std::shared_ptr<void>(static_cast<void*>(this),
                                           [this, id](void*) { lines.push_back("end " + id); });
            },
            .report = [this](RunnerReport said) -> Status {
              lines.push_back(std::string(to_string(said.state)) + " " + said.id);
              return {};
            }};
  }
};

RunnerReport says(InstanceState state, int64_t incarnation = 5) {
  RunnerReport report;
  report.id = "dga-a";
  report.incarnation = incarnation;
  report.state = state;
  return report;
}

struct Row {
  std::string name;
  std::vector<RunnerNews> news;
  std::vector<std::string> heard;
};
class RunnerWatchTable : public testing::TestWithParam<Row> {};

TEST_P(RunnerWatchTable, TellsTheControllerWhatCounts) {
  io::Loop loop;
  registry::FakeRegistry store(loop.executor());
  Heard heard;
  RunnerWatch watch(store, heard.sink());
  watch.start();
  io::run_blocking(loop, [](registry::FakeRegistry& from, std::vector<RunnerNews> all) -> io::Task<void> {
    for (RunnerNews& news : all) {
      from.tell(std::move(news));
      co_await io::sleep_for(std::chrono::microseconds(1));  // polls: lets the posted call come
    }
  }(store, GetParam().news));
  EXPECT_EQ(heard.lines, GetParam().heard);
  heard.lines.clear();
  watch.stop();
}

const LeaseRecord kLease{5, "node1", 77};

INSTANTIATE_TEST_SUITE_P(
    Controller, RunnerWatchTable,
    testing::Values(
        Row{"lease_then_report",
            {{"dga-a", kLease, std::nullopt}, {"dga-a", kLease, says(InstanceState::kReady)}},
            {"lease dga-a", "ready dga-a"}},
        Row{"both_at_once", {{"dga-a", kLease, says(InstanceState::kReady)}}, {"lease dga-a", "ready dga-a"}},
        Row{"report_before_lease",
            {{"dga-a", std::nullopt, says(InstanceState::kReady)}, {"dga-a", kLease, says(InstanceState::kReady)}},
            {"lease dga-a", "ready dga-a"}},
        Row{"older_incarnation", {{"dga-a", LeaseRecord{4, "n", 1}, says(InstanceState::kReady, 4)}}, {}},
        Row{"report_of_an_older_one", {{"dga-a", kLease, says(InstanceState::kReady, 4)}}, {"lease dga-a"}},
        Row{"nobody_knows_it", {{"spam-b", kLease, std::nullopt}}, {}},
        Row{"lost_and_back",
            {{"dga-a", kLease, says(InstanceState::kReady)},
             {"dga-a", std::nullopt, says(InstanceState::kReady)},
             {"dga-a", kLease, says(InstanceState::kReady)}},
            {"lease dga-a", "ready dga-a", "end dga-a", "lease dga-a", "ready dga-a"}},
        Row{"its_last_word_counts_without_a_lease",
            {{"dga-a", kLease, std::nullopt}, {"dga-a", std::nullopt, says(InstanceState::kFailed)}},
            {"lease dga-a", "end dga-a", "failed dga-a"}},
        Row{"replaced_by_a_newer_one",
            {{"dga-a", kLease, std::nullopt}, {"dga-a", LeaseRecord{6, "n", 1}, std::nullopt}},
            {"lease dga-a", "end dga-a"}}),
    [](const auto& row) { return row.param.name; });

TEST(RunnerWatch, says_all_again_when_the_records_were_read_anew) {
  io::Loop loop;
  registry::FakeRegistry store(loop.executor());
  Heard heard;
  heard.present = 4;  // the record's incarnation is not read yet
  RunnerWatch watch(store, heard.sink());
  watch.start();
  store.tell({"dga-a", kLease, says(InstanceState::kReady)});
  io::run_blocking(loop, []() -> io::Task<void> {
    co_await io::sleep_for(std::chrono::microseconds(1));  // polls: lets the posted call come
  }());
  EXPECT_TRUE(heard.lines.empty());
  heard.present = 5;
  watch.start();
  EXPECT_EQ(heard.lines, (std::vector<std::string>{"lease dga-a", "ready dga-a"}));
  watch.stop();
}

}  // namespace
}  // namespace modelyard::controller
