// SPDX-License-Identifier: Apache-2.0
#include "registry/embedded.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file.h"
#include "registry/fake.h"
#include "sqlite/database.h"

namespace modelyard::registry {
namespace {

Deployment deployment(int64_t generation, int instances = 1) {
  Deployment out;
  out.name = "dga";
  out.version = "1.0";
  out.generation = generation;
  out.instances = instances;
  out.revisions = {{.number = 1, .digest = "sha256:1"}};
  return out;
}

Instance instance(std::string id, int64_t incarnation) {
  Instance out;
  out.id = std::move(id);
  out.name = "dga";
  out.version = "1.0";
  out.incarnation = incarnation;
  return out;
}

Event event(std::string kind, std::string name = "dga") {
  return {.at_ms = 1, .name = std::move(name), .version = "1.0", .kind = std::move(kind), .text = "t"};
}

// What both implementations promise.
struct Kind {
  std::string name;
  std::function<std::unique_ptr<Registry>(const std::filesystem::path&)> make;
};
class AnyRegistry : public testing::TestWithParam<Kind> {
 protected:
  io::TemporaryFolder folder_ = io::TemporaryFolder::make("modelyard-registry").value();
  std::unique_ptr<Registry> registry_ = GetParam().make(folder_.path());
  io::Loop loop_;
  template <typename... W>
  Status write(W... writes) {
    std::vector<Write> batch{std::move(writes)...};
    return io::run_blocking(loop_, registry_->write(std::move(batch)));
  }
  Contents lead() { return io::run_blocking(loop_, registry_->lead()).value(); }
};

TEST_P(AnyRegistry, GivesBackWhatWasWritten) {
  const int64_t epoch = lead().epoch;
  Instance ready = instance("dga-1.0-1", 5);
  ready.state = InstanceState::kReady;
  ready.endpoint = Endpoint{.id = ready.id, .name = "dga", .version = "1.0", .url = "http://h:1"};
  ASSERT_TRUE(write(Write::put(deployment(1)), Write::put(ready), Write::put(instance("dga-1.0-2", 6)),
                    Write::append(event("deployed"))));
  ASSERT_TRUE(write(Write::put_name("dga", {.pin = "1.0", .weights = {{"1.0", 0.5}}})));
  ASSERT_TRUE(write(Write::remove_instance("dga-1.0-2"), Write::put(deployment(2, 3))));
  const Contents contents = lead();
  EXPECT_GT(contents.epoch, epoch);
  EXPECT_EQ(contents.last_incarnation, 6) << "that of the removed one too";
  ASSERT_EQ(contents.deployments.size(), 1u);
  EXPECT_EQ(contents.deployments[0], deployment(2, 3));
  ASSERT_EQ(contents.instances.size(), 1u);
  EXPECT_EQ(contents.instances[0], ready);
  EXPECT_EQ(contents.names.at("dga"), (NameRecord{.pin = "1.0", .weights = {{"1.0", 0.5}}}));
  ASSERT_TRUE(write(Write::remove_instance(ready.id), Write::remove_deployment("dga", "1.0")));
  EXPECT_TRUE(lead().deployments.empty());
}

TEST_P(AnyRegistry, ALostRaceStoresNothingOfTheBatch) {
  lead();
  ASSERT_TRUE(write(Write::put(deployment(1))));
  const Status lost = write(Write::put(instance("dga-1.0-1", 1)), Write::put(deployment(1, 9)));
  EXPECT_EQ(lost.error().code(), ErrorCode::kConflict);
  EXPECT_EQ(write(Write::put(deployment(3))).error().code(), ErrorCode::kConflict);
  const Contents contents = lead();
  EXPECT_TRUE(contents.instances.empty());
  EXPECT_EQ(contents.deployments.at(0).instances, 1);
}

TEST_P(AnyRegistry, EventsComeOldestFirstByNameAndBounded) {
  lead();
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE(write(Write::append(event("e" + std::to_string(i))), Write::append(event("x", "other"))));
  const auto kinds = [&](std::string name, int limit) {
    std::string out;
    const auto events = io::run_blocking(loop_, registry_->events(std::move(name), "", limit)).value();
    for (const Event& e : events) out += e.kind + " ";
    return out;
  };
  EXPECT_EQ(kinds("dga", 3), "e2 e3 e4 ");
  EXPECT_EQ(kinds("", 3), "x e4 x ");
  EXPECT_EQ(kinds("nobody", 3), "");
  EXPECT_EQ(kinds("dga", 0), "");
}

INSTANTIATE_TEST_SUITE_P(Registry, AnyRegistry,
                         testing::Values(Kind{"embedded",
                                              [](const auto& folder) -> std::unique_ptr<Registry> {
                                                return EmbeddedRegistry::open(folder).value();
                                              }},
                                         Kind{"fake",
                                              [](const auto&) -> std::unique_ptr<Registry> {
                                                return std::make_unique<FakeRegistry>();
                                              }}),
                         [](const auto& row) { return row.param.name; });

class EmbeddedTest : public testing::Test {
 protected:
  io::TemporaryFolder folder_ = io::TemporaryFolder::make("modelyard-registry").value();
  io::Loop loop_;
};

TEST_F(EmbeddedTest, SurvivesAReopenAndCountsEpochs) {
  for (int64_t epoch = 1; epoch <= 3; ++epoch) {
    auto registry = EmbeddedRegistry::open(folder_.path()).value();
    const Contents contents = io::run_blocking(loop_, registry->lead()).value();
    EXPECT_EQ(contents.epoch, epoch);
    EXPECT_EQ(contents.deployments.size(), epoch == 1 ? 0u : 1u);
    ASSERT_TRUE(io::run_blocking(loop_, registry->write({Write::put(deployment(epoch))})));
  }
}

TEST_F(EmbeddedTest, TheOldestEventsGo) {
  auto registry = EmbeddedRegistry::open(folder_.path(), {.events_max = 10}).value();
  io::run_blocking(loop_, registry->lead()).value();
  for (int i = 0; i < 25; ++i)
    ASSERT_TRUE(io::run_blocking(loop_, registry->write({Write::append(event("e" + std::to_string(i)))})));
  const auto events = io::run_blocking(loop_, registry->events("", "", 1000)).value();
  ASSERT_EQ(events.size(), 10u);
  EXPECT_EQ(events.front().kind, "e15");
}

TEST_F(EmbeddedTest, ASecondOneIsRefusedAndTheFolderIsPrivate) {
  const auto data = folder_.path() / "data";
  auto first = EmbeddedRegistry::open(data).value();
  const auto second = EmbeddedRegistry::open(data);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::kConflict);
  EXPECT_NE(second.error().message().find("in use by another modelyard"), std::string::npos)
      << second.error().message();
  EXPECT_NE(second.error().message().find(data.string()), std::string::npos);
  struct stat info {};
  ASSERT_EQ(stat(data.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
  first.reset();
  EXPECT_TRUE(EmbeddedRegistry::open(data));
}

TEST_F(EmbeddedTest, ANewerFormatIsRefused) {
  { EmbeddedRegistry::open(folder_.path()).value(); }
  {
    sqlite3* raw = nullptr;
    ASSERT_EQ(sqlite3_open((folder_.path() / "registry.db").c_str(), &raw), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(raw, "PRAGMA user_version=99", nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(raw);
  }
  const auto refused = EmbeddedRegistry::open(folder_.path());
  EXPECT_EQ(refused.error().code(), ErrorCode::kUnsupported);
  EXPECT_NE(refused.error().message().find("format 99"), std::string::npos) << refused.error().message();
}

TEST_F(EmbeddedTest, AFolderThatCannotBeWrittenIsNamed) {
  if (geteuid() == 0) {
    // Root may write everywhere; a folder where a file stands is refused for anybody.
    ASSERT_TRUE(io::write_file_atomic(folder_.path() / "f", "x"));
    const auto refused = EmbeddedRegistry::open(folder_.path() / "f" / "data");
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message().find("data folder"), std::string::npos) << refused.error().message();
    return;
  }
  ASSERT_EQ(chmod(folder_.path().c_str(), 0500), 0);
  const auto refused = EmbeddedRegistry::open(folder_.path());
  ASSERT_EQ(chmod(folder_.path().c_str(), 0700), 0);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kPermissionDenied);
}

TEST_F(EmbeddedTest, AFullDiskLosesNothingThatWasStored) {
  auto registry = EmbeddedRegistry::open(folder_.path()).value();
  io::run_blocking(loop_, registry->lead()).value();
  ASSERT_TRUE(io::run_blocking(loop_, registry->write({Write::put(deployment(1))})));
  registry->fail_writes_for_testing(SQLITE_FULL);
  const Status full =
      io::run_blocking(loop_, registry->write({Write::put(deployment(2, 5)), Write::append(event("scaled"))}));
  EXPECT_EQ(full.error().code(), ErrorCode::kResourceExhausted);
  EXPECT_NE(full.error().message().find("free some space"), std::string::npos);
  registry->fail_writes_for_testing(0);
  EXPECT_EQ(io::run_blocking(loop_, registry->lead()).value().deployments.at(0).instances, 1);
}

TEST_F(EmbeddedTest, ARecordThatCannotBeReadIsNamed) {
  {
    auto registry = EmbeddedRegistry::open(folder_.path()).value();
    io::run_blocking(loop_, registry->lead()).value();
    ASSERT_TRUE(io::run_blocking(loop_, registry->write({Write::put(deployment(1))})));
  }
  {
    sqlite3* raw = nullptr;
    ASSERT_EQ(sqlite3_open((folder_.path() / "registry.db").c_str(), &raw), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(raw, "UPDATE deployments SET record='{'", nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(raw);
  }
  auto registry = EmbeddedRegistry::open(folder_.path()).value();
  const auto lead = io::run_blocking(loop_, registry->lead());
  EXPECT_EQ(lead.error().code(), ErrorCode::kDataLoss);
  EXPECT_NE(lead.error().message().find("dga@1.0"), std::string::npos) << lead.error().message();
}

}  // namespace
}  // namespace modelyard::registry
