// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>

#include "hadoop/testing/fake_hdfs.h"
#include "io/file.h"
#include "payloads/directory_store.h"
#include "payloads/gzip.h"
#include "payloads/hdfs/fetch.h"
#include "payloads/hdfs/fetcher.h"
#include "payloads/hdfs/publish.h"
#include "payloads/tar.h"

namespace modelyard::payloads {
namespace {

namespace fs = std::filesystem;
using hadoop::testing::FakeHdfs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kStaging = "/user/alice/.modelyard";

class HdfsPayloads : public ::testing::Test {
 protected:
  HdfsPayloads()
      : folder_(std::move(io::TemporaryFolder::make("hdfs")).value()),
        store_(std::move(open_directory_store(folder_.path() / "store")).value()),
        hdfs_(fake_.address(), options()) {
    fs::create_directories(folder_.path() / "spool");
  }
  static hadoop::RestOptions options() {
    hadoop::RestOptions out;
    out.user = "alice";
    out.call_timeout = milliseconds(5'000);
    return out;
  }
  void put_model() {
    fake_.put("/models/dga/rest.sh", {"#!/bin/sh\n", 0644});
    fake_.put("/models/dga/lib/tool", {"tool", 0755});
    fake_.put("/models/dga/lib/data.bin", {std::string(100'000, 'd')});
  }
  Result<StoredPayload> fetch(const Limits& limits = {}) {
    return fetch_payload(hdfs_, "/models/dga", *store_, folder_.path() / "spool", limits);
  }
  bool spool_is_empty() const { return fs::is_empty(folder_.path() / "spool"); }

  io::TemporaryFolder folder_;
  FakeHdfs fake_;
  std::unique_ptr<PayloadStore> store_;
  hadoop::WebHdfs hdfs_;
};

TEST_F(HdfsPayloads, AFolderBecomesAPayloadByItsDigest) {
  put_model();
  const auto stored = fetch();
  ASSERT_TRUE(stored) << stored.error().message();
  EXPECT_EQ(stored->script, "rest.sh");
  EXPECT_TRUE(stored->is_new);
  const fs::path at = *store_->find(stored->digest);
  EXPECT_EQ(*io::read_file(at / "lib" / "data.bin"), std::string(100'000, 'd'));
  EXPECT_NE(fs::status(at / "lib" / "tool").permissions() & fs::perms::owner_exec, fs::perms::none);
  EXPECT_TRUE(spool_is_empty());
  const auto again = fetch();
  EXPECT_EQ(again->digest, stored->digest);
  fake_.put("/models/dga/rest.sh", {"#!/bin/sh\nexec true\n"});
  const auto changed = fetch();
  EXPECT_NE(changed->digest, stored->digest) << "a changed folder is another payload";
}

TEST_F(HdfsPayloads, FilesBeingSentAndAnOldEndpointAreNoPartOfIt) {
  put_model();
  const auto before = fetch();
  fake_.put("/models/dga/big.bin._COPYING_", {"half"});
  fake_.put("/models/dga/endpoint.dat", {"{}"});
  const auto after = fetch();
  ASSERT_TRUE(after) << after.error().message();
  EXPECT_EQ(after->digest, before->digest);
}

TEST_F(HdfsPayloads, WhatCannotBeAPayloadIsRefused) {
  EXPECT_EQ(fetch().error().code(), ErrorCode::kNotFound);
  fake_.put("/models/dga/readme", {"no script"});
  EXPECT_EQ(fetch().error().code(), ErrorCode::kInvalidArgument);
  const auto file = fetch_payload(hdfs_, "/models/dga/readme", *store_, folder_.path() / "spool");
  ASSERT_FALSE(file);
  EXPECT_THAT(file.error().message(), HasSubstr("is a file"));
  EXPECT_TRUE(spool_is_empty());
}

TEST_F(HdfsPayloads, LimitsHoldBeforeAnythingIsRead) {
  put_model();
  Limits limits;
  limits.bytes_max = 1'000;
  EXPECT_EQ(fetch(limits).error().code(), ErrorCode::kResourceExhausted);
  limits = {};
  limits.entries_max = 2;
  EXPECT_EQ(fetch(limits).error().code(), ErrorCode::kResourceExhausted);
  for (const std::string& operation : fake_.operations()) EXPECT_THAT(operation, ::testing::Not(HasSubstr("OPEN")));
}

TEST_F(HdfsPayloads, AFolderThatChangesMeanwhileIsNotTaken) {
  put_model();
  // Called under the fake's lock: the second listing of the folder sees another time.
  int lists = 0;
  fake_.refuse([&](const std::string& op, const std::string& path) -> std::optional<std::pair<int, std::string>> {
    if (op != "LISTSTATUS" || path != "/models/dga" || ++lists < 2) return std::nullopt;
    return std::pair(200, std::string(R"({"FileStatuses":{"FileStatus":[]}})"));
  });
  const auto fetched = fetch();
  ASSERT_FALSE(fetched);
  EXPECT_EQ(fetched.error().code(), ErrorCode::kUnavailable);
  EXPECT_THAT(fetched.error().message(), HasSubstr("changes while it is read"));
  EXPECT_TRUE(spool_is_empty());
}

class FetchFaults : public HdfsPayloads, public ::testing::WithParamInterface<int> {};
TEST_P(FetchFaults, EachOperationThatFailsLeavesNothing) {
  put_model();
  int operation = 0;
  fake_.refuse([&](const std::string&, const std::string&) -> std::optional<std::pair<int, std::string>> {
    if (operation++ != GetParam()) return std::nullopt;
    return std::pair(403, FakeHdfs::exception("AccessControlException", "Permission denied"));
  });
  const auto fetched = fetch();
  ASSERT_FALSE(fetched);
  EXPECT_EQ(fetched.error().code(), ErrorCode::kPermissionDenied);
  EXPECT_TRUE(spool_is_empty());
}
// Two listings, three files of two steps each, two listings.
INSTANTIATE_TEST_SUITE_P(EveryStep, FetchFaults, ::testing::Range(0, 10));

TEST_F(HdfsPayloads, PublishedOnceAndReadBackTheSame) {
  put_model();
  const auto stored = fetch();
  ASSERT_TRUE(stored);
  const fs::path folder = *store_->find(stored->digest);
  const auto published = publish_folder(hdfs_, folder, stored->digest, kStaging);
  ASSERT_TRUE(published) << published.error().message();
  EXPECT_EQ(published->path, published_path(kStaging, stored->digest));
  EXPECT_EQ(published->uri, "hdfs://127.0.0.1:8020" + published->path);
  EXPECT_EQ(published->modified_ms, 2'000);
  const std::string archive = fake_.files()[published->path].content;
  EXPECT_EQ(published->size, static_cast<int64_t>(archive.size()));
  EXPECT_LT(archive.size(), 50'000u) << "it is compressed";

  const fs::path back = folder_.path() / "back";
  fs::create_directories(back);
  std::string_view left = archive;
  const auto unpacked = unpack_tar([&]() -> Result<std::string_view> { return std::exchange(left, {}); }, back);
  ASSERT_TRUE(unpacked) << unpacked.error().message();
  EXPECT_EQ(store_->store_folder(back)->digest, stored->digest);

  const size_t before = fake_.operations().size();
  ASSERT_TRUE(publish_folder(hdfs_, folder, stored->digest, kStaging));
  EXPECT_EQ(fake_.operations().size(), before + 1) << "one look, nothing sent";
}

TEST_F(HdfsPayloads, AFailedPublicationLeavesNoHalfArchive) {
  put_model();
  const auto stored = fetch();
  const fs::path folder = *store_->find(stored->digest);
  fake_.refuse([](const std::string& op, const std::string&) -> std::optional<std::pair<int, std::string>> {
    if (op != "RENAME") return std::nullopt;
    return std::pair(403, FakeHdfs::exception("DSQuotaExceededException", "full"));
  });
  const auto published = publish_folder(hdfs_, folder, stored->digest, kStaging);
  ASSERT_FALSE(published);
  EXPECT_EQ(published.error().code(), ErrorCode::kResourceExhausted);
  for (const auto& [name, file] : fake_.files()) EXPECT_THAT(name, ::testing::Not(HasSubstr("sha256"))) << name;
}

TEST_F(HdfsPayloads, CollectKeepsWhatIsWantedYoungOrNotOurs) {
  const auto name = [](char c) { return std::string(kStaging) + "/payloads/sha256-" + std::string(64, c) + ".tar.gz"; };
  fake_.put(name('a'), {"wanted", 0600, 1'000});
  fake_.put(name('b'), {"old", 0600, 1'000});
  fake_.put(name('c'), {"young", 0600, 9'999'000});
  fake_.put(std::string(kStaging) + "/payloads/x._COPYING_", {"broken", 0600, 1'000});
  fake_.put(std::string(kStaging) + "/payloads/notes.tar.gz", {"a person's", 0600, 1'000});
  const auto removed =
      collect_published(hdfs_, kStaging, {"sha256:" + std::string(64, 'a')}, from_epoch_ms(10'000'000));
  ASSERT_TRUE(removed) << removed.error().message();
  EXPECT_THAT(*removed, ::testing::UnorderedElementsAre("sha256-" + std::string(64, 'b') + ".tar.gz", "x._COPYING_"));
  EXPECT_TRUE(fake_.files().contains(name('c')));
  EXPECT_THAT(*collect_published(hdfs_, "/nowhere", {}, from_epoch_ms(0)), IsEmpty());
}

class Fetcher : public HdfsPayloads {
 protected:
  hadoop::Configuration configuration() {
    hadoop::Configuration out([](const std::string&) { return std::nullopt; });
    const auto address = fake_.address();
    EXPECT_TRUE(out.add(fmt::format("<configuration><property><name>fs.defaultFS</name><value>{}</value></property>"
                                    "<property><name>dfs.namenode.http-address</name><value>{}</value></property>"
                                    "</configuration>",
                                    address.uri(), address.name_nodes[0].web.at.text()),
                        "core-site.xml"));
    return out;
  }
  Result<StoredPayload> fetch(const std::string& path, bool bare_local = false, bool with_hdfs = true) {
    FetcherOptions options;
    if (with_hdfs) options.configuration = configuration();
    options.rest = HdfsPayloads::options();
    options.bare_paths_are_local = bare_local;
    options.spool = folder_.path() / "spool";
    auto fetcher = std::move(PayloadFetcher::make(*store_, options)).value();
    io::Loop loop;
    return io::run_blocking(loop, fetcher->fetch(loop, path));
  }
};

TEST_F(Fetcher, EachFormOfAPath) {
  put_model();
  const fs::path local = folder_.path() / "a model";
  fs::create_directories(local);
  std::ofstream(local / "run.sh") << "true\n";
  EXPECT_EQ(fetch("/models/dga")->script, "rest.sh");
  EXPECT_EQ(fetch("hdfs://127.0.0.1:8020/models/dga")->script, "rest.sh");
  EXPECT_EQ(fetch("hdfs:///models/dga")->script, "rest.sh");
  EXPECT_EQ(fetch("file://" + folder_.path().string() + "/a%20model")->script, "run.sh");
  EXPECT_EQ(fetch(local.string(), true)->script, "run.sh");
  EXPECT_EQ(fetch("s3a://bucket/x").error().code(), ErrorCode::kUnsupported);
  EXPECT_THAT(fetch("/models/dga", false, false).error().message(), HasSubstr("HADOOP_CONF_DIR"));
}

TEST_F(Fetcher, EndsWhileANameNodeIsWaitedFor) {
  fake_.refuse([](const std::string&, const std::string&) {
    return std::pair(403, FakeHdfs::exception("RetriableException", "starting"));
  });
  FetcherOptions options;
  options.configuration = configuration();
  options.rest = HdfsPayloads::options();
  options.spool = folder_.path() / "spool";
  options.threads = 1;
  auto fetcher = std::move(PayloadFetcher::make(*store_, options)).value();
  io::Loop loop;
  io::Scope scope(loop.executor());
  std::vector<ErrorCode> codes;
  for (int i = 0; i < 2; ++i) {
    scope.spawn([](PayloadFetcher& f, io::Loop& l, std::vector<ErrorCode>& out) -> io::Task<void> {
      const auto fetched = co_await f.fetch(l, "/models/dga");
      out.push_back(fetched ? ErrorCode::kInternal : fetched.error().code());
      if (out.size() == 2) l.stop();
    }(*fetcher, loop, codes));
  }
  loop.post([&] {
    // One runs, one waits; both are told.
    while (fake_.operations().empty()) std::this_thread::yield();
    fetcher.reset();
  });
  loop.run();
  EXPECT_THAT(codes, ElementsAre(ErrorCode::kCancelled, ErrorCode::kCancelled));
}

TEST(Gzip, TheSameBytesGiveTheSameArchive) {
  const auto pack = [](size_t chunk) {
    const std::string text(1'000'000, 'x');
    size_t at = 0;
    GzipReader gzip([&, piece = std::string()]() mutable -> Result<std::string_view> {
      piece = text.substr(at, chunk);
      at += piece.size();
      return std::string_view(piece);
    });
    std::string out;
    for (;;) {
      const auto next = gzip.next();
      EXPECT_TRUE(next);
      if (next->empty()) return out;
      out += *next;
    }
  };
  EXPECT_EQ(pack(1'000), pack(1'000));
  EXPECT_LT(pack(300'000).size(), 20'000u);
}

TEST(Gzip, ASourceThatFailsIsPassedOn) {
  GzipReader gzip([]() -> Result<std::string_view> { return fail(ErrorCode::kDataLoss, "disk"); });
  EXPECT_EQ(gzip.next().error().code(), ErrorCode::kDataLoss);
}

}  // namespace
}  // namespace modelyard::payloads
