// SPDX-License-Identifier: Apache-2.0
#include "hadoop/resource_manager.h"

#include <gmock/gmock.h>

#include "hadoop/testing/scripted_web.h"
#include "hadoop/timeline.h"
#include "json/tree.h"

namespace modelyard::hadoop {
namespace {

using hadoop::testing::ScriptedWeb;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using How = ScriptedWeb::Step::How;

RestOptions options() {
  RestOptions out;
  out.user = "alice";
  out.call_timeout = milliseconds(3'000);
  out.failover_time = milliseconds(3'000);
  return out;
}

std::vector<ResourceManagerAddress> addresses(std::vector<uint16_t> ports) {
  std::vector<ResourceManagerAddress> out;
  for (const uint16_t port : ports) out.push_back({"rm", {}, {}, WebAddress{false, {"127.0.0.1", port}}});
  return out;
}

std::string exception(const std::string& name, const std::string& message) {
  return R"({"RemoteException":{"exception":")" + name + R"(","message":")" + message + R"("}})";
}

TEST(ResourceManagerCalls, ANewApplicationTellsTheClustersMaximum) {
  ScriptedWeb web;
  web.play(
      {{200, R"({"application-id":"application_17_0001","maximum-resource-capability":{"memory":4096,"vCores":4}})"}});
  ResourceManager rm(addresses({web.port()}), options());
  const auto made = rm.new_application();
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ(made->id, "application_17_0001");
  EXPECT_EQ(made->memory_mb_max, 4096);
  EXPECT_EQ(web.requests().at(0).line, "POST /ws/v1/cluster/apps/new-application?user.name=alice HTTP/1.1");
}

TEST(ResourceManagerCalls, AnApplicationIdThatIsNoneIsRefused) {
  for (const char* body : {"", "{}", R"({"application-id":"../../x"})", R"({"application-id":"application_1/2"})"}) {
    ScriptedWeb web;
    web.play({{200, body}});
    ResourceManager rm(addresses({web.port()}), options());
    EXPECT_EQ(rm.new_application().error().code(), ErrorCode::kProtocol) << body;
  }
}

TEST(ResourceManagerCalls, TheSubmissionHasTheFormOfTheInterface) {
  Submission s;
  s.id = "application_17_0001";
  s.name = "MaaS";
  s.queue = "models";
  s.node_label = "gpu";
  s.use_node_label = true;
  s.memory_mb = 137;
  s.vcores = 2;
  s.attempts_max = 5;
  s.keep_containers = true;
  s.attempt_failures_validity = milliseconds(60'000);
  s.command = "exec ./bin/modelyard 1><LOG_DIR>/stdout";
  s.environment = {{"K", "a=b"}};
  s.files = {{"bundle", "hdfs://nn:8020/b.tar.gz", true, 77, 1700}};
  s.tokens = {{"hdfs", "KAAF"}};
  s.secrets = {{"key", "s\xff\xfe"}};
  EXPECT_EQ(
      json::dump(to_json(s)),
      R"({"application-id":"application_17_0001","application-name":"MaaS","application-type":"MODELYARD",)"
      R"("queue":"models","keep-containers-across-application-attempts":true,"resource":{"memory":137,"vCores":2},)"
      R"("am-container-spec":{"local-resources":{"entry":[{"key":"bundle","value":{"resource":"hdfs://nn:8020/b.tar.gz",)"
      R"("type":"ARCHIVE","visibility":"APPLICATION","size":77,"timestamp":1700}}]},)"
      R"("commands":{"command":"exec ./bin/modelyard 1><LOG_DIR>/stdout"},)"
      R"("environment":{"entry":[{"key":"K","value":"a=b"}]},)"
      R"("credentials":{"tokens":{"entry":[{"key":"hdfs","value":"KAAF"}]},"secrets":{"entry":[{"key":"key","value":"c__-"}]}}},)"
      R"("max-app-attempts":5,"attempt-failures-validity-interval":60000,"app-node-label-expression":"gpu"})");
}

TEST(ResourceManagerCalls, TheRefusalsReasonIsPassedOn) {
  ScriptedWeb web;
  web.play({{400, exception("BadRequestException", "Requested more memory than configured max")}});
  ResourceManager rm(addresses({web.port()}), options());
  const Status submitted = rm.submit({});
  ASSERT_FALSE(submitted);
  EXPECT_EQ(submitted.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(submitted.error().message(), "the resource manager: Requested more memory than configured max");
}

TEST(ResourceManagerCalls, ReportsAreRead) {
  ScriptedWeb web;
  web.play(
      {{200,
        R"({"app":{"id":"application_1_2","state":"FAILED","finalStatus":"FAILED","diagnostics":"unknown queue: x","queue":"x"}})"},
       {404, exception("NotFoundException", "app with id: application_1_3 not found")},
       {202, R"({"state":"RUNNING"})"}});
  ResourceManager rm(addresses({web.port()}), options());
  const auto report = rm.report("application_1_2");
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_TRUE(report->ended());
  EXPECT_EQ(report->diagnostics, "unknown queue: x");
  EXPECT_EQ(rm.report("application_1_3").error().code(), ErrorCode::kNotFound);
  EXPECT_TRUE(rm.kill("application_1_2"));
  EXPECT_EQ(web.requests().at(2).body, R"({"state":"KILLED"})");
}

TEST(ResourceManagerCalls, QueuesOfBothSchedulers) {
  ScriptedWeb web;
  web.play({{200,
             R"({"scheduler":{"schedulerInfo":{"type":"capacityScheduler","queueName":"root","queues":{"queue":[
            {"queueName":"default","queuePath":"root.default","state":"RUNNING"},
            {"queueName":"ml","queues":{"queue":[{"queueName":"gpu","state":"STOPPED"}]}}]}}}})"},
            {200,
             R"({"scheduler":{"schedulerInfo":{"type":"fairScheduler","rootQueue":{"queueName":"root",
            "childQueues":{"queue":[{"queueName":"root.a"}]}}}}})"},
            {200, R"({"scheduler":{"schedulerInfo":{"type":"fifoScheduler"}}})"}});
  ResourceManager rm(addresses({web.port()}), options());
  const auto paths = [&] {
    std::vector<std::string> out;
    const auto queues = rm.queues();
    if (!queues) return std::vector<std::string>{queues.error().message()};
    for (const QueueReport& queue : *queues) out.push_back(queue.path + (queue.leaf ? "" : ".*"));
    return out;
  };
  EXPECT_THAT(paths(), ElementsAre("root.*", "root.default", "root.ml.*", "root.ml.gpu"));
  EXPECT_THAT(paths(), ElementsAre("root.*", "root.root.a"));
  EXPECT_THAT(paths(), ElementsAre());
}

