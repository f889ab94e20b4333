// SPDX-License-Identifier: Apache-2.0
#include "io/process.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "io/descriptor.h"
#include "io/task.h"

namespace modelyard::io {
namespace {

// A shell with a child, both asleep, ended with the test.
class Sleepers {
 public:
  Sleepers() {
    char shell[] = "sh";
    char flag[] = "-c";
    char line[] = "tail -f /dev/null & wait";
    char* argv[] = {shell, flag, line, nullptr};
    char mark[] = "MARK=a=b";
    char* environment[] = {mark, nullptr};
    EXPECT_EQ(::posix_spawn(&pid_, "/bin/sh", nullptr, nullptr, argv, environment), 0);
    while (list_children(pid_).empty()) ::usleep(1000);  // polls: the shell forks in a moment
    child_ = list_children(pid_).front();
  }
  ~Sleepers() {
    ::kill(static_cast<pid_t>(child_), SIGKILL);
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  pid_t pid_ = -1;
  int64_t child_ = 0;
};

TEST(Process, IsKnownByItsStartAndBoot) {
  const Sleepers sleepers;
  const auto found = read_process_stat(sleepers.pid_);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->parent, ::getpid());
  EXPECT_FALSE(boot_id().empty());
  EXPECT_TRUE(is_process_alive(sleepers.pid_, found->start_ticks, boot_id()));
  EXPECT_TRUE(is_process_alive(sleepers.pid_, found->start_ticks, ""));
  EXPECT_FALSE(is_process_alive(sleepers.pid_, found->start_ticks + 1, boot_id()));
  EXPECT_FALSE(is_process_alive(sleepers.pid_, found->start_ticks, "another"));
  EXPECT_FALSE(is_process_alive(0, 0, ""));
  EXPECT_EQ(read_process_variable(sleepers.pid_, "MARK"), "a=b");
  EXPECT_FALSE(read_process_variable(sleepers.pid_, "MAR"));
  // The end of a process is no end of its number while nobody has waited for it.
  ::kill(sleepers.pid_, SIGKILL);
  siginfo_t info;
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(sleepers.pid_), &info, WEXITED | WNOWAIT), 0);
  EXPECT_FALSE(is_process_alive(sleepers.pid_, found->start_ticks, boot_id()));
}

TEST(Process, TheTreeIsSeenEitherWay) {
  const Sleepers sleepers;
  const auto below = list_descendants(::getpid());
  for (const int64_t pid : {int64_t{sleepers.pid_}, sleepers.child_}) {
    EXPECT_TRUE(std::any_of(below.begin(), below.end(), [&](const ProcessStat& p) { return p.pid == pid; }));
  }
  const auto peeked = peek_descendants(sleepers.pid_);
  EXPECT_EQ(peeked, std::vector<int64_t>{sleepers.child_});
  EXPECT_TRUE(kill_descendants(sleepers.pid_, system_clock().now() + seconds(10)));
  EXPECT_TRUE(list_descendants(sleepers.pid_).empty());
}

TEST(Process, AMissingOneIsNotFound) {
  EXPECT_FALSE(read_process_stat(0x7fffffff));
  EXPECT_FALSE(open_pidfd(0x3fffff).has_value());
  EXPECT_TRUE(list_children(0x7fffffff).empty());
}

class DescriptorTest : public ::testing::Test {
 protected:
  template <typename T>
  T run(Task<T> task) {
    return run_blocking(loop_, std::move(task));
  }
  Loop loop_;
};

TEST_F(DescriptorTest, APidfdIsReadableAtTheEnd) {
  auto sleepers = std::make_unique<Sleepers>();
  Descriptor ended(loop_.executor(), *open_pidfd(sleepers->pid_));
  EXPECT_FALSE(run(ended.wait(Descriptor::For::kRead, system_clock().now() + milliseconds(5))));
  ::kill(sleepers->pid_, SIGKILL);
  EXPECT_TRUE(run(ended.wait(Descriptor::For::kRead)));
}

TEST_F(DescriptorTest, AWaitEndsWithItsScope) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const UniqueFd writer(ends[1]);
  Descriptor reader(loop_.executor(), UniqueFd(ends[0]));
  Scope scope(loop_.executor());
  bool came_back = false;
  scope.spawn([](Descriptor& descriptor, bool& back) -> Task<void> {
    co_await descriptor.wait(Descriptor::For::kRead);
    back = true;
  }(reader, came_back));
  run_blocking(loop_, scope.stop());
  EXPECT_FALSE(came_back);
}

TEST_F(DescriptorTest, ConnectIsCheckedWithItsReason) {
  const auto check = [&](const std::string& host, uint16_t port, milliseconds time = seconds(10)) {
    return run(check_connect(host, port, system_clock().now() + time));
  };
  const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
  ASSERT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  const uint16_t port = ntohs(address.sin_port);
  const Status refused = check("127.0.0.1", port);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kUnavailable);
  EXPECT_NE(refused.error().message().find("Connection refused"), std::string::npos);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  EXPECT_TRUE(check("127.0.0.1", port));
  EXPECT_TRUE(check("localhost", port));
  EXPECT_NE(check("no such host", 1).error().message().find("cannot be resolved"), std::string::npos);
}

}  // namespace
}  // namespace modelyard::io
