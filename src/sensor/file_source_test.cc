// SPDX-License-Identifier: Apache-2.0
#include "sensor/file_source.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "sensor/stream_source.h"

namespace modelyard::sensor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class FileSourceTest : public testing::Test {
 protected:
  FileSourceTest()
      : folder_(std::move(*io::TemporaryFolder::make("file-source"))), path_(folder_.path() / "access.log") {}

  void write(const std::string& text) { std::ofstream(path_, std::ios::trunc) << text; }
  void append(const std::string& text) { std::ofstream(path_, std::ios::app) << text; }

  // A new sensor, going on from what the last one stored.
  void start(bool follow = false) {
    FileSourceOptions options;
    options.follow = follow;
    options.piece_bytes = 64;
    options.poll = milliseconds(20);
    options.on_notice = [this](std::string_view text) { notices_.emplace_back(text); };
    source_ = std::make_unique<FileSource>(path_, options, loop_.executor(), system_clock());
    if (stored_) ASSERT_TRUE(source_->resume(source_->streams().front(), *stored_));
    opened_ = source_->open();
  }
  // Lines until there is none now, each with its offset; what comes out is acknowledged.
  std::vector<std::string> read() {
    std::vector<std::string> lines;
    SourceRecord record;
    int64_t last = stored_ ? stored_->offset : 0;
    while (true) {
      const auto there = source_->next(&record);
      EXPECT_TRUE(there);
      if (!there || !*there) break;
      EXPECT_EQ(record.offset, last);
      EXPECT_GT(record.next, record.offset);
      last = record.next;
      lines.push_back(std::to_string(record.offset) + ":" + std::string(record.bytes));
    }
    if (!lines.empty()) stored_ = StoredOffset{last, source_->position(source_->streams().front(), last)};
    return lines;
  }
  // Follows until a line comes.
  std::vector<std::string> follow() {
    std::vector<std::string> lines;
    for (int i = 0; i < 500 && lines.empty(); ++i) {
      io::run_blocking(loop_, source_->wait_more());
      lines = read();
    }
    return lines;
  }

  io::TemporaryFolder folder_;
  std::filesystem::path path_;
  io::Loop loop_;
  std::unique_ptr<FileSource> source_;
  Status opened_;
  std::optional<StoredOffset> stored_;
  std::vector<std::string> notices_;
};

TEST_F(FileSourceTest, SecondRunReadsOnlyWhatGrew) {
  write("a\nbb\n");
  start();
  EXPECT_THAT(read(), ElementsAre("0:a", "2:bb"));
  EXPECT_TRUE(source_->at_end());
  start();
  EXPECT_THAT(read(), IsEmpty());
  append("ccc\n\nd");
  start();
  EXPECT_THAT(read(), ElementsAre("5:ccc", "9:", "10:d"));
  start();
  EXPECT_THAT(read(), IsEmpty());
  EXPECT_THAT(notices_, IsEmpty());
}

TEST_F(FileSourceTest, CopyWithTheSameBytesGoesOn) {
  write("a\nbb\n");
  start();
  read();
  const auto copy = folder_.path() / "copy";
  std::ofstream(copy) << "a\nbb\nccc\n";
  std::filesystem::rename(copy, path_);
  start();
  EXPECT_THAT(read(), ElementsAre("5:ccc"));
  EXPECT_THAT(notices_, IsEmpty());
}

TEST_F(FileSourceTest, OtherFileOfTheSameNameIsReadFromItsBeginning) {
  write("a\nbb\n");
  start();
  read();
  std::filesystem::remove(path_);
  write("x\nyy\nzz\n");
  start();
  EXPECT_THAT(read(), ElementsAre("5:x", "7:yy", "10:zz")) << "offsets go on, so ids are new";
  EXPECT_THAT(notices_, ElementsAre(HasSubstr("is another file than the last time: it is read from its beginning")));
  append("q\n");
  start();
  EXPECT_THAT(read(), ElementsAre("13:q"));
  EXPECT_EQ(notices_.size(), 1u);
}

TEST_F(FileSourceTest, SameHeadOtherTailIsAnotherFile) {
  write("# header\none\n");
  start();
  read();
  write("# header\ntwo\nthree\n");
  start();
  EXPECT_THAT(read(), ElementsAre("13:# header", "22:two", "26:three"));
}

TEST_F(FileSourceTest, CutFileIsNoticed) {
  write("a\nbb\n");
  start();
  read();
  write("c\n");
  start();
  EXPECT_THAT(read(), ElementsAre("5:c"));
  EXPECT_THAT(notices_, ElementsAre(HasSubstr("was cut: it is read from its beginning")));
}

TEST_F(FileSourceTest, RestOfARenamedFileComesFirst) {
  write("a\nbb\n");
  start();
  read();
  append("late\n");
  std::filesystem::rename(path_, folder_.path() / "access.log.1");
  write("new\n");
  start();
  EXPECT_THAT(read(), ElementsAre("5:late", "10:new"));
  EXPECT_THAT(notices_, ElementsAre(HasSubstr("access.log.1' first")));
  start();
  EXPECT_THAT(read(), IsEmpty());
}

TEST_F(FileSourceTest, FollowsGrowthAndCompleteLinesAlone) {
  write("a\npart");
  start(true);
  EXPECT_THAT(read(), ElementsAre("0:a"));
  EXPECT_FALSE(source_->at_end());
  append("ial\nnext");
  EXPECT_THAT(follow(), ElementsAre("2:partial"));
  append("\n");
  EXPECT_THAT(follow(), ElementsAre("10:next"));
}

