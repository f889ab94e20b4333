// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "io/process.h"
#include "runner/connections.h"
#include "runner/environment.h"
#include "runner/log_drain.h"
#include "runner/log_file.h"
#include "runner/memory_limit.h"
#include "runner/model_process.h"
#include "runner/testing/harness.h"

// The runner's parts by themselves.
namespace modelyard::runner {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;

TEST(LogFile, IsCutAtLineEndsAndKeepsSoManyFiles) {
  const auto folder = *io::TemporaryFolder::make("modelyard-log-test");
  LogFile log(folder.path() / "l", 10, 3);
  for (const char* const line : {"one\n", "two\n", "three\n", "four\n", "five\nsix\n", "seven"}) log.append(line);
  EXPECT_EQ(*io::read_file(folder.path() / "l.2"), "three\n");
  EXPECT_EQ(*io::read_file(folder.path() / "l.1"), "four\nfive\n");
  EXPECT_EQ(*io::read_file(folder.path() / "l"), "six\nseven");
  EXPECT_FALSE(fs::exists(folder.path() / "l.3"));
  EXPECT_EQ(log.dropped_bytes(), 0);
}

TEST(LogFile, ALineWithoutAnEndIsCutAnywhere) {
  const auto folder = *io::TemporaryFolder::make("modelyard-log-test");
  LogFile log(folder.path() / "l", 4, 3);
  log.append("abcdefghij");
  EXPECT_EQ(*io::read_file(folder.path() / "l.2"), "abcd");
  EXPECT_EQ(*io::read_file(folder.path() / "l.1"), "efgh");
  EXPECT_EQ(*io::read_file(folder.path() / "l"), "ij");
}

TEST(LogFile, WhatCannotBeWrittenIsCounted) {
  const auto folder = *io::TemporaryFolder::make("modelyard-log-test");
  LogFile log(folder.path() / "none" / "l", 100, 3);
  log.append("12345");
  EXPECT_EQ(log.dropped_bytes(), 5);
  ASSERT_TRUE(io::make_folder(folder.path() / "none"));
  log.append("6");  // the disk is there again
  EXPECT_EQ(*io::read_file(folder.path() / "none" / "l"), "6");
  LogFile full("/dev/full", 100, 3);
  full.append("123");
  EXPECT_EQ(full.dropped_bytes(), 3);
}

TEST(LogDrain, TheTailHasTheLastLinesOfBothStreamsInOrder) {
  std::string seen;
  auto drain = *LogDrain::make({.on_bytes = [&](bool is_stderr, std::string_view bytes) {
    seen += is_stderr ? "2:" : "1:";
    seen += bytes;
  }});
  ASSERT_TRUE(drain->start());
  const auto say = [&](int fd, std::string_view text) {
    ASSERT_EQ(::write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    // The order between two pipes is that of the reads.
    ASSERT_TRUE(testing::eventually(
        [&] { return !drain->tail().empty() && text.starts_with(drain->tail().back().substr(0, 3)); }));
  };
  say(drain->stdout_writer(), "out one\r\n");
  say(drain->stderr_writer(), "err \xff\n");
  say(drain->stdout_writer(), "the last, without its end");
  drain->close_writers();
  EXPECT_TRUE(drain->wait_for_end(system_clock().now() + seconds(10)));
  EXPECT_THAT(drain->tail(), ElementsAre("out one", "err \xef\xbf\xbd", "the last, without its end"));
  EXPECT_EQ(seen, "1:out one\r\n2:err \xff\n1:the last, without its end");
}

TEST(LogDrain, TheTailIsBoundedAndBeginsWithAWholeLine) {
  auto drain = *LogDrain::make({});
  ASSERT_TRUE(drain->start());
  for (int i = 0; i < 2000; ++i) {
    const std::string line = "line " + std::to_string(i) + "\n";
    ASSERT_GT(::write(i % 2 == 0 ? drain->stdout_writer() : drain->stderr_writer(), line.data(), line.size()), 0);
  }
  drain->close_writers();
  ASSERT_TRUE(drain->wait_for_end(system_clock().now() + seconds(10)));
  size_t bytes = 0;
  for (const std::string& line : drain->tail()) {
    bytes += line.size() + 1;
    EXPECT_TRUE(line.starts_with("line ")) << line;
  }
  EXPECT_LE(bytes, LogDrain::kTailBytes);
  EXPECT_GT(bytes, LogDrain::kTailBytes / 2);
}

struct BusyRow {
  std::string name;
  ConnectionFacts facts;
  bool busy;
};
class Busy : public ::testing::TestWithParam<BusyRow> {};
TEST_P(Busy, IsToldFromIdle) { EXPECT_EQ(is_busy(GetParam().facts), GetParam().busy); }
INSTANTIATE_TEST_SUITE_P(Connection, Busy,
                         ::testing::Values(BusyRow{"Fresh", {}, false},
                                           BusyRow{
                                               "FirstRequest", {.bytes_received = 100, .since_received_ms = 900}, true},
                                           BusyRow{"Answered", {100, 200, 5000, 4900, 0}, false},
                                           BusyRow{"JustAnswered", {100, 200, 60, 40, 0}, true},
                                           BusyRow{"NextRequest", {200, 200, 40, 4900, 0}, true},
                                           BusyRow{"AnswerOnItsWay", {100, 200, 5000, 4900, 1}, true},
                                           BusyRow{"SameTickLately", {100, 200, 1000, 1000, 0}, true},
                                           BusyRow{"SameTickLongAgo", {100, 200, 5000, 5000, 0}, false}),
                         [](const auto& row) { return row.param.name; });

TEST(Connections, AreCountedAtTheServersPort) {
  const io::UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener.get(), 8), 0);
  socklen_t size = sizeof address;
  ASSERT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  const uint16_t port = ntohs(address.sin_port);
  EXPECT_EQ(count_connections(port)->open, 0);
  const io::UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_TRUE(testing::eventually([&] { return count_connections(port)->open == 1; }));
  ASSERT_EQ(::write(client.get(), "GET", 3), 3);
  EXPECT_TRUE(testing::eventually([&] { return count_connections(port)->busy == 1; }));
}

