// SPDX-License-Identifier: Apache-2.0
#include "payloads/store.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "io/file.h"
#include "payloads/digest.h"
#include "payloads/directory_store.h"
#include "payloads/judge.h"
#include "payloads/tar.h"

namespace modelyard::payloads {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class StoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(io::make_folder(source()));
    store_ = *open_directory_store(root());
  }
  fs::path source() const { return folder_.path() / "source"; }
  fs::path root() const { return folder_.path() / "payloads"; }
  void write(const std::string& file, std::string_view content, unsigned mode = 0644) {
    fs::create_directories((source() / file).parent_path());
    ASSERT_TRUE(io::write_file_atomic(source() / file, content, mode));
  }
  Result<StoredPayload> upload() {
    auto tar = TarReader::open(source());
    if (!tar) return fail(tar.error());
    MY_TRY(const std::unique_ptr<PayloadUpload> upload, store_->begin_upload());
    while (true) {
      MY_TRY(const std::string_view chunk, tar->next());
      if (chunk.empty()) return upload->finish();
      // In small pieces, as a slow network brings them.
      for (size_t at = 0; at < chunk.size(); at += 777) MY_TRY_VOID(upload->append(chunk.substr(at, 777)));
    }
  }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& entry : fs::directory_iterator(root())) {
      if (entry.path().filename() != "incoming") all.push_back(entry.path().filename().string());
    }
    return all;
  }
  bool nothing_incoming() const { return fs::is_empty(root() / "incoming"); }

  io::TemporaryFolder folder_ = *io::TemporaryFolder::make("modelyard-store-test");
  std::unique_ptr<PayloadStore> store_;
};

TEST_F(StoreTest, AnUploadComesBackAsItWas) {
  write("rest.sh", "#!/bin/sh\n", 0755);
  write("data/model.bin", std::string(1 << 20, 'x'));
  write("data/\xc3\xa4 name", "y");
  write("not-utf8-\xff", "z");
  write("endpoint.dat", "stale");
  ASSERT_EQ(::symlink("data/model.bin", (source() / "link").c_str()), 0);
  const auto stored = upload();
  ASSERT_TRUE(stored) << stored.error().message();
  EXPECT_TRUE(stored->is_new);
  EXPECT_EQ(stored->script, "rest.sh");
  EXPECT_EQ(stored->files, 4);
  EXPECT_EQ(stored->digest, *digest_folder(source()));
  const fs::path folder = *store_->find(stored->digest);
  EXPECT_EQ(*io::read_file(folder / "data/\xc3\xa4 name"), "y");
  EXPECT_EQ(*io::read_file(folder / "not-utf8-\xff"), "z");
  EXPECT_EQ(io::read_file(folder / "link")->size(), size_t{1} << 20);
  EXPECT_FALSE(fs::exists(folder / "endpoint.dat"));
  EXPECT_EQ(::access((folder / "rest.sh").c_str(), X_OK), 0);
  EXPECT_TRUE(nothing_incoming());
}

TEST_F(StoreTest, TheSameContentIsStoredOnceHoweverItCame) {
  write("rest.sh", "x");
  const auto first = upload();
  const auto second = upload();
  const auto third = store_->store_folder(source());
  ASSERT_TRUE(first && second && third);
  EXPECT_TRUE(first->is_new);
  EXPECT_FALSE(second->is_new);
  EXPECT_FALSE(third->is_new);
  EXPECT_EQ(first->digest, third->digest);
  EXPECT_EQ(names().size(), 1U);
  EXPECT_TRUE(nothing_incoming());
}

TEST_F(StoreTest, TheDigestIsOfPathsContentsAndExecutableBits) {
  write("rest.sh", "x");
  write("a/b", "1");
  const std::string before = *digest_folder(source());
  ::utimensat(AT_FDCWD, (source() / "rest.sh").c_str(), nullptr, 0);
  ::chmod((source() / "a/b").c_str(), 0600);
  EXPECT_EQ(*digest_folder(source()), before);
  ::chmod((source() / "a/b").c_str(), 0700);
  EXPECT_NE(*digest_folder(source()), before);
  ::chmod((source() / "a/b").c_str(), 0644);
  write("a/b", "2");
  EXPECT_NE(*digest_folder(source()), before);
  write("a/b", "1");
  EXPECT_EQ(*digest_folder(source()), before);
  fs::create_directory(source() / "empty");
  EXPECT_NE(*digest_folder(source()), before);
}

TEST_F(StoreTest, ARefusedPayloadLeavesNothing) {
  write("model.py", "x");
  for (const auto& refused : {upload(), store_->store_folder(source())}) {
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(refused.error().message(), HasSubstr("no .sh file at its top level (found: model.py)"));
  }
  EXPECT_THAT(names(), IsEmpty());
  EXPECT_TRUE(nothing_incoming());
}