TEST(ResourceManagerCalls, NodesMetricsInfo) {
  ScriptedWeb web;
  web.play({{200, R"({"nodes":{"node":[{"id":"n:1","state":"RUNNING","availMemoryMB":5,"healthReport":"ok"}]}})"},
            {200, R"({"nodes":null})"},
            {200, R"({"clusterMetrics":{"activeNodes":3,"availableMB":10,"totalMB":20}})"},
            {200, R"({"clusterInfo":{"resourceManagerVersion":"3.5.0","haState":"ACTIVE"}})"},
            {200, R"({"nodeLabelInfo":[{"name":"gpu"},{"name":"big"}]})"}});
  ResourceManager rm(addresses({web.port()}), options());
  EXPECT_EQ(rm.nodes()->at(0).memory_mb_free, 5);
  EXPECT_TRUE(rm.nodes()->empty());
  EXPECT_EQ(rm.metrics()->nodes_active, 3);
  EXPECT_EQ(rm.info()->version, "3.5.0");
  EXPECT_THAT(*rm.node_labels(), ElementsAre("gpu", "big"));
}

TEST(ResourceManagerAvailability, StandbyInItsThreeFormsIsPassedOver) {
  for (const ScriptedWeb::Step& step :
       {ScriptedWeb::Step{307, "This is standby RM. The redirect url is: http://rm2", "http://127.0.0.1:1/ws"},
        ScriptedWeb::Step{200, "There is no active RM right now. Will retry in next 3 seconds."},
        ScriptedWeb::Step{503, ""}}) {
    ScriptedWeb standby;
    ScriptedWeb active;
    standby.play({step});
    active.play({{200, R"({"clusterInfo":{"haState":"ACTIVE"}})"}});
    ResourceManager rm(addresses({standby.port(), active.port()}), options());
    const auto info = rm.info();
    ASSERT_TRUE(info) << info.error().message();
    EXPECT_EQ(info->ha_state, "ACTIVE");
  }
}

