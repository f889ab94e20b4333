// SPDX-License-Identifier: Apache-2.0
#include "controller/local_launcher.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <optional>

#include "base/strings.h"
#include "controller/local_process.h"
#include "io/process.h"

// With real runners and scripts as models. No controller answers on their socket: they do without.
namespace modelyard::controller {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr std::string_view kModel =
    "#!/bin/bash\necho hello from $MODELYARD_INSTANCE\nsetsid tail -f /dev/null &\necho $! > child.new; mv child.new "
    "child\nwait\n";

struct Exit {
  std::string id;
  int64_t incarnation;
  bool operator==(const Exit&) const = default;
};

class LocalLauncherTest : public ::testing::Test {
 protected:
  void SetUp() override {
    root_.emplace(*io::TemporaryFolder::make("modelyard-launcher-test"));
    fs::create_directories(root_->path() / "payload");
    ASSERT_TRUE(io::write_file_atomic(root_->path() / "payload/rest.sh", kModel));
    reopen();
  }

  void TearDown() override {
    for (const registry::Instance& instance : launched_) (void)run(launcher_->kill(instance));
    run_void(launcher_->stop());
  }

  fs::path instances() const { return root_->path() / "instances"; }

  // As a restarted controller has it: a new object, the old one's runners live on.
  void reopen(fs::path runner = {}) {
    if (launcher_) run_void(launcher_->stop());
    launcher_ = std::make_unique<LocalLauncher>(loop_.executor(),
                                                LocalLauncherOptions{.instances = instances(), .runner = runner});
    launcher_->on_exit([this](const std::string& id, int64_t incarnation, const std::string&) {
      exits_.push_back({id, incarnation});
    });
  }

  registry::InstanceSpec spec(const std::string& id, int64_t incarnation = 1) const {
    return {.id = id,
            .incarnation = incarnation,
            .name = "m",
            .version = "1",
            .payload = (root_->path() / "payload").string(),
            .folder = (instances() / id).string(),
            .socket = (root_->path() / "control.sock").string(),
            .deployer_env = {{"PATH", "/usr/bin:/bin"}}};
  }

  Result<registry::Instance> launch(const std::string& id, int64_t incarnation = 1) {
    const Result<Launched> launched = run(launcher_->launch(spec(id, incarnation)));
    if (!launched) return fail(launched.error());
    registry::Instance instance{.id = id,
                                .incarnation = incarnation,
                                .runner_pid = launched->runner_pid,
                                .boot_id = launched->boot_id,
                                .runner_start_ticks = launched->runner_start_ticks};
    launched_.push_back(instance);
    return instance;
  }

  // The pid of the model's child in another session, once it runs.
  int64_t child_of(const std::string& id) {
    std::string text;
    wait([&] {
      text = io::read_file(instances() / id / "work/child").value_or(std::string());
      return !text.empty();
    });
    return parse_int(trim_ascii(text)).value_or(0);
  }

  template <typename T>
  T run(io::Task<T> task) {
    return io::run_blocking(loop_, std::move(task));
  }
  void run_void(io::Task<void> task) { io::run_blocking(loop_, std::move(task)); }

  // Lets the loop work until it holds.
  bool wait(const std::function<bool()>& holds) {
    return run([](const std::function<bool()>& condition) -> io::Task<bool> {
      const SteadyTime deadline = system_clock().now() + seconds(20);
      while (!condition() && system_clock().now() < deadline) co_await io::sleep_for(milliseconds(2));
      co_return condition();
    }(holds));
  }

  static bool is_running(int64_t pid) {
    const auto found = io::read_process_stat(pid);
    return found && found->state != 'Z';
  }

  io::Loop loop_;
  std::optional<io::TemporaryFolder> root_;
  std::unique_ptr<LocalLauncher> launcher_;
  std::vector<registry::Instance> launched_;
  std::vector<Exit> exits_;
};

TEST_F(LocalLauncherTest, ALaunchedRunnerHoldsItsLockUntilItIsKilledWithItsTree) {
  const auto instance = launch("m-1-000001", 7);
  ASSERT_TRUE(instance) << instance.error().message();
  EXPECT_TRUE(io::is_process_alive(instance->runner_pid, instance->runner_start_ticks, instance->boot_id));
  EXPECT_EQ(launcher_->liveness(*instance), Liveness::kHeld);
  const int64_t child = child_of(instance->id);
  ASSERT_TRUE(is_running(child));
  const auto second = run(launcher_->launch(spec(instance->id, 8)));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::kConflict);

  EXPECT_TRUE(run(launcher_->kill(*instance)));
  EXPECT_EQ(launcher_->liveness(*instance), Liveness::kFree);
  EXPECT_FALSE(is_running(child));
  EXPECT_FALSE(is_running(instance->runner_pid));
  EXPECT_TRUE(wait([&] { return !exits_.empty(); }));
  EXPECT_EQ(exits_, (std::vector<Exit>{{"m-1-000001", 7}}));
  EXPECT_THAT(launcher_->log_tail(*instance), ::testing::ElementsAre("hello from m-1-000001"));
}