TEST_F(StoreTest, AnUploadThatIsDroppedLeavesNothing) {
  auto dropped = *store_->begin_upload();
  ASSERT_TRUE(dropped->append("half a tar"));
  dropped.reset();
  EXPECT_TRUE(nothing_incoming());
}

TEST_F(StoreTest, AnUploadHasABound) {
  store_ = *open_directory_store(root(), {.upload_bytes_max = 1000});
  auto upload = *store_->begin_upload();
  EXPECT_TRUE(upload->append(std::string(1000, 'x')));
  EXPECT_EQ(upload->append("x").error().code(), ErrorCode::kResourceExhausted);
}

TEST_F(StoreTest, CollectKeepsWhatIsWantedAndWhatIsPinned) {
  std::vector<StoredPayload> stored;
  for (const char* const content : {"1", "2", "3"}) {
    write("rest.sh", content);
    stored.push_back(*upload());
  }
  stored[1].pin.reset();
  stored[2].pin.reset();
  auto half = *store_->begin_upload();  // one that is on its way keeps its folder
  ASSERT_TRUE(io::make_folder(root() / "incoming" / "left-by-a-crash"));
  EXPECT_THAT(*store_->collect({stored[1].digest}), ElementsAre(stored[2].digest));
  EXPECT_TRUE(store_->find(stored[0].digest));
  EXPECT_TRUE(store_->find(stored[1].digest));
  EXPECT_EQ(store_->find(stored[2].digest).error().code(), ErrorCode::kNotFound);
  EXPECT_FALSE(fs::exists(root() / "incoming" / "left-by-a-crash"));
  EXPECT_TRUE(half->append("x"));
  stored[0].pin.reset();
  EXPECT_THAT(*store_->collect({}), UnorderedElementsAre(stored[0].digest, stored[1].digest));
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(StoreTest, OnlyDigestsAreLookedFor) {
  for (const char* const text : {"", "../x", "sha256:../../x", "sha256:ABC"}) {
    EXPECT_EQ(store_->find(text).error().code(), ErrorCode::kInvalidArgument) << text;
  }
}

TEST(Revisions, TheFiveNewestAreKeptAndOneThatIsNamed) {
  std::vector<registry::Revision> revisions;
  for (int64_t i = 1; i <= 8; ++i) revisions.push_back({.number = i});
  auto trimmed = revisions;
  trim_revisions(trimmed);
  EXPECT_EQ(trimmed.size(), kRevisionsKept);
  EXPECT_EQ(trimmed.front().number, 4);
  trim_revisions(revisions, 2);
  EXPECT_EQ(revisions.size(), kRevisionsKept);
  EXPECT_EQ(revisions.front().number, 2);
  EXPECT_EQ(revisions.back().number, 8);
}

struct JudgeRow {
  std::string name;
  std::vector<std::string> files;  // a folder ends in '/'
  std::string script;              // or
  std::string why;
};
class Judge : public ::testing::TestWithParam<JudgeRow> {};
TEST_P(Judge, Says) {
  const auto folder = *io::TemporaryFolder::make("modelyard-judge-test");
  for (const std::string& file : GetParam().files) {
    const fs::path path = folder.path() / file;
    fs::create_directories(path.parent_path());
    if (!file.ends_with('/')) ASSERT_TRUE(io::write_file_atomic(path, "x"));
  }
  const auto judged = judge_payload(folder.path());
  EXPECT_EQ(judged.value_or(std::string()), GetParam().script);
  if (!judged) EXPECT_THAT(judged.error().message(), HasSubstr(GetParam().why));
}
INSTANTIATE_TEST_SUITE_P(
    Payload, Judge,
    ::testing::Values(
        JudgeRow{"One", {"rest.sh", "dga.py"}, "rest.sh", ""},
        JudgeRow{"OthersBelow", {"rest.sh", "lib/other.sh"}, "rest.sh", ""},
        JudgeRow{"Empty", {}, "", "no .sh file at its top level (it is empty)"},
        JudgeRow{"None", {"b.py", "a.pkl"}, "", "(found: a.pkl, b.py): add one that starts the model"},
        JudgeRow{"FolderInside", {"model/rest.sh"}, "", "pack what is inside model/ rather than the folder itself"},
        JudgeRow{"FolderOfThatName", {"rest.sh/x"}, "", "no .sh file"},
        JudgeRow{"NameAlone", {".sh"}, "", "no .sh file"},
        JudgeRow{"Two", {"b.sh", "a.sh"}, "", "2 .sh files at its top level (a.sh, b.sh)"},
        JudgeRow{"Many", {"1", "2", "3", "4", "5", "6", "7", "8", "9", "10"}, "", "and 2 more"}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace modelyard::payloads
