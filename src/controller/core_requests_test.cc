// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "controller/core.h"

namespace modelyard::controller {
namespace {

// A core with what was stored, and its requests stored as if the registry always answered.
class Requests : public testing::Test {
 protected:
  Requests() {
    core_.load({.epoch = 1}, {SteadyTime(seconds(1)), 1}, random_,
               [](const registry::Instance&) { return Liveness::kFree; });
  }
  static DeployRequest dga(std::string digest = "sha256:1", int instances = 1) {
    DeployRequest request;
    request.name = "dga";
    request.version = "1.0";
    request.digest = std::move(digest);
    request.instances = instances;
    request.owner = "ada";
    return request;
  }
  DeployOutcome deploy(const DeployRequest& request) {
    DeployOutcome outcome;
    auto batch = core_.deploy(request, 5, outcome);
    EXPECT_TRUE(batch) << batch.error().message();
    core_.committed(*batch, {SteadyTime(seconds(1)), 1});
    return outcome;
  }
  void store(const Result<Core::Batch>& batch) {
    ASSERT_TRUE(batch) << batch.error().message();
    core_.committed(*batch, {SteadyTime(seconds(1)), 1});
  }
  const registry::Deployment& stored(const std::string& version = "1.0") {
    return core_.desired().deployments.at({"dga", version});
  }
  void reject_newest() {
    Core::Batch batch;
    registry::Deployment next = stored();
    next.rejected_revision = next.revisions.back().number;
    next.rejected_reason = "it did not come up";
    ++next.generation;
    batch.actions.push_back({.kind = Action::Kind::kPutDeployment, .deployment = next});
    core_.committed(batch, {SteadyTime(seconds(1)), 1});
  }
  Random random_{1};
  Core core_{{}, "here"};
};

TEST_F(Requests, TheSameAgainChangesNothing) {
  EXPECT_TRUE(deploy(dga()).created);
  const auto before = stored();
  const DeployOutcome again = deploy(dga());
  EXPECT_FALSE(again.created || again.changed);
  EXPECT_EQ(stored(), before);
}

TEST_F(Requests, AnotherTerminalIsNoUpdate) {
  DeployRequest request = dga();
  request.inherited_env = {{"PATH", "/a"}, {"AWS_SECRET_ACCESS_KEY", "s"}};
  deploy(request);
  EXPECT_EQ(stored().inherited_env, (std::map<std::string, std::string>{{"PATH", "/a"}}))
      << "only the documented names";
  request.inherited_env = {{"PATH", "/b"}};
  EXPECT_FALSE(deploy(request).changed);
}

TEST_F(Requests, WhatInstancesAreStartedWithMakesARevision) {
  deploy(dga());
  struct Row {
    std::string name;
    std::function<void(DeployRequest&)> change;
  };
  const std::vector<Row> rows = {{"payload", [](auto& r) { r.digest = "sha256:2"; }},
                                 {"memory", [](auto& r) { r.memory_mb = 64; }},
                                 {"vcores", [](auto& r) { r.vcores = 2; }},
                                 {"env",
                                  [](auto& r) {
                                    r.env = {{"A", "b"}};
                                  }},
                                 {"health", [](auto& r) { r.health_path = "/h"; }}};
  for (const Row& row : rows) {
    const int64_t newest = stored().revisions.back().number;
    DeployRequest request = dga();
    row.change(request);
    EXPECT_EQ(deploy(request).revision, newest + 1) << row.name;
  }
  const int64_t newest = stored().revisions.back().number;
  DeployRequest request = dga();
  request.health_path = "/h";
  request.instances = 4;
  request.protocol = "post-json";
  EXPECT_EQ(deploy(request).revision, newest) << "the number and the protocol are no revision";
  EXPECT_EQ(stored().instances, 4);
}

TEST_F(Requests, FiveRevisionsAreKept) {
  for (int i = 1; i <= 8; ++i) deploy(dga("sha256:" + std::to_string(i)));
  ASSERT_EQ(stored().revisions.size(), 5u);
  EXPECT_EQ(stored().revisions.front().number, 4);
}

TEST_F(Requests, WhatWasRejectedMayBeTriedAgainOrGivenUp) {
  deploy(dga("sha256:1"));
  deploy(dga("sha256:2"));
  reject_newest();
  EXPECT_EQ(wanted_revision(stored())->number, 1);
  EXPECT_EQ(deploy(dga("sha256:2")).revision, 3) << "tried again";
  EXPECT_EQ(stored().rejected_revision, 0);
  EXPECT_EQ(stored().rejected_reason, "");
  reject_newest();
  EXPECT_EQ(wanted_revision(stored())->number, 2);
  const DeployOutcome given_up = deploy(dga("sha256:2"));
  EXPECT_TRUE(given_up.changed);
  EXPECT_EQ(given_up.revision, 2) << "what runs is what is asked for";
  EXPECT_EQ(deploy(dga("sha256:3")).revision, 4) << "a number is not given twice";
}

TEST_F(Requests, DeployedAgainWhileItIsRemovedItStays) {
  deploy(dga());
  RemoveOutcome outcome;
  store(core_.remove("dga", std::nullopt, std::nullopt, 6, outcome));
  EXPECT_TRUE(stored().removing);
  EXPECT_EQ(deploy(dga("sha256:1", 2)).revision, 1);
  EXPECT_FALSE(stored().removing);
  EXPECT_EQ(stored().instances, 2);
}

TEST_F(Requests, RemoveTakesAllVersionsOrSomeInstances) {
  deploy(dga("sha256:1", 3));
  DeployRequest other = dga("sha256:2", 2);
  other.version = "2.0";
  deploy(other);
  RemoveOutcome some;
  store(core_.remove("dga", "1.0", 2, 6, some));
  EXPECT_EQ(some.instances, 2);
  EXPECT_EQ(stored().instances, 1);
  EXPECT_EQ(stored("2.0").instances, 2);
  RemoveOutcome more;
  store(core_.remove("dga", "1.0", 9, 6, more));
  EXPECT_EQ(more.instances, 1);
  EXPECT_TRUE(stored().removing) << "none left: the deployment ends";
  RemoveOutcome all;
  store(core_.remove("dga", std::nullopt, std::nullopt, 6, all));
  EXPECT_EQ(all.deployments, 1) << "the other one ends already";
  EXPECT_TRUE(stored("2.0").removing);
}

struct BadDeploy {
  std::string name;
  std::function<void(DeployRequest&)> change;
  std::string says;
};
class BadDeploys : public testing::TestWithParam<BadDeploy> {};
TEST_P(BadDeploys, NameTheField) {
  Core core({}, "here");
  DeployRequest request;
  request.name = "dga";
  request.version = "1.0";
  request.digest = "sha256:1";
  GetParam().change(request);
  DeployOutcome outcome;
  const auto refused = core.deploy(request, 5, outcome);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_NE(refused.error().message().find(GetParam().says), std::string::npos) << refused.error().message();
}
INSTANTIATE_TEST_SUITE_P(
    Requests, BadDeploys,
    testing::Values(BadDeploy{"no_name", [](auto& r) { r.name = ""; }, "name ''"},
                    BadDeploy{"name_climbs", [](auto& r) { r.name = "../etc"; }, "name '../etc'"},
                    BadDeploy{"name_no_utf8", [](auto& r) { r.name = "\xff"; }, "name"},
                    BadDeploy{"version_slash", [](auto& r) { r.version = "1/0"; }, "version '1/0'"},
                    BadDeploy{"version_long", [](auto& r) { r.version = std::string(300, '1'); }, "version"},
                    BadDeploy{"instances_negative", [](auto& r) { r.instances = -1; }, "instances is -1"},
                    BadDeploy{"instances_many", [](auto& r) { r.instances = 10'001; }, "0 to 10000"},
                    BadDeploy{"memory", [](auto& r) { r.memory_mb = -5; }, "memory is -5"},
                    BadDeploy{"vcores", [](auto& r) { r.vcores = 0; }, "vcores is 0"},
                    BadDeploy{"protocol", [](auto& r) { r.protocol = "grpc"; }, "protocol 'grpc'"},
                    BadDeploy{"health", [](auto& r) { r.health_path = "health"; }, "must begin with /"},
                    BadDeploy{"env_name",
                              [](auto& r) {
                                r.env = {{"A=B", "c"}};
                              },
                              "env 'A=B'"},
                    BadDeploy{"env_nul",
                              [](auto& r) {
                                r.env = {{"A", std::string("\0", 1)}};
                              },
                              "NUL"},
                    BadDeploy{"digest", [](auto& r) { r.digest = ""; }, "digest"}),
    [](const auto& row) { return row.param.name; });

TEST_F(Requests, WhatIsNotThereIsNotFound) {
  RemoveOutcome outcome;
  EXPECT_EQ(core_.scale("dga", "1.0", 2, 5).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(core_.remove("dga", std::nullopt, std::nullopt, 5, outcome).error().code(), ErrorCode::kNotFound);
  deploy(dga());
  EXPECT_EQ(core_.remove("dga", "9.9", std::nullopt, 5, outcome).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(core_.remove("dga", "1.0", 0, 5, outcome).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(core_.scale("dga", "1.0", -1, 5).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_TRUE(core_.scale("dga", "1.0", 1, 5)->empty()) << "as many as there are: nothing to store";
}

TEST_F(Requests, WhatARunnerSaysIsBounded) {
  deploy(dga());
  store(core_.plan({SteadyTime(seconds(2)), 2}, random_));
  registry::RunnerReport report;
  report.id = core_.observed().instances.begin()->first;
  report.incarnation = core_.observed().instances.begin()->second.record.incarnation;
  report.state = registry::InstanceState::kFailed;
  report.reason = std::string(100'000, 'r');
  report.log_tail = {"early", std::string(4'045, 'x'), std::string(50, 'y')};
  ASSERT_TRUE(core_.report(report));
  const auto& kept = *core_.observed().instances.begin()->second.facts.report;
  EXPECT_LE(kept.reason.size(), 2048u);
  ASSERT_EQ(kept.log_tail.size(), 2u) << "the last lines stay";
  EXPECT_EQ(kept.log_tail.back(), std::string(50, 'y'));
}

}  // namespace
}  // namespace modelyard::controller
