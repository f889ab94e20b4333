// SPDX-License-Identifier: Apache-2.0
#include "registry/zookeeper/layout.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>

#include "json/tree.h"
#include "zookeeper/types.h"

namespace modelyard::registry::zookeeper {
namespace {

TEST(Layout, DefaultsWhereTheConfigurationIsAbsent) {
  const auto layout = layout_from(kDefaultRoot, std::nullopt);
  ASSERT_TRUE(layout);
  EXPECT_EQ(layout->config, "/metron/maas/config");
  EXPECT_EQ(layout->queue, "/maas/queue");
  EXPECT_EQ(layout->service, "/maas/service");
  EXPECT_EQ(layout->own, "/maas/modelyard");
  EXPECT_EQ(layout->endpoint("dga", "container_9_9"), "/maas/service/dga/container_9_9");
  EXPECT_EQ(layout->deployment("dga", "1.0"), "/maas/modelyard/deployments/dga@1.0");
  EXPECT_EQ(layout->deployment("a@b/c", ".."), "/maas/modelyard/deployments/a%40b%2Fc@%2E%2E");
  EXPECT_EQ(layout->instance("dga-1.0-3f9a2c"), "/maas/modelyard/instances/dga-1.0-3f9a2c");
  EXPECT_EQ(layout->report("i"), "/maas/modelyard/reports/i");
  EXPECT_EQ(layout->lease("i"), "/maas/modelyard/leases/i");
  EXPECT_EQ(layout->name("dga"), "/maas/modelyard/names/dga");
}

struct ConfigRow {
  std::string name;
  std::string data;
  std::string queue, service, own;
  ErrorCode code = ErrorCode::kInternal;
  std::string text;  // of the error
};
class LayoutConfig : public testing::TestWithParam<ConfigRow> {};

TEST_P(LayoutConfig, Reads) {
  const ConfigRow& row = GetParam();
  const auto layout = layout_from("/c", row.data);
  if (!row.text.empty()) {
    ASSERT_FALSE(layout);
    EXPECT_EQ(layout.error().code(), row.code);
    EXPECT_NE(layout.error().message().find(row.text), std::string::npos) << layout.error().message();
    EXPECT_NE(layout.error().message().find("/c"), std::string::npos) << "names the node";
    return;
  }
  ASSERT_TRUE(layout) << layout.error().message();
  EXPECT_EQ(layout->queue, row.queue);
  EXPECT_EQ(layout->service, row.service);
  EXPECT_EQ(layout->own, row.own);
}

INSTANTIATE_TEST_SUITE_P(
    Table, LayoutConfig,
    testing::Values(
        ConfigRow{"reference",
                  R"({"queue":"ZOOKEEPER","queueConfig":{"zk_path":"/maas/queue"},"serviceRoot":"/maas/service"})",
                  "/maas/queue", "/maas/service", "/maas/modelyard"},
        ConfigRow{"empty_object", "{}", "/maas/queue", "/maas/service", "/maas/modelyard"},
        ConfigRow{"nulls", R"({"queue":null,"queueConfig":null,"serviceRoot":null})", "/maas/queue", "/maas/service",
                  "/maas/modelyard"},
        ConfigRow{"other_places", R"({"queueConfig":{"zk_path":"/q"},"serviceRoot":"/a/b/models/"})", "/q",
                  "/a/b/models", "/a/b/modelyard-models"},
        ConfigRow{"at_the_top", R"({"serviceRoot":"/service"})", "/maas/queue", "/service", "/modelyard"},
        ConfigRow{"unknown_keys", R"({"more":[1],"queueConfig":{"x":1}})", "/maas/queue", "/maas/service",
                  "/maas/modelyard"},
        ConfigRow{"other_queue", R"({"queue":"KAFKA"})", "", "", "", ErrorCode::kUnsupported, "KAFKA"},
        ConfigRow{"no_json", "serviceRoot", "", "", "", ErrorCode::kInvalidArgument, "1:1"},
        ConfigRow{"no_data", "", "", "", "", ErrorCode::kInvalidArgument, "/c"},
        ConfigRow{"array", "[]", "", "", "", ErrorCode::kInvalidArgument, "object"},
        ConfigRow{"root_type", R"({"serviceRoot":1})", "", "", "", ErrorCode::kInvalidArgument, "serviceRoot"},
        ConfigRow{"relative", R"({"serviceRoot":"maas"})", "", "", "", ErrorCode::kInvalidArgument, "serviceRoot"},
        ConfigRow{"whole_tree", R"({"serviceRoot":"/"})", "", "", "", ErrorCode::kInvalidArgument, "serviceRoot"},
        ConfigRow{"queue_path", R"({"queueConfig":{"zk_path":"/a//b"}})", "", "", "", ErrorCode::kInvalidArgument,
                  "zk_path"},
        ConfigRow{"queue_config", R"({"queueConfig":"/q"})", "", "", "", ErrorCode::kInvalidArgument, "queueConfig"}),
    [](const auto& info) { return info.param.name; });

TEST(Layout, SegmentsAreReversibleAndStandInAPath) {
  std::string every;
  for (int c = 0; c < 256; ++c) every += static_cast<char>(c);
  for (const std::string& text :
       {std::string(), std::string("%"), std::string("%41"), std::string("."), std::string(".."), std::string("..."),
        std::string("a b"), std::string("dga-1.0_x"), std::string("\xc3\xa4"), std::string("a/../b"), every}) {
    const std::string segment = segment_of(text);
    EXPECT_EQ(text_of_segment(segment), text);
    EXPECT_TRUE(modelyard::zookeeper::check_path("/" + segment)) << segment;
    EXPECT_EQ(segment.find('@'), std::string::npos);
  }
  EXPECT_EQ(segment_of("dga-1.0_x"), "dga-1.0_x");
  EXPECT_EQ(text_of_segment("100%"), "100%");
  EXPECT_EQ(text_of_segment("%zz%4"), "%zz%4");
}

Endpoint endpoint() {
  return {.id = "container_9_9",
          .name = "dga",
          .version = "2.0",
          .url = "http://node1:50959",
          .host = "node1",
          .functions = {{"apply", "apply"}}};
}

TEST(Discovery, IsByteForByteTheReferences) {
  EXPECT_EQ(to_discovery_json(endpoint(), 1795394649215),
            R"({"name":"dga","id":"container_9_9","address":"node1","port":50959,"sslPort":null,)"
            R"("payload":{"@class":"org.apache.metron.maas.config.ModelEndpoint",)"
            R"("endpoint":{"url":"http://node1:50959","functions":{"apply":"apply"}},)"
            R"("name":"dga","version":"2.0","containerId":"container_9_9"},)"
            R"("registrationTimeUTC":1795394649215,"serviceType":"DYNAMIC","uriSpec":null})");
}

struct UrlRow {
  std::string name;
  std::string url;
  std::string written;
  std::string address;
  std::string port = "80";
};
class DiscoveryUrl : public testing::TestWithParam<UrlRow> {};

TEST_P(DiscoveryUrl, NeverSaysThisMachine) {
  Endpoint given = endpoint();
  given.url = GetParam().url;
  given.functions.clear();
  const auto tree = json::parse(to_discovery_json(given, 0)).value();
  EXPECT_EQ(tree["payload"]["endpoint"]["url"], GetParam().written);
  EXPECT_EQ(tree["address"], GetParam().address);
  EXPECT_EQ(tree["port"].dump(), GetParam().port);
  EXPECT_EQ(tree["payload"]["endpoint"]["functions"].dump(), R"({"apply":"apply"})");
}

INSTANTIATE_TEST_SUITE_P(
    Table, DiscoveryUrl,
    testing::Values(UrlRow{"name", "http://other:8080/m", "http://other:8080/m", "other", "8080"},
                    UrlRow{"no_port", "http://other/m", "http://other/m", "other"},
                    UrlRow{"https", "https://other", "https://other", "other", "443"},
                    UrlRow{"localhost", "http://localhost:1/a?b#c", "http://node1:1/a?b#c", "node1", "1"},
                    UrlRow{"capitals", "http://LocalHost", "http://node1", "node1"},
                    UrlRow{"loopback", "http://127.0.0.1:2", "http://node1:2", "node1", "2"},
                    UrlRow{"loopback_net", "http://127.1.2.3:2", "http://node1:2", "node1", "2"},
                    UrlRow{"short_form", "http://127.1:2", "http://node1:2", "node1", "2"},
                    UrlRow{"any", "http://0.0.0.0:3", "http://node1:3", "node1", "3"},
                    UrlRow{"v6_loopback", "http://[::1]:4/x", "http://node1:4/x", "node1", "4"},
                    UrlRow{"v6_any", "http://[::]:4/x", "http://node1:4/x", "node1", "4"},
                    UrlRow{"v6_mapped", "http://[::ffff:127.0.0.1]:4", "http://node1:4", "node1", "4"},
                    UrlRow{"v6", "http://[2001:db8::1]:4", "http://[2001:db8::1]:4", "2001:db8::1", "4"},
                    UrlRow{"address", "http://10.127.0.1:4", "http://10.127.0.1:4", "10.127.0.1", "4"},
                    UrlRow{"user", "http://u:p@127.0.0.1:4", "http://u:p@node1:4", "node1", "4"},
                    UrlRow{"other_scheme", "grpc://0.0.0.0:5", "grpc://node1:5", "node1", "5"},
                    UrlRow{"no_port_known", "grpc://other", "grpc://other", "other", "null"},
                    UrlRow{"no_url", "nonsense", "nonsense", "node1", "null"}),
    [](const auto& info) { return info.param.name; });

TEST(Discovery, FallsBackToTheMachinesName) {
  std::array<char, 256> name{};
  ASSERT_EQ(::gethostname(name.data(), name.size() - 1), 0);
  Endpoint given = endpoint();
  given.url = "http://0.0.0.0:1";
  for (const std::string host : {"", "localhost", "127.0.0.1"}) {
    given.host = host;
    const auto tree = json::parse(to_discovery_json(given, 0)).value();
    EXPECT_EQ(tree["address"], std::string(name.data()));
  }
}

TEST(Discovery, ReadsWhatItWrites) {
  Endpoint given = endpoint();
  given.functions = {{"apply", "a"}, {"explain", "x/\"y\""}};
  const auto read = endpoint_from_discovery(to_discovery_json(given, 5));
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(*read, given);
}

struct ReadRow {
  std::string name;
  std::string data;
  std::string missing;  // "" = it is read
};
class DiscoveryRead : public testing::TestWithParam<ReadRow> {};

TEST_P(DiscoveryRead, IsTolerantButSaysWhatIsMissing) {
  const auto read = endpoint_from_discovery(GetParam().data);
  if (!GetParam().missing.empty()) {
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code(), ErrorCode::kProtocol);
    EXPECT_NE(read.error().message().find(GetParam().missing), std::string::npos) << read.error().message();
    return;
  }
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(*read, (Endpoint{.id = "c",
                             .name = "dga",
                             .version = "1",
                             .url = "http://h:1",
                             .host = "h",
                             .functions = {{"apply", "apply"}}}));
}

INSTANTIATE_TEST_SUITE_P(
    Table, DiscoveryRead,
    testing::Values(
        ReadRow{"static_one",
                R"({"name":"dga","id":"c","address":"h","port":1,"sslPort":null,"payload":{"@class":"x","endpoint":)"
                R"({"url":"http://h:1","functions":{"apply":"apply"}},"name":"dga","version":"1","containerId":"c"},)"
                R"("registrationTimeUTC":1,"serviceType":"STATIC","uriSpec":null})"},
        ReadRow{"least", R"({"name":"dga","id":"c","payload":{"endpoint":{"url":"http://h:1"},"version":"1"}})"},
        ReadRow{"unknown_fields",
                R"({"z":{},"name":"dga","id":"c","payload":{"y":1,"endpoint":{"url":"http://h:1","x":2,)"
                R"("functions":null},"version":"1"},"enabled":true})"},
        ReadRow{"no_functions",
                R"({"name":"dga","id":"c","payload":{"endpoint":{"url":"http://h:1","functions":{}},"version":"1"}})"},
        ReadRow{"no_json", "endpoint", "1:1"}, ReadRow{"nothing", "", "not an endpoint"},
        ReadRow{"array", "[]", "object"}, ReadRow{"no_payload", R"({"name":"dga"})", "payload"},
        ReadRow{"payload_type", R"({"payload":[]})", "payload"},
        ReadRow{"no_endpoint", R"({"payload":{}})", "payload.endpoint"},
        ReadRow{"no_url", R"({"payload":{"endpoint":{"url":""}}})", "url"},
        ReadRow{"url_type", R"({"payload":{"endpoint":{"url":1}}})", "url"},
        ReadRow{"no_name", R"({"payload":{"endpoint":{"url":"u"}}})", "name"},
        ReadRow{"no_version", R"({"payload":{"endpoint":{"url":"u"},"name":"n"}})", "version"},
        ReadRow{"no_id", R"({"payload":{"endpoint":{"url":"u"},"name":"n","version":"1"}})", "containerId"},
        ReadRow{"functions",
                R"({"payload":{"endpoint":{"url":"u","functions":{"a":1}},"name":"n","version":"1",)"
                R"("containerId":"c"}})",
                "functions"},
        ReadRow{"functions_type",
                R"({"payload":{"endpoint":{"url":"u","functions":[]},"name":"n","version":"1",)"
                R"("containerId":"c"}})",
                "functions"}),
    [](const auto& info) { return info.param.name; });

TEST(Requests, AreByteForByteTheReferences) {
  Request add{Request::Action::kAdd, "dga", "1.0", 1, 512, "/user/metron/models"};
  EXPECT_EQ(
      to_json(add),
      R"({"name":"dga","version":"1.0","numInstances":1,"memory":512,"action":"ADD","path":"/user/metron/models"})");
  Request remove{Request::Action::kRemove, "dga", "1.0", 1, 0, ""};
  EXPECT_EQ(to_json(remove),
            R"({"name":"dga","version":"1.0","numInstances":1,"memory":0,"action":"REMOVE","path":null})");
}

TEST(Requests, NullIsSkipped) {
  for (const std::string data : {"null", " null\n"}) {
    const auto read = request_from(data);
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_FALSE(*read);
  }
}

struct RequestRow {
  std::string name;
  std::string data;
  std::string why;                               // of junk
  std::string written = "ADD dga 1.0 1 512 /p";  // action name version instances memory path
};
class RequestRead : public testing::TestWithParam<RequestRow> {};

TEST_P(RequestRead, TakesWhatTheReferenceTakes) {
  const auto read = request_from(GetParam().data);
  if (!GetParam().why.empty()) {
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(read.error().message().find(GetParam().why), std::string::npos) << read.error().message();
    return;
  }
  ASSERT_TRUE(read) << read.error().message();
  ASSERT_TRUE(*read);
  const Request& r = **read;
  EXPECT_EQ((r.action == Request::Action::kAdd ? "ADD " : "REMOVE ") + r.name + " " + r.version + " " +
                std::to_string(r.instances) + " " + std::to_string(r.memory_mb) + " " + r.path,
            GetParam().written);
}

std::string request(std::string_view members) { return R"({"name":"dga","version":"1.0",)" + std::string(members); }

INSTANTIATE_TEST_SUITE_P(
    Table, RequestRead,
    testing::Values(
        RequestRow{"add", request(R"("numInstances":1,"memory":512,"action":"ADD","path":"/p"})")},
        RequestRow{"any_case", request(R"("numInstances":1,"memory":512,"action":"Add","path":"/p"})")},
        RequestRow{"unknown_key", request(R"("x":1,"numInstances":1,"memory":512,"action":"ADD","path":"/p"})")},
        RequestRow{"texts", request(R"("numInstances":"1","memory":"512","action":"ADD","path":"/p"})")},
        RequestRow{"floats", request(R"("numInstances":1.0,"memory":512.0,"action":"ADD","path":"/p"})")},
        RequestRow{"least", request(R"("action":"remove"})"), "", "REMOVE dga 1.0 1 0 "},
        RequestRow{"remove", request(R"("numInstances":3,"memory":0,"action":"REMOVE","path":null})"), "",
                   "REMOVE dga 1.0 3 0 "},
        RequestRow{"hdfs", request(R"("action":"ADD","path":"hdfs://nn/p"})"), "", "ADD dga 1.0 1 0 hdfs://nn/p"},
        RequestRow{"no_json", "ADD dga", "JSON"}, RequestRow{"empty", "", "JSON"}, RequestRow{"array", "[]", "object"},
        RequestRow{"text", "\"null\"", "object"}, RequestRow{"no_action", request(R"("memory":1})"), "action"},
        RequestRow{"other_action", request(R"("action":"LIST"})"), "LIST"},
        RequestRow{"action_type", request(R"("action":1})"), "action"},
        RequestRow{"no_name", R"({"version":"1","action":"ADD"})", "name"},
        RequestRow{"no_version", R"({"name":"a","action":"ADD"})", "version"},
        RequestRow{"version_type", R"({"name":"a","version":1.10,"action":"ADD"})", "version"},
        RequestRow{"bad_name", R"({"name":"../x","version":"1","action":"ADD"})", "name"},
        RequestRow{"bad_version", R"({"name":"a","version":"1/2","action":"ADD"})", "version"},
        RequestRow{"none", request(R"("numInstances":0,"action":"ADD"})"), "numInstances"},
        RequestRow{"negative", request(R"("numInstances":-1,"action":"REMOVE"})"), "numInstances"},
        RequestRow{"too_many", request(R"("numInstances":10001,"action":"ADD"})"), "numInstances"},
        RequestRow{"overflow", request(R"("numInstances":18446744073709551615,"action":"ADD"})"), "numInstances"},
        RequestRow{"fraction", request(R"("numInstances":1.5,"action":"ADD"})"), "numInstances"},
        RequestRow{"huge_float", request(R"("memory":1e300,"action":"ADD"})"), "memory"},
        RequestRow{"memory", request(R"("memory":-1,"action":"ADD"})"), "memory"},
        RequestRow{"memory_type", request(R"("memory":[1],"action":"ADD"})"), "memory"},
        RequestRow{"path_type", request(R"("action":"ADD","path":7})"), "path"},
        RequestRow{"path_control", request(R"("action":"ADD","path":"/a\nb"})"), "path"},
        RequestRow{"path_long", request(R"("action":"ADD","path":"/)" + std::string(5000, 'a') + R"("})"), "path"}),
    [](const auto& info) { return info.param.name; });

TEST(Records, ReadWhatTheyWrite) {
  const LeaderRecord leader{"id", "h", 7, "http://h:1", "yarn", "rm:8032", "application_1_1", "hdfs://t", "1.0", 5};
  const auto leader_read = leader_record_from_json(to_json(leader));
  ASSERT_TRUE(leader_read);
  EXPECT_EQ(to_json(*leader_read), to_json(leader));
  EXPECT_EQ(leader_read->token_place, "hdfs://t");

  const auto lease = lease_record_from_json(to_json(LeaseRecord{3, "h", 9}));
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->incarnation, 3);
  EXPECT_EQ(lease->host, "h");
  EXPECT_EQ(lease->runner_pid, 9);

  const auto rejected = rejected_from_json(to_json(RejectedRequest{"qn-1", "\xff" + std::string(9000, 'a'), "why", 4}));
  ASSERT_TRUE(rejected);
  EXPECT_EQ(rejected->item, "qn-1");
  EXPECT_LE(rejected->data.size(), 4'100U);
  EXPECT_EQ(rejected->reason, "why");
  EXPECT_EQ(rejected->at_ms, 4);

  EXPECT_FALSE(leader_record_from_json(json::parse(R"({"host":"h"})").value())) << "a leader has an id";
  EXPECT_FALSE(lease_record_from_json(json::parse("[]").value()));
  EXPECT_FALSE(rejected_from_json(json::parse("{}").value()));
}

TEST(Records, SettingsKeepWhatTheyDoNotKnow) {
  EXPECT_TRUE(settings_from_json(json::Tree::object())->world_may_read);
  const auto settings = settings_from_json(json::parse(R"({"world_may_read":false,"later":{"a":[1,"b"]}})").value());
  ASSERT_TRUE(settings);
  EXPECT_FALSE(settings->world_may_read);
  EXPECT_EQ(json::dump(to_json(*settings)), R"({"world_may_read":false,"later":{"a":[1,"b"]}})");
  EXPECT_FALSE(settings_from_json(json::parse(R"({"world_may_read":1})").value()));
}

}  // namespace
}  // namespace modelyard::registry::zookeeper
