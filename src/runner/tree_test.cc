// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "base/random.h"
#include "base/strings.h"
#include "io/file.h"
#include "io/process.h"
#include "runner/testing/harness.h"

// No orphans: whoever is killed, the whole tree of the model goes, whatever sessions its children made.
namespace modelyard::runner::testing {
namespace {

using registry::InstanceState;

// A model with a child in another session and a grandchild that has lost its parent.
constexpr const char* kForkingModel = R"sh(#!/bin/bash
setsid tail -f /dev/null &
echo $! > other_session
( setsid bash -c 'tail -f /dev/null & echo $! > grandchild; exit 0' & )
/usr/bin/python3 -S server.py &
echo $! > server
wait
)sh";

struct Tree {
  Harness harness;
  std::vector<int64_t> pids;
  int64_t guard = 0;

  void start(bool with_lock = false) {
    harness.write_server();
    harness.write("rest.sh", kForkingModel);
    harness.start(with_lock);
    const auto ready = harness.controller->wait_for(InstanceState::kReady);
    ASSERT_TRUE(ready);
    pids.push_back(ready->model_pid);
    for (const char* const file : {"other_session", "grandchild", "server"}) {
      pids.push_back(parse_int(trim_ascii(harness.wait_file(file))).value_or(0));
    }
    for (const int64_t pid : pids) ASSERT_TRUE(pid > 0 && is_running(pid));
    guard = io::read_process_stat(ready->model_pid)->parent;
    ASSERT_EQ(io::read_process_stat(guard)->parent, harness.pid());
  }

  bool is_gone() const {
    return std::none_of(pids.begin(), pids.end(), [](int64_t pid) { return is_running(pid); });
  }
};

TEST(NoOrphans, WhenTheRunnerIsKilled) {
  Tree tree;
  tree.start(true);
  EXPECT_FALSE(io::lock_file(tree.harness.folder() / "lock"));
  tree.harness.controller->stop();  // nobody else is there to clean up
  tree.harness.signal(SIGKILL);
  EXPECT_TRUE(eventually([&] { return tree.is_gone(); }, milliseconds(2000)));
  EXPECT_TRUE(
      eventually([&] { return io::lock_file(tree.harness.folder() / "lock").has_value(); }, milliseconds(2000)));
}

TEST(NoOrphans, WhenTheGuardIsKilled) {
  Tree tree;
  tree.start();
  ::kill(static_cast<pid_t>(tree.guard), SIGKILL);
  EXPECT_TRUE(eventually([&] { return tree.is_gone(); }, milliseconds(2000)));
  const auto failed = tree.harness.controller->wait_for(InstanceState::kFailed);
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->reason, "the model's guard was killed, and the model with it");
  EXPECT_EQ(tree.harness.wait_exit(), 1);
}

TEST(NoOrphans, WhenTheScriptIsKilled) {
  Tree tree;
  tree.start();
  ::kill(static_cast<pid_t>(tree.pids.front()), SIGKILL);
  EXPECT_TRUE(eventually([&] { return tree.is_gone(); }, milliseconds(2000)));
  const auto failed = tree.harness.controller->wait_for(InstanceState::kFailed);
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->reason, "rest.sh was killed by SIGKILL");
}

TEST(NoOrphans, WhenItDrains) {
  Tree tree;
  tree.start();
  tree.harness.controller->order("drain");
  EXPECT_EQ(tree.harness.wait_exit(), 0);
  EXPECT_TRUE(tree.is_gone());
}

TEST(NoOrphans, TheModelDoesNotHoldTheLock) {
  Tree tree;
  tree.start(true);
  for (const int64_t pid : tree.pids) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(fmt::format("/proc/{}/fd", pid), error)) {
      EXPECT_EQ(std::filesystem::read_symlink(entry.path(), error).string().find("/lock"), std::string::npos) << pid;
    }
  }
}

std::vector<int64_t> processes_of(const std::string& log_folder) {
  std::vector<int64_t> found;
  for (const io::ProcessStat& process : io::list_processes()) {
    if (io::read_process_variable(process.pid, "MODELYARD_LOG_DIR") == log_folder) found.push_back(process.pid);
  }
  return found;
}

// A property: whenever in its life the runner is killed, soon nothing of its model runs, and its lock is free.
TEST(NoOrphans, WhenTheRunnerIsKilledAtAnyMoment) {
  const uint64_t seed = Random::from_system()();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  Random random(seed);
  for (int round = 0; round < 25; ++round) {
    Harness harness;
    harness.write_server();
    harness.write("rest.sh", kForkingModel);
    harness.start(true);
    const SteadyTime moment = system_clock().now() + std::chrono::microseconds(random.below(60'000));
    eventually([&] { return system_clock().now() >= moment; });
    harness.signal(SIGKILL);
    const std::string log_folder = (harness.folder() / "log").string();
    EXPECT_TRUE(eventually([&] { return io::lock_file(harness.folder() / "lock").has_value(); }, milliseconds(2000)));
    EXPECT_TRUE(eventually([&] { return processes_of(log_folder).empty(); }, milliseconds(2000)));
  }
}

TEST(Output, AModelThatWritesWithoutEndIsNotHeldUpAndItsLogsStayBounded) {
  Harness harness;
  harness.spec.log_bytes_max = 1 << 20;
  harness.write_server();
  harness.write("rest.sh",
                "#!/bin/bash\nyes 'a line of output' | head -c 200000000\nyes err | head -c 30000000 >&2\n"
                "echo the end\nexec /usr/bin/python3 -S server.py\n");
  harness.start();
  ASSERT_TRUE(harness.controller->wait_for(InstanceState::kReady));
  EXPECT_TRUE(eventually([&] { return harness.read_log("stdout.log").ends_with("the end\n"); }));
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(harness.folder() / "log")) {
    EXPECT_LE(entry.file_size(), size_t{1} << 20) << entry.path();
    ++files;
  }
  EXPECT_EQ(files, 10);
  const auto memory = io::read_file(fmt::format("/proc/{}/statm", harness.pid()));
  EXPECT_LT(parse_int(split(*memory, ' ')[1]).value_or(0), (64 << 20) / 4096);
}

}  // namespace
}  // namespace modelyard::runner::testing
