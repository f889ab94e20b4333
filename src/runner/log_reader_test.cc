// SPDX-License-Identifier: Apache-2.0
#include "runner/log_reader.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace modelyard::runner {
namespace {

using Lines = std::vector<std::string>;

class LogFiles : public testing::Test {
 protected:
  void append(const std::string& name, std::string_view text) {
    const auto file = io::open_file(folder_.path() / name, O_WRONLY | O_CREAT | O_APPEND).value();
    ASSERT_EQ(::write(file.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  io::TemporaryFolder folder_ = io::TemporaryFolder::make("modelyard-logs").value();
};

TEST_F(LogFiles, TheLastLinesReachIntoRotatedFiles) {
  append("stdout.log.2", "1\n2\n");
  append("stdout.log.1", "3\n4\n");
  append("stdout.log", "5\n6");
  EXPECT_EQ(last_lines(folder_.path(), "stdout", 3), (Lines{"4", "5", "6"}));
  EXPECT_EQ(last_lines(folder_.path(), "stdout", 100), (Lines{"1", "2", "3", "4", "5", "6"}));
  EXPECT_EQ(last_lines(folder_.path(), "stdout", 0), Lines{});
  EXPECT_EQ(last_lines(folder_.path(), "stderr", 3), Lines{});
}

TEST_F(LogFiles, BytesThatAreNoTextAreReplaced) {
  append("stderr.log",
         "a\xff"
         "b\n");
  EXPECT_EQ(last_lines(folder_.path(), "stderr", 1), (Lines{"a\xef\xbf\xbd"
                                                            "b"}));
}

TEST_F(LogFiles, AnyLinkIsNotFollowed) {
  append("secret", "x\n");
  std::filesystem::create_symlink(folder_.path() / "secret", folder_.path() / "stdout.log");
  EXPECT_EQ(last_lines(folder_.path(), "stdout", 1), Lines{});
}

TEST_F(LogFiles, FollowsFromTheEndAndOverRotation) {
  append("stdout.log", "old\n");
  FollowedFile file(folder_.path() / "stdout.log", false);
  EXPECT_EQ(file.read_lines(), Lines{});
  append("stdout.log", "one\ntw");
  EXPECT_EQ(file.read_lines(), (Lines{"one"}));
  append("stdout.log", "o\nlast of the old");
  std::filesystem::rename(folder_.path() / "stdout.log", folder_.path() / "stdout.log.1");
  append("stdout.log", "first of the new\n");
  EXPECT_EQ(file.read_lines(), (Lines{"two", "last of the old", "first of the new"}));
}

TEST_F(LogFiles, AFileThatAppearsIsFollowedFromItsFirstLine) {
  FollowedFile file(folder_.path() / "stdout.log", false);
  EXPECT_EQ(file.read_lines(), Lines{});
  append("stdout.log", "hello\n");
  EXPECT_EQ(file.read_lines(), (Lines{"hello"}));
}

TEST_F(LogFiles, ALineWithoutEndComesInParts) {
  FollowedFile file(folder_.path() / "stdout.log", false);
  append("stdout.log", std::string(200'000, 'x'));
  const Lines lines = file.read_lines();
  ASSERT_GE(lines.size(), 1u);
  EXPECT_GE(lines[0].size(), 64u * 1024);
}

}  // namespace
}  // namespace modelyard::runner
