// SPDX-License-Identifier: Apache-2.0
#include "cli/yarn_application.h"

#include <gmock/gmock.h>

#include "cli/hdfs_upload.h"
#include "hadoop/testing/fake_hdfs.h"
#include "hadoop/testing/scripted_web.h"
#include "io/file.h"
#include "payloads/run_tool.h"

namespace modelyard::cli {
namespace {

using hadoop::testing::FakeHdfs;
using hadoop::testing::ScriptedWeb;
using testing::HasSubstr;

constexpr const char* kFolder = "/user/alice/.modelyard";

hadoop::RestOptions rest() {
  hadoop::RestOptions out;
  out.user = "alice";
  out.call_timeout = milliseconds(5'000);
  return out;
}

TEST(CommandWord, AnyWordComesThroughTwoShells) {
  for (const std::string word : {"a b", "a'; touch x; '", "$HOME `id` \\ \"q\"", "", "!#*?~"}) {
    const std::string script = "/bin/bash -c \"printf %s " + command_word(word) + "\"";
    const auto ran = payloads::run_tool({"/bin/bash", "-c", script}, seconds(10));
    ASSERT_TRUE(ran) << ran.error().message();
    EXPECT_EQ(ran->exit_code, 0);
    EXPECT_EQ(ran->text, word);
    const std::string exported = "export A=\"" + environment_value(word) + "\"; printf %s \"$A\"";
    EXPECT_EQ(payloads::run_tool({"/bin/bash", "-c", exported}, seconds(10))->text, word);
  }
}

TEST(ControllerCommand, ReplacesTheShellAndQuotesWhatPeopleChose) {
  ApplicationOptions options;
  options.quorum = "a:1,b:2/chroot";
  options.zk_root = "/x y";
  const std::string command = controller_command(options, "hdfs://nn:8020/user/alice/.modelyard");
  EXPECT_THAT(command, HasSubstr("exec 1><LOG_DIR>/stdout 2><LOG_DIR>/stderr;"));
  EXPECT_THAT(command, HasSubstr("exec ./modelyard/bin/modelyard controller --launcher yarn --zk 'a:1,b:2/chroot' "
                                 "--zk-root '/x y'"));
}

TEST(InstallationSecret, IsMadeOnceAndReadAfterwards) {
  FakeHdfs fake;
  hadoop::WebHdfs hdfs(fake.address(), rest());
  const auto made = installation_secret(hdfs, kFolder);
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ(made->size(), 64u);
  EXPECT_EQ(fake.files().at(std::string(kFolder) + "/secret").permission, 0600u);
  EXPECT_EQ(*installation_secret(hdfs, kFolder), *made);
  EXPECT_EQ(fake.files().size(), 4u) << "the folders and the secret, no copy of it";
}

TEST(InstallationSecret, OneThatOthersCanReadIsRefused) {
  FakeHdfs fake;
  fake.put(std::string(kFolder) + "/secret", {std::string(64, 'a'), 0644});
  hadoop::WebHdfs hdfs(fake.address(), rest());
  const auto read = installation_secret(hdfs, kFolder);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), ErrorCode::kPermissionDenied);
  EXPECT_THAT(read.error().message(), HasSubstr("chmod 600"));
}

TEST(InstallationSecret, TwoThatMakeItAtOnceEndWithTheSame) {
  FakeHdfs fake;
  hadoop::WebHdfs hdfs(fake.address(), rest());
  const std::string other(64, 'b');
  // The other one's secret appears just before ours is renamed; under the fake's lock the renaming is answered "no".
  fake.refuse([&](const std::string& op, const std::string&) -> std::optional<std::pair<int, std::string>> {
    if (op != "RENAME") return std::nullopt;
    return std::pair(200, std::string(R"({"boolean":false})"));
  });
  EXPECT_EQ(installation_secret(hdfs, kFolder).error().code(), ErrorCode::kNotFound);
  for (const auto& [name, file] : fake.files()) EXPECT_EQ(name.find("secret"), std::string::npos) << name;
  fake.put(std::string(kFolder) + "/secret", {other, 0600});
  EXPECT_EQ(*installation_secret(hdfs, kFolder), other);
}

TEST(PlaceBundle, SendsTheSameBundleOnce) {
  FakeHdfs fake;
  hadoop::WebHdfs hdfs(fake.address(), rest());
  auto folder = io::TemporaryFolder::make("bundle");
  ASSERT_TRUE(folder);
  ASSERT_TRUE(io::write_file_atomic(folder->path() / "b.tar.gz", "bundle"));
  const auto placed = place_bundle(hdfs, kFolder, folder->path() / "b.tar.gz", {});
  ASSERT_TRUE(placed) << placed.error().message();
  EXPECT_EQ(placed->uri,
            "hdfs://127.0.0.1:8020/user/alice/.modelyard/bundles/"
            "1e6ed65d77d6364eeaed5a745ba5c4985ae2b700dd85d7cf7f027bdf294a33fc.tar.gz");
  EXPECT_TRUE(placed->archive);
  EXPECT_EQ(placed->size, 6);
  const size_t before = fake.operations().size();
  ASSERT_TRUE(place_bundle(hdfs, kFolder, folder->path() / "b.tar.gz", {}));
  EXPECT_EQ(fake.operations().size(), before + 1);
}

std::string queues() {
  return R"({"scheduler":{"schedulerInfo":{"queueName":"root","queues":{"queue":[
      {"queueName":"default","queuePath":"root.default","state":"RUNNING"},
      {"queueName":"shut","queuePath":"root.shut","state":"STOPPED"}]}}}})";
}