TEST(Environment, APortIsChosenThatNobodyListensOn) {
  Random random(7);
  const auto port = choose_free_port(random);
  ASSERT_TRUE(port);
  const io::UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(*port);
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener.get(), 8), 0);
  Random again(7);
  EXPECT_NE(*choose_free_port(again), *port);
}

TEST(Environment, WhatTheDeploymentSaysWins) {
  const registry::InstanceSpec spec{.id = "i",
                                    .name = "n",
                                    .version = "1",
                                    .folder = "/d",
                                    .env = {{"PORT", "80"}, {"PATH", "/x"}},
                                    .deployer_env = {{"PATH", "/y"}, {"SHELL", "/bin/sh"}},
                                    .registry_is_embedded = false};
  EXPECT_THAT(model_environment(spec, 4711),
              ElementsAre("MODELYARD_BIND=0.0.0.0", "MODELYARD_INSTANCE=i", "MODELYARD_LOG_DIR=/d/log",
                          "MODELYARD_MODEL=n", "MODELYARD_VERSION=1", "PATH=/x", "PORT=80"));
}

// A group that may not be made must not mean no limit.
TEST(MemoryLimit, TheWatchdogAddsUpTheTree) {
  char program[] = "python3";
  char option[] = "-S";
  char flag[] = "-c";
  char code[] =
      "import os, signal\nif os.fork() == 0: x = bytearray(60 << 20)\nx = bytearray(60 << 20)\nsignal.pause()";
  char* argv[] = {program, option, flag, code, nullptr};
  char path[] = "PATH=/usr/bin:/bin";
  char* environment[] = {path, nullptr};
  pid_t pid = -1;
  ASSERT_EQ(::posix_spawn(&pid, "/usr/bin/python3", nullptr, nullptr, argv, environment), 0);
  const MemoryLimit enough = MemoryLimit::watchdog(4096);
  const MemoryLimit little = MemoryLimit::watchdog(100);  // neither process alone goes over it
  std::optional<std::string> reason;
  EXPECT_TRUE(testing::eventually([&] { return (reason = little.struck(::getpid())).has_value(); }));
  EXPECT_THAT(*reason, ::testing::MatchesRegex("out of memory: used 1[0-9]+ of 100 MB"));
  EXPECT_FALSE(enough.struck(::getpid()));
  EXPECT_FALSE(MemoryLimit::make("x", 0).struck(::getpid()));
  for (const int64_t child : io::peek_descendants(pid)) ::kill(static_cast<pid_t>(child), SIGKILL);
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

struct EndRow {
  ProcessState state;
  std::string text;
};
class Ends : public ::testing::TestWithParam<EndRow> {};
TEST_P(Ends, AreSaidInWords) { EXPECT_EQ(describe_failure(GetParam().state, "/d/rest.sh"), GetParam().text); }
INSTANTIATE_TEST_SUITE_P(Model, Ends,
                         ::testing::Values(EndRow{{.wait_status = 3 << 8}, "rest.sh exited with 3"},
                                           EndRow{{.wait_status = SIGKILL}, "rest.sh was killed by SIGKILL"},
                                           EndRow{{.wait_status = 64}, "rest.sh was killed by signal 64"},
                                           EndRow{{.start_errno = ENOEXEC},
                                                  "rest.sh cannot be started: Exec format error"}));

}  // namespace
}  // namespace modelyard::runner