TEST(ResourceManagerAvailability, ASubmissionWithoutAnAnswerIsSaidAgain) {
  ScriptedWeb web;
  web.play({{202, "", "", How::kCloseUnanswered}, {202, ""}});
  ResourceManager rm(addresses({web.port()}), options());
  const Status submitted = rm.submit({});
  EXPECT_TRUE(submitted) << submitted.error().message();
  EXPECT_EQ(web.requests().size(), 2u);
}

TEST(ResourceManagerAvailability, NobodyThereIsToldAtOnce) {
  const uint16_t port = [] {
    const io::UniqueFd fd = std::move(io::listen_tcp("127.0.0.1", 0, false)).value();
    return std::move(io::local_address(fd.get())).value().port();
  }();
  ResourceManager rm(addresses({port}), options());
  const auto info = rm.info();
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().code(), ErrorCode::kUnavailable);
  EXPECT_THAT(info.error().message(), HasSubstr("the resource manager: 127.0.0.1:"));
}

TEST(TimelineCalls, DomainsAndEntities) {
  ScriptedWeb web;
  web.play({{200, ""},
            {200, "{}"},
            {200, R"({"errors":[{"entity":"e","entitytype":"t","errorcode":4}]})"},
            {403, exception("ForbiddenException", "bob is not allowed")}});
  Timeline timeline({false, {"127.0.0.1", web.port()}}, options());
  ASSERT_TRUE(timeline.put_domain({"d", "", "alice ops", "alice"}));
  EXPECT_EQ(web.requests().at(0).line, "PUT /ws/v1/timeline/domain?user.name=alice HTTP/1.1");
  EXPECT_EQ(web.requests().at(0).body, R"({"id":"d","description":"","readers":"alice ops","writers":"alice"})");
  const TimelineEntity entity{"t", "e", "d", 17, {{18, "STARTED", {{"k", "v"}}}}, {{"user", "alice"}}, {}};
  ASSERT_TRUE(timeline.put_entities({entity}));
  EXPECT_EQ(web.requests().at(1).body,
            R"({"entities":[{"entitytype":"t","entity":"e","starttime":17,)"
            R"("events":[{"timestamp":18,"eventtype":"STARTED","eventinfo":{"k":"v"}}],)"
            R"("primaryfilters":{"user":["alice"]},"otherinfo":{},"relatedentities":{},"domain":"d"}]})");
  EXPECT_THAT(timeline.put_entities({entity}).error().message(), HasSubstr("entity e"));
  EXPECT_EQ(timeline.put_domain({}).error().code(), ErrorCode::kPermissionDenied);
}

TEST(TimelineCalls, AServerWithOtherNamesIsSpokenToInThose) {
  ScriptedWeb web;
  const std::string refusal = exception("BadRequestException", "Incomplete entity without entity id/type");
  web.play({{400, refusal}, {200, R"({"response":""})"}, {200, R"({"response":""})"}});
  Timeline timeline({false, {"127.0.0.1", web.port()}}, options());
  const TimelineEntity entity{"t", "e", "", 17, {{18, "STARTED", {}}}, {}, {}};
  ASSERT_TRUE(timeline.put_entities({entity}));
  ASSERT_TRUE(timeline.put_entities({entity}));
  ASSERT_EQ(web.requests().size(), 3u);
  EXPECT_THAT(web.requests().at(0).body, HasSubstr(R"({"entitytype":"t","entity":"e","starttime":17,)"));
  for (const size_t i : {1u, 2u})
    EXPECT_THAT(web.requests().at(i).body, HasSubstr(R"({"entityType":"t","entityId":"e","startTime":17,)"));
}

TEST(TimelineCalls, AnExceptionWithoutItsOuterObjectIsRead) {
  ScriptedWeb web;
  web.play({{400, R"({"exception":"UnrecognizedPropertyException","message":"Unrecognized field"})"}});
  Timeline timeline({false, {"127.0.0.1", web.port()}}, options());
  EXPECT_THAT(timeline.put_entities({}).error().message(), HasSubstr("Unrecognized field"));
}

}  // namespace
}  // namespace modelyard::hadoop