TEST_F(LocalLauncherTest, TheRunnerInheritsNothingButItsLock) {
  const io::UniqueFd other = *io::open_file("/dev/null", O_RDONLY);
  ::fcntl(other.get(), F_SETFD, 0);  // even one that somebody forgot to mark
  const auto instance = launch("m-1-000001");
  ASSERT_TRUE(instance);
  ASSERT_TRUE(child_of(instance->id) > 0);
  EXPECT_EQ(fs::read_symlink(fmt::format("/proc/{}/fd/3", instance->runner_pid)), instances() / "m-1-000001/lock");
  EXPECT_EQ(fs::read_symlink(fmt::format("/proc/{}/fd/1", instance->runner_pid)),
            instances() / "m-1-000001/runner.log");
  EXPECT_FALSE(io::read_process_variable(instance->runner_pid, "HOME").has_value());
}

TEST_F(LocalLauncherTest, ARunnerThatEndsByItselfIsTold) {
  ASSERT_TRUE(io::write_file_atomic(root_->path() / "payload/rest.sh", "exit 3\n"));
  ASSERT_TRUE(launch("m-1-000001"));
  EXPECT_TRUE(wait([&] { return exits_ == std::vector<Exit>{{"m-1-000001", 1}}; }));
}

TEST_F(LocalLauncherTest, ARestartedControllerAdopts) {
  const auto instance = launch("m-1-000001");
  ASSERT_TRUE(instance);
  const int64_t child = child_of(instance->id);
  reopen();
  EXPECT_EQ(launcher_->liveness(*instance), Liveness::kHeld);
  EXPECT_TRUE(launcher_->watch(*instance));
  EXPECT_TRUE(launcher_->watch(*instance));
  EXPECT_TRUE(is_running(child));
  ::kill(static_cast<pid_t>(instance->runner_pid), SIGKILL);
  EXPECT_TRUE(wait([&] { return exits_ == std::vector<Exit>{{"m-1-000001", 1}}; }));
  EXPECT_FALSE(is_running(child));
}

TEST_F(LocalLauncherTest, WatchingWhatIsGoneIsNotFound) {
  registry::Instance gone{.id = "m-1-000001",
                          .incarnation = 1,
                          .runner_pid = ::getpid(),
                          .boot_id = io::boot_id(),
                          .runner_start_ticks = 1};
  EXPECT_EQ(launcher_->watch(gone).error().code(), ErrorCode::kNotFound);
  gone.runner_start_ticks = io::read_process_stat(::getpid())->start_ticks;
  gone.boot_id = "another boot";
  EXPECT_EQ(launcher_->watch(gone).error().code(), ErrorCode::kNotFound);
}

TEST_F(LocalLauncherTest, KillFindsTheHolderWhenThePidWasNeverRecorded) {
  auto instance = launch("m-1-000001");
  ASSERT_TRUE(instance);
  const int64_t child = child_of(instance->id);
  instance->runner_pid = 0;
  EXPECT_TRUE(run(launcher_->kill(*instance)));
  EXPECT_EQ(launcher_->liveness(*instance), Liveness::kFree);
  EXPECT_FALSE(is_running(child));
}

TEST_F(LocalLauncherTest, KillTouchesNoProcessThatTookTheNumberOver) {
  char name[] = "sleep";
  char time[] = "1004";
  char* argv[] = {name, time, nullptr};
  pid_t stranger = -1;
  ASSERT_EQ(::posix_spawnp(&stranger, "sleep", nullptr, nullptr, argv, environ), 0);
  registry::Instance instance{
      .id = "m-1-000001", .incarnation = 1, .runner_pid = stranger, .boot_id = io::boot_id(), .runner_start_ticks = 1};
  EXPECT_TRUE(run(launcher_->kill(instance)));
  EXPECT_TRUE(is_running(stranger));
  ::kill(stranger, SIGKILL);
  ::waitpid(stranger, nullptr, 0);
}

TEST_F(LocalLauncherTest, WhatIsLeftWhenRunnerAndGuardAreKilledIsEnded) {
  const auto instance = launch("m-1-000001");
  ASSERT_TRUE(instance);
  const int64_t child = child_of(instance->id);
  std::vector<io::ProcessStat> tree = io::list_descendants(instance->runner_pid);
  ASSERT_FALSE(tree.empty());
  ::kill(static_cast<pid_t>(instance->runner_pid), SIGSTOP);  // it must not clean up after its guard
  ::kill(static_cast<pid_t>(tree.front().pid), SIGKILL);
  ::kill(static_cast<pid_t>(instance->runner_pid), SIGKILL);
  EXPECT_TRUE(wait([&] { return !exits_.empty(); }));
  EXPECT_FALSE(is_running(child));
  EXPECT_EQ(launcher_->liveness(*instance), Liveness::kFree);
}