TEST_F(FileSourceTest, FollowsThroughRotation) {
  write("a\n");
  start(true);
  EXPECT_THAT(read(), ElementsAre("0:a"));
  append("last\n");
  std::filesystem::rename(path_, folder_.path() / "access.log.1");
  write("b\n");
  EXPECT_THAT(follow(), ElementsAre("2:last", "7:b"));
  append("c\n");
  EXPECT_THAT(follow(), ElementsAre("9:c"));
  EXPECT_THAT(notices_, ElementsAre(HasSubstr("was replaced: going on with the new one")));
}

TEST_F(FileSourceTest, FollowsThroughTruncation) {
  write("aaaa\nbbbb\n");
  start(true);
  read();
  ASSERT_EQ(truncate(path_.c_str(), 0), 0);
  append("c\n");
  EXPECT_THAT(follow(), ElementsAre("10:c"));
}

TEST_F(FileSourceTest, PositionsAcrossARotationWhileRecordsAreInFlight) {
  write("a\n");
  start(true);
  SourceRecord record;
  ASSERT_TRUE(*source_->next(&record));
  const int64_t first = record.next;
  std::filesystem::rename(path_, folder_.path() / "access.log.1");
  write("b\n");
  while (!*source_->next(&record)) io::run_blocking(loop_, source_->wait_more());
  const auto old_place = file_position_from(source_->position("", first));
  const auto new_place = file_position_from(source_->position("", record.next));
  ASSERT_TRUE(old_place && new_place);
  EXPECT_EQ(old_place->base, 0);
  EXPECT_EQ(old_place->at, 2);
  EXPECT_EQ(new_place->base, 2);
  EXPECT_EQ(new_place->at, 2);
  EXPECT_NE(old_place->inode, new_place->inode);
}

TEST_F(FileSourceTest, LongLineIsGivenShortened) {
  write(std::string(200'000, 'x') + "\nb\n");
  FileSourceOptions options;
  options.line_bytes_max = 1000;
  FileSource source(path_, options, loop_.executor(), system_clock());
  ASSERT_TRUE(source.open());
  SourceRecord record;
  ASSERT_TRUE(*source.next(&record));
  EXPECT_EQ(record.bytes.size(), 1001u);
  EXPECT_EQ(record.next, 200'001);
  ASSERT_TRUE(*source.next(&record));
  EXPECT_EQ(record.bytes, "b");
}

TEST_F(FileSourceTest, OffsetWithoutPositionIsTheByte) {
  write("a\nbb\n");
  stored_ = StoredOffset{2, ""};
  start();
  EXPECT_THAT(read(), ElementsAre("2:bb"));
}

TEST_F(FileSourceTest, RefusalsNameTheFile) {
  start();
  ASSERT_FALSE(opened_);
  EXPECT_EQ(opened_.error().code(), ErrorCode::kNotFound);
  EXPECT_THAT(opened_.error().message(), HasSubstr("access.log"));
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  start();
  ASSERT_FALSE(opened_);
  EXPECT_THAT(opened_.error().message(), HasSubstr("--source stdin"));
  std::filesystem::remove(path_);
  std::filesystem::create_directory(path_);
  start();
  ASSERT_FALSE(opened_);
}

TEST_F(FileSourceTest, PathIsWrittenInOneWay) {
  write("a\n");
  start();
  const std::string whole = source_->streams().front();
  const auto former = std::filesystem::current_path();
  std::filesystem::current_path(folder_.path());
  const FileSource relative("./x/../access.log", {}, loop_.executor(), system_clock());
  std::filesystem::current_path(former);
  EXPECT_EQ(relative.streams().front(), whole);
  EXPECT_THAT(whole, testing::StartsWith("file:/"));
}

TEST(StreamSource, ReadsAPipeToItsEnd) {
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  io::Loop loop;
  StreamSource source(fds[0], 1000, loop.executor());
  ASSERT_TRUE(source.open());
  SourceRecord record;
  EXPECT_FALSE(*source.next(&record)) << "nothing there: no blocking";
  EXPECT_FALSE(source.at_end());
  ASSERT_EQ(write(fds[1], "a\nb", 3), 3);
  io::run_blocking(loop, source.wait_more());
  ASSERT_TRUE(*source.next(&record));
  EXPECT_EQ(record.bytes, "a");
  EXPECT_EQ(record.next, 2);
  EXPECT_FALSE(*source.next(&record));
  close(fds[1]);
  io::run_blocking(loop, source.wait_more());
  ASSERT_TRUE(*source.next(&record));
  EXPECT_EQ(record.bytes, "b");
  EXPECT_EQ(record.next, 3);
  EXPECT_FALSE(*source.next(&record));
  EXPECT_TRUE(source.at_end());
  close(fds[0]);
}

TEST(FilePosition, RoundTrip) {
  const FilePosition position{5, 7, 1, 0xffff'ffff'ffff, "ab", "cd"};
  const auto read = file_position_from(to_text(position));
  ASSERT_TRUE(read);
  EXPECT_EQ(to_text(*read), to_text(position));
  for (const std::string_view bad :
       {"", "x", "[]", "{}", R"({"base":-1,"at":1,"head":"a","tail":"b"})", R"({"base":1,"at":1})"}) {
    EXPECT_FALSE(file_position_from(bad)) << bad;
  }
}

}  // namespace
}  // namespace modelyard::sensor
