// SPDX-License-Identifier: Apache-2.0
#include "registry/types.h"

#include <gtest/gtest.h>

#include "json/tree.h"
#include "registry/contents.h"
#include "registry/instance_folder.h"

namespace modelyard::registry {
namespace {

Endpoint endpoint(std::string id, std::string version = "1.0", std::string url = "http://h:1") {
  return {.id = std::move(id),
          .name = "dga",
          .version = std::move(version),
          .url = std::move(url),
          .host = "h",
          .functions = {{"apply", "apply"}}};
}

TEST(Types, EveryStateHasOneName) {
  for (int i = 0; i <= static_cast<int>(InstanceState::kGone); ++i) {
    const auto state = static_cast<InstanceState>(i);
    EXPECT_EQ(instance_state_from(to_string(state)), state);
  }
  for (int i = 0; i <= static_cast<int>(DeploymentState::kRemoving); ++i) {
    const auto state = static_cast<DeploymentState>(i);
    EXPECT_EQ(deployment_state_from(to_string(state)), state);
  }
  EXPECT_EQ(to_string(DeploymentState::kCrashLoop), "crash-loop");
  EXPECT_FALSE(instance_state_from("happy"));
}

TEST(Types, RecordsSurviveJson) {
  Deployment deployment;
  deployment.name = "dga";
  deployment.version = "1.0";
  deployment.generation = 7;
  deployment.instances = 3;
  deployment.env = {{"A", "b=c"}};
  deployment.inherited_env = {{"PATH", "/bin"}};
  deployment.health_path = "/health";
  deployment.removing = true;
  deployment.revisions = {{.number = 1,
                           .digest = "sha256:1",
                           .memory_mb = 512,
                           .vcores = 2,
                           .env = {{"A", "b"}},
                           .created_ms = 5,
                           .created_by = "ada"},
                          {.number = 4, .digest = "sha256:2"}};
  deployment.rejected_revision = 4;
  deployment.rejected_reason = "no";
  deployment.last_revision = 4;
  deployment.restarts = 9;
  EXPECT_EQ(deployment_from_json(json::parse(json::dump(to_json(deployment))).value()).value(), deployment);

  Instance instance;
  instance.id = "dga-1.0-000001";
  instance.incarnation = 12;
  instance.name = "dga";
  instance.version = "1.0";
  instance.state = InstanceState::kReady;
  instance.runner_pid = 4;
  instance.boot_id = "b";
  instance.runner_start_ticks = 99;
  instance.endpoint = endpoint(instance.id);
  instance.log_tail = {"one", "two"};
  instance.started_ms = instance.ready_ms = 5;
  instance.restarts = 2;
  instance.failures = 1;
  EXPECT_EQ(instance_from_json(json::parse(json::dump(to_json(instance))).value()).value(), instance);

  InstanceSpec spec;
  spec.id = "i";
  spec.name = "dga";
  spec.version = "1";
  spec.payload = "/p";
  spec.folder = "/f";
  spec.socket = "/s";
  spec.env = {{"K", "v"}};
  spec.drain_ms = 5;
  const auto spec_back = instance_spec_from_json(to_json(spec)).value();
  EXPECT_EQ(json::dump(to_json(spec_back)), json::dump(to_json(spec)));
  EXPECT_EQ(log_folder_of(spec), "/f/log");
  spec.socket = "";
  EXPECT_FALSE(instance_spec_from_json(to_json(spec)));
  spec.zookeeper = "node1:2181/modelyard";
  spec.log_folder = "/var/log/container_1";
  EXPECT_EQ(log_folder_of(instance_spec_from_json(to_json(spec)).value()), "/var/log/container_1");

  RunnerReport report;
  report.id = "i";
  report.state = InstanceState::kUnhealthy;
  report.reason = "r";
  report.endpoint = endpoint("i");
  report.answers_on_loopback_only = true;
  report.log_address = "node1:4711";
  const auto report_back = runner_report_from_json(to_json(report)).value();
  EXPECT_EQ(json::dump(to_json(report_back)), json::dump(to_json(report)));
}

// By Python: hmac.new(b"secret", b"logs dga-1.0-000001", "sha256").hexdigest()
TEST(RunnerLogToken, IsOfTheSecretAndTheInstance) {
  EXPECT_EQ(runner_log_token("secret", "dga-1.0-000001"),
            "daee52003af83e20fd2d635108bc18d9ae979428f290a61b2d2a9b63567be1fc");
  EXPECT_NE(runner_log_token("secret", "dga-1.0-000002"), runner_log_token("secret", "dga-1.0-000001"));
  EXPECT_NE(runner_log_token("other", "dga-1.0-000001"), runner_log_token("secret", "dga-1.0-000001"));
}

struct Bad {
  std::string name, text, says;
};
class BadRecord : public testing::TestWithParam<Bad> {};
TEST_P(BadRecord, NamesTheMember) {
  const auto got = instance_from_json(json::parse(GetParam().text).value());
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_NE(got.error().message().find(GetParam().says), std::string::npos) << got.error().message();
}
INSTANTIATE_TEST_SUITE_P(
    Types, BadRecord,
    testing::Values(
        Bad{"not_an_object", "[]", "must be a JSON object"},
        Bad{"no_id", R"({"name":"a","version":"1"})", "id is missing"},
        Bad{"id_is_null", R"({"id":null,"name":"a","version":"1"})", "id is missing"},
        Bad{"id_is_a_number", R"({"id":1,"name":"a","version":"1"})", "id must be a string"},
        Bad{"state", R"({"id":"i","name":"a","version":"1","state":"happy"})", "happy"},
        Bad{"incarnation_text", R"({"id":"i","name":"a","version":"1","incarnation":"1"})",
            "incarnation must be a whole number"},
        Bad{"incarnation_huge", R"({"id":"i","name":"a","version":"1","incarnation":18446744073709551615})",
            "whole number"},
        Bad{"incarnation_fraction", R"({"id":"i","name":"a","version":"1","incarnation":1.5})", "whole number"},
        Bad{"failures_huge", R"({"id":"i","name":"a","version":"1","failures":5000000000})",
            "failures must be a smaller"},
        Bad{"log_tail", R"({"id":"i","name":"a","version":"1","log_tail":[1]})", "array of strings"},
        Bad{"endpoint", R"({"id":"i","name":"a","version":"1","endpoint":{"id":"i"}})", "endpoint: name is missing"}),
    [](const auto& row) { return row.param.name; });

struct Variable {
  std::string name;
  bool kept;
};
class Inherited : public testing::TestWithParam<Variable> {};
TEST_P(Inherited, ByItsName) { EXPECT_EQ(is_inherited_variable(GetParam().name), GetParam().kept); }
INSTANTIATE_TEST_SUITE_P(Types, Inherited,
                         testing::Values(Variable{"PATH", true}, Variable{"LC_ALL", true}, Variable{"LC_", false},
                                         Variable{"http_proxy", true}, Variable{"NO_PROXY", true},
                                         Variable{"_proxy", false}, Variable{"PATHS", false}, Variable{"", false},
                                         Variable{"AWS_SECRET_ACCESS_KEY", false}, Variable{"LD_PRELOAD", false},
                                         Variable{"path", false}));

TEST(Snapshot, VersionsStandInTheirOrderAndUnchangedVectorsAreShared) {
  const Snapshot empty;
  const auto first =
      make_snapshot({endpoint("b", "10.0"), endpoint("a", "9.0"), endpoint("c", "9.0")}, empty, 1, 1, true);
  const auto& versions = first->models.at("dga");
  ASSERT_EQ(versions.size(), 2u);
  EXPECT_EQ(versions[0].first, "9.0");
  EXPECT_EQ(versions[1].first, "10.0");
  EXPECT_EQ(versions[0].second->size(), 2u);
  const auto second = make_snapshot({endpoint("b", "10.0"), endpoint("a", "9.0")}, *first, 1, 2, true);
  EXPECT_EQ(second->models.at("dga")[1].second, versions[1].second) << "the same vector";
  EXPECT_NE(second->models.at("dga")[0].second, versions[0].second);
}

TEST(Snapshot, TheDifferenceSaysWhatToTell) {
  const auto before = make_snapshot({endpoint("a"), endpoint("b"), endpoint("c")}, Snapshot{}, 1, 1, true);
  const auto after =
      make_snapshot({endpoint("b", "1.0", "http://h:2"), endpoint("c"), endpoint("d")}, *before, 1, 2, true);
  std::string told;
  for (const Change& change : diff(*before, *after, 5))
    told += std::string(to_string(change.kind)) + " " + change.endpoint.id + ", ";
  EXPECT_EQ(told, "removed a, changed b, added d, ");
  EXPECT_TRUE(diff(*after, *after, 5).empty());
}

}  // namespace
}  // namespace modelyard::registry
