// SPDX-License-Identifier: Apache-2.0
// WebHDFS and YARN's REST interface against real servers. tests/cluster/webhdfs.py starts them, says where by
// HADOOP_CONF_DIR, brings them into the state of each suite and runs it by its name.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>

#include "base/random.h"
#include "hadoop/configuration.h"
#include "hadoop/resource_manager.h"
#include "hadoop/timeline.h"
#include "hadoop/webhdfs.h"
#include "io/file.h"
#include "payloads/directory_store.h"
#include "payloads/hdfs/fetch.h"
#include "payloads/hdfs/publish.h"
#include "payloads/tar.h"

namespace modelyard {
namespace {

namespace fs = std::filesystem;
using hadoop::FileStatus;
using ::testing::HasSubstr;

std::optional<std::string> environment(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  return value && *value ? std::optional<std::string>(value) : std::nullopt;
}

hadoop::Configuration configuration() {
  auto loaded = hadoop::Configuration::load_from_environment(environment);
  if (!loaded) ADD_FAILURE() << loaded.error().message();
  return std::move(loaded).value();
}

hadoop::RestOptions rest(const std::string& user = "root") {
  hadoop::RestOptions out;
  out.user = user;
  out.failover_time = milliseconds(3'000);
  return out;
}

hadoop::WebHdfs open(const std::string& user = "root") {
  auto address = configuration().default_file_system();
  if (!address) ADD_FAILURE() << address.error().message();
  return hadoop::WebHdfs(std::move(address).value(), rest(user));
}

std::string bytes_of(size_t size) {
  Random random(size + 1);
  std::string out(size, '\0');
  for (char& c : out) c = static_cast<char>(random());
  return out;
}

#define ASSERT_GOOD(value) ASSERT_TRUE(value) << (value).error().message()

TEST(Files, ComeBackAsTheyWent) {
  auto folder = io::TemporaryFolder::make("webhdfs");
  ASSERT_TRUE(folder);
  hadoop::WebHdfs hdfs = open();
  const std::string at = "/tests/files";
  ASSERT_GOOD(hdfs.make_folder(at + "/deep/er"));
  ASSERT_GOOD(hdfs.make_folder(at + "/deep/er"));
  for (const size_t size : {size_t{0}, size_t{1}, size_t{70'000}, size_t{9} << 20}) {
    for (const std::string name : {"plain.bin", "a b+ü%25;&=.bin"}) {
      const fs::path local = folder->path() / "from";
      const std::string content = bytes_of(size);
      ASSERT_TRUE(io::write_file_atomic(local, content));
      const std::string path = hadoop::join_path(at, name);
      ASSERT_GOOD(hdfs.put(local, path));
      const auto status = hdfs.status(path);
      ASSERT_GOOD(status);
      EXPECT_EQ(status->size, static_cast<int64_t>(size));
      EXPECT_GT(status->modified_ms, 1'600'000'000'000);
      const fs::path back = folder->path() / "back";
      fs::remove(back);
      ASSERT_GOOD(hdfs.fetch(path, back));
      EXPECT_EQ(*io::read_file(back), content);
    }
  }
  const auto listed = hdfs.list(at);
  ASSERT_GOOD(listed);
  EXPECT_EQ(listed->size(), 3u) << "nothing of the sending is left";
  const auto summary = hdfs.summary(at);
  ASSERT_GOOD(summary);
  EXPECT_EQ(summary->files, 2);
  EXPECT_EQ(summary->bytes, 2 * (9 << 20));
  ASSERT_TRUE(*hdfs.remove(at, true));
  EXPECT_FALSE(*hdfs.remove(at, true));
  EXPECT_EQ(hdfs.status(at).error().code(), ErrorCode::kNotFound);
}

TEST(Files, PermissionsRenamesAndRefusals) {
  hadoop::WebHdfs hdfs = open();
  ASSERT_GOOD(hdfs.make_folder("/tests/own", 0700));
  ASSERT_GOOD(hdfs.create_text("/tests/own/secret", "s", {.permission = 0600}));
  EXPECT_EQ(hdfs.status("/tests/own/secret")->permission, 0600u);
  EXPECT_EQ(hdfs.create_text("/tests/own/secret", "t", {}).error().code(), ErrorCode::kAlreadyExists);
  ASSERT_GOOD(hdfs.create_text("/tests/own/secret", "t", {.overwrite = true, .permission = 0600}));
  EXPECT_EQ(*hdfs.read_text("/tests/own/secret", 10), "t");
  ASSERT_GOOD(hdfs.create_text("/tests/own/other", "u", {}));
  EXPECT_EQ(hdfs.rename("/tests/own/other", "/tests/own/secret").error().code(), ErrorCode::kConflict);
  ASSERT_GOOD(hdfs.rename("/tests/own/other", "/tests/own/secret", true));
  EXPECT_EQ(*hdfs.read_text("/tests/own/secret", 10), "u");
  EXPECT_EQ(hdfs.read_text("/tests/own/absent", 10).error().code(), ErrorCode::kNotFound);
  ASSERT_GOOD(hdfs.set_permission("/tests/own/secret", 0644));

  hadoop::WebHdfs alice = open("alice");
  EXPECT_EQ(alice.create_text("/tests/own/hers", "a", {}).error().code(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(alice.make_folder("/alice").error().code(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(alice.list("/tests/own").error().code(), ErrorCode::kPermissionDenied);
  const auto token = hdfs.get_delegation_token("yarn", "127.0.0.1:8020");
  EXPECT_FALSE(token) << "a cluster without Kerberos gives none";
  ASSERT_TRUE(hdfs.remove("/tests/own", true));
}

TEST(Files, AModelIsFetchedAndPublished) {
  auto folder = io::TemporaryFolder::make("webhdfs");
  ASSERT_TRUE(folder);
  hadoop::WebHdfs hdfs = open();
  const fs::path model = folder->path() / "model";
  fs::create_directories(model / "lib");
  std::ofstream(model / "rest.sh") << "#!/bin/sh\n";
  std::ofstream(model / "lib" / "weights") << bytes_of(3 << 20);
  ASSERT_GOOD(hdfs.make_folder("/tests/model/lib"));
  ASSERT_GOOD(hdfs.put(model / "rest.sh", "/tests/model/rest.sh"));
  ASSERT_GOOD(hdfs.put(model / "lib" / "weights", "/tests/model/lib/weights"));
  auto store = std::move(payloads::open_directory_store(folder->path() / "store")).value();
  const auto stored = payloads::fetch_payload(hdfs, "/tests/model", *store, folder->path());
  ASSERT_GOOD(stored);
  EXPECT_EQ(stored->script, "rest.sh");
  EXPECT_EQ(stored->digest, store->store_folder(model)->digest);

  const auto published = payloads::publish_folder(hdfs, *store->find(stored->digest), stored->digest, "/tests/staging");
  ASSERT_GOOD(published);
  const auto status = hdfs.status(published->path);
  ASSERT_GOOD(status);
  EXPECT_EQ(status->size, published->size);
  EXPECT_EQ(status->modified_ms, published->modified_ms);
  EXPECT_EQ(payloads::publish_folder(hdfs, model, stored->digest, "/tests/staging")->modified_ms,
            published->modified_ms);
  const fs::path archive = folder->path() / "archive.tar.gz";
  ASSERT_GOOD(hdfs.fetch(published->path, archive));
  const std::string packed = *io::read_file(archive);
  const fs::path back = folder->path() / "back";
  fs::create_directories(back);
  std::string_view left = packed;
  ASSERT_TRUE(payloads::unpack_tar([&]() -> Result<std::string_view> { return std::exchange(left, {}); }, back));
  EXPECT_EQ(store->store_folder(back)->digest, stored->digest);
  EXPECT_EQ(payloads::collect_published(hdfs, "/tests/staging", {}, system_clock().wall())->size(), 0u)
      << "it is young";
  EXPECT_EQ(
      payloads::collect_published(hdfs, "/tests/staging", {}, system_clock().wall() + seconds(60), seconds(1))->size(),
      1u);
  ASSERT_TRUE(hdfs.remove("/tests", true));
}

TEST(Full, AQuotaIsToldAsFull) {
  hadoop::WebHdfs hdfs = open();
  const Status space = hdfs.create_text("/space/big", bytes_of(2 << 20), {});
  ASSERT_FALSE(space);
  EXPECT_EQ(space.error().code(), ErrorCode::kResourceExhausted) << space.error().message();
  const Status names = hdfs.create_text("/names/one", "1", {});
  ASSERT_FALSE(names);
  EXPECT_EQ(names.error().code(), ErrorCode::kResourceExhausted) << names.error().message();
}

TEST(SafeMode, IsUnavailable) {
  hadoop::WebHdfs hdfs = open();
  EXPECT_TRUE(hdfs.status("/"));
  const Status made = hdfs.make_folder("/in-safe-mode");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code(), ErrorCode::kUnavailable) << made.error().message();
  EXPECT_THAT(made.error().message(), HasSubstr("safe mode"));
}

TEST(NoDataNode, IsUnavailableAndNamed) {
  hadoop::WebHdfs hdfs = open();
  const Status made = hdfs.create_text("/no-data-node", "x", {.overwrite = true});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code(), ErrorCode::kUnavailable) << made.error().message();
  EXPECT_THAT(made.error().message(), HasSubstr("DataNode"));
}

TEST(NoNameNode, IsUnavailableAndNamed) {
  hadoop::WebHdfs hdfs = open();
  const auto status = hdfs.status("/");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), ErrorCode::kUnavailable) << status.error().message();
  EXPECT_THAT(status.error().message(), HasSubstr("the NameNode of hdfs://"));
}

// YARN ------------------------------------------------------------------------------------------------------------

hadoop::ResourceManager open_rm() {
  return hadoop::ResourceManager(std::move(configuration().resource_managers()).value(), rest());
}

hadoop::Submission submission_of(const hadoop::NewApplication& application, const std::string& command) {
  hadoop::Submission out;
  out.id = application.id;
  out.name = "MaaS";
  out.memory_mb = 64;
  out.attempts_max = 1;
  out.keep_containers = true;
  out.attempt_failures_validity = milliseconds(60'000);
  out.command = command;
  out.environment = {{"OF_OURS", "a b"}};
  out.secrets = {{"key", "secret"}};
  return out;
}

Result<hadoop::ApplicationReport> report_when(hadoop::ResourceManager& rm, const std::string& id,
                                              const std::function<bool(const hadoop::ApplicationReport&)>& good) {
  hadoop::RestConnection pauses(rest());
  const SteadyTime end = system_clock().now() + seconds(60);
  for (;;) {
    auto report = rm.report(id);
    if (!report || good(*report) || system_clock().now() > end) return report;
    pauses.pause(milliseconds(200));
  }
}

TEST(Yarn, TellsWhatThereIs) {
  hadoop::ResourceManager rm = open_rm();
  const auto info = rm.info();
  ASSERT_GOOD(info);
  EXPECT_EQ(info->state, "STARTED");
  const auto metrics = rm.metrics();
  ASSERT_GOOD(metrics);
  EXPECT_GE(metrics->nodes_active, 1);
  const auto nodes = rm.nodes();
  ASSERT_GOOD(nodes);
  EXPECT_EQ(nodes->at(0).state, "RUNNING");
  const auto queues = rm.queues();
  ASSERT_GOOD(queues);
  ASSERT_EQ(queues->size(), 2u);
  EXPECT_EQ(queues->at(1).path, "root.default");
  EXPECT_TRUE(rm.node_labels()->empty());
}

TEST(Yarn, AnApplicationEndsWithItsReason) {
  hadoop::ResourceManager rm = open_rm();
  const auto application = rm.new_application();
  ASSERT_GOOD(application);
  EXPECT_GT(application->memory_mb_max, 0);
  // The node manager puts the command into a shell's double quotes.
  ASSERT_GOOD(rm.submit(submission_of(*application, "test \\\"$OF_OURS\\\" = 'a b' && exit 77")));
  const auto report = report_when(rm, application->id, [](const auto& r) { return r.ended(); });
  ASSERT_GOOD(report);
  EXPECT_EQ(report->state, "FAILED");
  EXPECT_THAT(report->diagnostics, HasSubstr("77"));
}

TEST(Yarn, OneThatRunsIsKilled) {
  hadoop::ResourceManager rm = open_rm();
  const auto application = rm.new_application();
  ASSERT_GOOD(application);
  const hadoop::Submission submission = submission_of(*application, "exec tail -f /dev/null");
  ASSERT_GOOD(rm.submit(submission));
  ASSERT_GOOD(rm.submit(submission)) << "said twice it is one application";
  ASSERT_GOOD(report_when(rm, application->id, [](const auto& r) { return r.state == "ACCEPTED"; }));
  ASSERT_GOOD(rm.kill(application->id));
  EXPECT_EQ(report_when(rm, application->id, [](const auto& r) { return r.ended(); })->state, "KILLED");
  EXPECT_TRUE(rm.kill(application->id)) << "of one that has ended";
  EXPECT_EQ(rm.report("application_1_1").error().code(), ErrorCode::kNotFound);
}

TEST(Yarn, RefusalsCarryTheReason) {
  hadoop::ResourceManager rm = open_rm();
  const auto application = rm.new_application();
  ASSERT_GOOD(application);
  hadoop::Submission submission = submission_of(*application, "true");
  submission.memory_mb = application->memory_mb_max + 1;
  const Status large = rm.submit(submission);
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(large.error().message(), HasSubstr("more memory than"));
  submission.memory_mb = 64;
  submission.queue = "nowhere";
  ASSERT_GOOD(rm.submit(submission));
  const auto report = report_when(rm, application->id, [](const auto& r) { return r.ended(); });
  ASSERT_GOOD(report);
  EXPECT_THAT(report->diagnostics, HasSubstr("unknown queue"));
}

TEST(YarnPair, TheActiveOneIsFound) {
  hadoop::ResourceManager rm = open_rm();
  const auto application = rm.new_application();
  ASSERT_GOOD(application);
  ASSERT_GOOD(rm.submit(submission_of(*application, "true")));
  ASSERT_GOOD(report_when(rm, application->id, [](const auto& r) { return r.ended(); }));
}

TEST(TimelineServer, TakesDomainsAndEntities) {
  const auto address = configuration().timeline();
  ASSERT_TRUE(address && *address);
  hadoop::Timeline timeline(**address, rest());
  const Status domain = timeline.put_domain({"models", "for a test", "*", "root"});
  ASSERT_GOOD(domain);
  const int64_t now = to_epoch_ms(system_clock().wall());
  const Status put =
      timeline.put_entities({{"MODELYARD_MODEL", "dga@1.0", "models", now, {{now, "READY", {{"url", "x"}}}}, {}, {}}});
  ASSERT_GOOD(put);
}

}  // namespace
}  // namespace modelyard