TEST_F(LocalLauncherTest, ASweepEndsWhatNoRecordKnowsAndLeavesTheRest) {
  const auto known = launch("m-1-000001");
  const auto unknown = launch("m-1-000002");
  ASSERT_TRUE(known && unknown);
  const int64_t kept = child_of(known->id);
  const int64_t orphan = child_of(unknown->id);
  reopen();
  EXPECT_TRUE(run(launcher_->sweep({"m-1-000001"})));
  EXPECT_TRUE(is_running(kept));
  EXPECT_FALSE(is_running(orphan));
  EXPECT_TRUE(wait([&] { return !fs::exists(instances() / "m-1-000002"); }));
  EXPECT_EQ(launcher_->liveness(*known), Liveness::kHeld);
}

TEST_F(LocalLauncherTest, ASecondIncarnationStartsCleanAndKeepsTheFirstLogAsThePrevious) {
  const auto first = launch("m-1-000001", 1);
  ASSERT_TRUE(first && child_of(first->id) > 0);
  ASSERT_TRUE(io::write_file_atomic(instances() / "m-1-000001/work/left", "x"));
  ASSERT_TRUE(run(launcher_->kill(*first)));
  ASSERT_TRUE(io::write_file_atomic(root_->path() / "payload/rest.sh",
                                    "echo second; touch child.done; exec tail -f /dev/null\n"));
  ASSERT_TRUE(launch("m-1-000001", 2));
  EXPECT_TRUE(wait([&] { return fs::exists(instances() / "m-1-000001/work/child.done"); }));
  EXPECT_FALSE(fs::exists(instances() / "m-1-000001/work/left"));
  EXPECT_EQ(*io::read_file(instances() / "m-1-000001/log.previous/stdout.log"), "hello from m-1-000001\n");
  EXPECT_TRUE(wait(
      [&] { return io::read_file(instances() / "m-1-000001/log/stdout.log").value_or(std::string()) == "second\n"; }));
}

TEST_F(LocalLauncherTest, ARunnerThatCannotBeStartedLeavesNothingBehind) {
  reopen(root_->path() / "no-such-runner");
  const auto missing = launch("m-1-000001");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), ErrorCode::kNotFound);
  EXPECT_THAT(missing.error().message(), HasSubstr("no-such-runner"));
  EXPECT_EQ(launcher_->liveness({.id = "m-1-000001"}), Liveness::kFree);
}

TEST_F(LocalLauncherTest, AnIdNeverLeadsOutOfTheFolder) {
  ASSERT_TRUE(io::make_folder(root_->path() / "precious"));
  launcher_->discard("../precious");
  EXPECT_TRUE(fs::exists(root_->path() / "precious"));
  EXPECT_EQ(run(launcher_->launch(spec("../precious"))).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_FALSE(launcher_->liveness({.id = "a/b"}));
}

TEST_F(LocalLauncherTest, ADiscardedFolderGoes) {
  const auto instance = launch("m-1-000001");
  ASSERT_TRUE(instance);
  ASSERT_TRUE(run(launcher_->kill(*instance)));
  launcher_->discard(instance->id);
  EXPECT_FALSE(fs::exists(instances() / "m-1-000001"));
  run_void(launcher_->stop());
  launcher_ = std::make_unique<LocalLauncher>(loop_.executor(), LocalLauncherOptions{.instances = instances()});
  EXPECT_TRUE(fs::is_empty(instances()));  // the removing thread has ended with its work
}

TEST(LogTail, IsTheEndOfBothStreamsFromALinesBeginOn) {
  const auto folder = *io::TemporaryFolder::make("modelyard-tail-test");
  EXPECT_TRUE(read_log_tail(folder.path()).empty());
  std::string many;
  for (int i = 0; i < 1000; ++i) many += fmt::format("line {}\n", i);
  ASSERT_TRUE(io::write_file_atomic(folder.path() / "stdout.log", many));
  ASSERT_TRUE(io::write_file_atomic(folder.path() / "stderr.log", "bad \xff\r\nlast"));
  const auto lines = read_log_tail(folder.path());
  ASSERT_GT(lines.size(), 100U);
  EXPECT_THAT(lines.front(), ::testing::MatchesRegex("line [0-9]+"));
  EXPECT_EQ(lines[lines.size() - 3], "line 999");
  EXPECT_EQ(lines[lines.size() - 2], "bad \xef\xbf\xbd");
  EXPECT_EQ(lines.back(), "last");
}

}  // namespace
}  // namespace modelyard::controller