struct Check {
  std::string name;
  std::function<void(ApplicationOptions&)> change;
  std::string says;  // "" = good
};
class CheckRequest : public testing::TestWithParam<Check> {};
TEST_P(CheckRequest, SaysWhatThereIs) {
  ScriptedWeb web;
  web.play({{200, queues()}, {200, R"({"nodeLabelInfo":[{"name":"gpu"}]})"}});
  hadoop::ResourceManager rm({{"", {}, {}, {false, {"127.0.0.1", web.port()}}}}, rest());
  ApplicationOptions options;
  GetParam().change(options);
  const Status good = check_request(rm, options, {"application_1_1", 4096, 4});
  if (GetParam().says.empty()) {
    EXPECT_TRUE(good) << good.error().message();
  } else {
    ASSERT_FALSE(good);
    EXPECT_THAT(good.error().message(), HasSubstr(GetParam().says));
  }
}
INSTANTIATE_TEST_SUITE_P(
    Table, CheckRequest,
    testing::Values(Check{"good", [](ApplicationOptions&) {}, ""},
                    Check{"memory", [](ApplicationOptions& o) { o.memory_mb = 4097; }, "at most 4096 MB"},
                    Check{"cores", [](ApplicationOptions& o) { o.vcores = 5; }, "at most 4 cores"},
                    Check{"queue", [](ApplicationOptions& o) { o.queue = "ml"; },
                          "there is no queue ml; there are default, shut"},
                    Check{"full_path", [](ApplicationOptions& o) { o.queue = "root.default"; }, ""},
                    Check{"stopped", [](ApplicationOptions& o) { o.queue = "shut"; }, "its state is STOPPED"},
                    Check{"label", [](ApplicationOptions& o) { o.node_label = "gpu"; }, ""},
                    Check{"anywhere", [](ApplicationOptions& o) { o.node_label = ""; }, ""},
                    Check{"no_such_label", [](ApplicationOptions& o) { o.node_label = "tpu"; },
                          "there is no node label tpu; there are gpu"}),
    [](const auto& row) { return row.param.name; });

TEST(UploadFiles, SendsAllAndTellsTheBytes) {
  FakeHdfs fake;
  hadoop::WebHdfs hdfs(fake.address(), rest());
  auto folder = io::TemporaryFolder::make("upload");
  ASSERT_TRUE(folder);
  std::vector<UploadJob> jobs;
  for (int i = 0; i < 10; ++i) {
    const std::string name = "f" + std::to_string(i);
    ASSERT_TRUE(io::write_file_atomic(folder->path() / name, std::string(1000, 'x')));
    jobs.push_back({folder->path() / name, "/m/" + name, 1000, 0644});
  }
  ASSERT_TRUE(upload_files(hdfs, jobs, {}));
  EXPECT_EQ(fake.files().size(), 11u);
  for (const auto& [name, file] : fake.files()) {
    if (name != "/m/") EXPECT_EQ(file.content.size(), 1000u) << name;
  }
}

TEST(UploadFiles, TheFirstErrorEndsTheRest) {
  FakeHdfs fake;
  fake.refuse([](const std::string& op, const std::string&) -> std::optional<std::pair<int, std::string>> {
    if (op != "CREATE") return std::nullopt;
    return std::pair(403, FakeHdfs::exception("AccessControlException", "Permission denied: user=alice"));
  });
  hadoop::WebHdfs hdfs(fake.address(), rest());
  auto folder = io::TemporaryFolder::make("upload");
  ASSERT_TRUE(folder);
  ASSERT_TRUE(io::write_file_atomic(folder->path() / "f", "x"));
  std::vector<UploadJob> jobs(20, {folder->path() / "f", "/m/f", 1, 0644});
  const Status sent = upload_files(hdfs, jobs, {});
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code(), ErrorCode::kPermissionDenied) << sent.error().message();
  EXPECT_LT(fake.operations().size(), 20u);
}

}  // namespace
}  // namespace modelyard::cli
