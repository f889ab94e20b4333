// SPDX-License-Identifier: Apache-2.0
#include "hadoop/configuration.h"

#include <gmock/gmock.h>

#include "io/file.h"

namespace modelyard::hadoop {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string property(const std::string& name, const std::string& value, const std::string& more = "") {
  return "<property><name>" + name + "</name><value>" + value + "</value>" + more + "</property>";
}
std::string document(const std::string& properties) {
  return "<?xml version=\"1.0\"?>\n<configuration>" + properties + "</configuration>";
}

Configuration configured(const std::string& properties, std::map<std::string, std::string> environment = {}) {
  Configuration made([environment](const std::string& name) -> std::optional<std::string> {
    const auto at = environment.find(name);
    return at == environment.end() ? std::nullopt : std::optional(at->second);
  });
  const Status added = made.add(document(properties), "site.xml");
  EXPECT_TRUE(added) << added.error().message();
  return made;
}

TEST(Configuration, ValuesAreTrimmedAndEmptyOnesAreAbsent) {
  const Configuration c = configured(property("a", " 1 \n") + property("b", " ") + property("c", "x<!-- no -->y") +
                                     "<property name='d' value='as attributes'/>" + property("e", "<![CDATA[a<b]]>"));
  EXPECT_EQ(c.find("a"), "1");
  EXPECT_EQ(c.find("b"), std::nullopt);
  EXPECT_EQ(c.find("c"), "xy");
  EXPECT_EQ(c.find("d"), "as attributes");
  EXPECT_EQ(c.find("e"), "a<b");
  EXPECT_EQ(c.find("absent"), std::nullopt);
}

TEST(Configuration, LaterFilesWinUnlessFinal) {
  Configuration c = configured(property("a", "1") + property("b", "1", "<final>true</final>"));
  ASSERT_TRUE(c.add(document(property("a", "2") + property("b", "2")), "later.xml"));
  EXPECT_EQ(c.find("a"), "2");
  EXPECT_EQ(c.place("a"), "later.xml: a");
  EXPECT_EQ(c.find("b"), "1");
  EXPECT_EQ(c.place("b"), "site.xml: b");
}

struct Variable {
  std::string name;
  std::string value;
  std::string expected;
};
class Variables : public testing::TestWithParam<Variable> {};
TEST_P(Variables, AreSubstituted) {
  const Configuration c =
      configured(property("host", "nn1") + property("port", "80${digits}") + property("digits", "20") +
                     property("loop", "${loop}") + property("ping", "${pong}") + property("pong", "${ping}") +
                     property("value", GetParam().value),
                 {{"HOME_OF", "/data"}, {"NOTHING", ""}, {"HADOOP_USER_NAME", "alice"}});
  EXPECT_EQ(c.text("value"), GetParam().expected);
}
INSTANTIATE_TEST_SUITE_P(Table, Variables,
                         testing::Values(Variable{"plain", "x", "x"}, Variable{"one", "${host}:1", "nn1:1"},
                                         Variable{"nested", "hdfs://${host}:${port}", "hdfs://nn1:8020"},
                                         Variable{"unknown_stays", "${nobody}/${host}", "${nobody}/nn1"},
                                         Variable{"unclosed_stays", "${host", "${host"},
                                         Variable{"itself", "${loop}", "${loop}"},
                                         Variable{"environment", "${env.HOME_OF}/x", "/data/x"},
                                         Variable{"environment_default", "${env.ABSENT-d}${env.NOTHING-d}", "d"},
                                         Variable{"environment_empty_default", "${env.NOTHING:-d}", "d"},
                                         Variable{"user", "/user/${user.name}", "/user/alice"}),
                         [](const auto& row) { return row.param.name; });

TEST(Configuration, ACircleOfVariablesEnds) {
  const Configuration c = configured(property("ping", "${pong}") + property("pong", "x${ping}"));
  EXPECT_THAT(c.text("ping"), HasSubstr("${"));
}

struct Refused {
  std::string name;
  std::string xml;
  ErrorCode code;
  std::string says;
};
class RefusedXml : public testing::TestWithParam<Refused> {};
TEST_P(RefusedXml, NamesTheFileAndThePlace) {
  Configuration c([](const std::string&) { return std::nullopt; });
  const Status added = c.add(GetParam().xml, "core-site.xml");
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code(), GetParam().code);
  EXPECT_THAT(added.error().message(), HasSubstr("core-site.xml"));
  EXPECT_THAT(added.error().message(), HasSubstr(GetParam().says));
}
INSTANTIATE_TEST_SUITE_P(
    Table, RefusedXml,
    testing::Values(Refused{"no_xml", "fs.defaultFS=hdfs://x", ErrorCode::kInvalidArgument, "no valid XML"},
                    Refused{"unclosed", "<configuration>\n<property>", ErrorCode::kInvalidArgument, "core-site.xml:2"},
                    Refused{"other_root", "<web-app/>", ErrorCode::kInvalidArgument, "<web-app>"},
                    Refused{"include", "<configuration>\n<xi:include href='a.xml'/></configuration>",
                            ErrorCode::kUnsupported, "core-site.xml:2: <xi:include>"},
                    Refused{"empty", "", ErrorCode::kInvalidArgument, "no valid XML"}),
    [](const auto& row) { return row.param.name; });

TEST(Configuration, WrongValuesNameFileAndKey) {
  const Configuration c = configured(property("n", "many") + property("b", "perhaps"));
  EXPECT_EQ(c.integer("n", 0).error().message(), "site.xml: n: must be a number, not 'many'");
  EXPECT_EQ(c.flag("b", false).error().message(), "site.xml: b: must be true or false, not 'perhaps'");
  EXPECT_EQ(*c.integer("absent", 7), 7);
}

TEST(FileSystem, ASingleNameNodeHasDefaultPorts) {
  const auto fs = configured(property("fs.defaultFS", "hdfs://nn1")).default_file_system();
  ASSERT_TRUE(fs) << fs.error().message();
  EXPECT_EQ(fs->uri(), "hdfs://nn1:8020");
  ASSERT_EQ(fs->name_nodes.size(), 1u);
  EXPECT_EQ(fs->name_nodes[0].web.url(), "http://nn1:9870");
  EXPECT_EQ(fs->token_service(), "");
}

TEST(FileSystem, WebAddressesComeFromTheSite) {
  const auto fs =
      configured(property("fs.defaultFS", "hdfs://nn1:9000/") + property("dfs.namenode.http-address", "0.0.0.0:50070"))
          .default_file_system();
  ASSERT_TRUE(fs) << fs.error().message();
  EXPECT_EQ(fs->name_nodes[0].web.url(), "http://nn1:50070");
  const auto secure =
      configured(property("fs.defaultFS", "hdfs://nn1:9000") + property("dfs.http.policy", "HTTPS_ONLY") +
                 property("dfs.namenode.https-address", "web1:9999"))
          .default_file_system();
  ASSERT_TRUE(secure) << secure.error().message();
  EXPECT_EQ(secure->name_nodes[0].web.url(), "https://web1:9999");
}

const char* const kHighlyAvailable[][2] = {
    {"fs.defaultFS", "hdfs://yard"},
    {"dfs.nameservices", "other, yard"},
    {"dfs.ha.namenodes.yard", "nn1, nn2"},
    {"dfs.namenode.rpc-address.yard.nn1", "a:8020"},
    {"dfs.namenode.rpc-address.yard.nn2", "b:8020"},
    {"dfs.namenode.http-address.yard.nn1", "a:9870"},
};
std::string highly_available() {
  std::string out;
  for (const auto& [name, value] : kHighlyAvailable) out += property(name, value);
  return out;
}

TEST(FileSystem, ANameserviceHasAllItsNameNodes) {
  const auto fs = configured(highly_available()).default_file_system();
  ASSERT_TRUE(fs) << fs.error().message();
  EXPECT_EQ(fs->uri(), "hdfs://yard");
  EXPECT_EQ(fs->token_service(), "ha-hdfs:yard");
  ASSERT_EQ(fs->name_nodes.size(), 2u);
  EXPECT_EQ(fs->name_nodes[0].web.url(), "http://a:9870");
  EXPECT_EQ(fs->name_nodes[1].web.url(), "http://b:9870");
  EXPECT_EQ(fs->name_nodes[1].id, "nn2");
}

TEST(FileSystem, AnotherFileSystemIsReachedAtItsDefaultPort) {
  const Configuration c =
      configured(property("fs.defaultFS", "hdfs://nn1:9000") + property("dfs.namenode.http-address", "nn1:50070"));
  EXPECT_EQ(c.file_system("hdfs://nn1:9000/a/b")->name_nodes[0].web.url(), "http://nn1:50070");
  EXPECT_EQ(c.file_system("hdfs://far:9000/a")->name_nodes[0].web.url(), "http://far:9870");
  EXPECT_EQ(c.file_system("s3a://bucket").error().code(), ErrorCode::kUnsupported);
}

struct WrongSite {
  std::string name;
  std::string site;
  std::string says;
};
class WrongFileSystem : public testing::TestWithParam<WrongSite> {};
TEST_P(WrongFileSystem, NamesTheKey) {
  const auto fs = configured(GetParam().site).default_file_system();
  ASSERT_FALSE(fs);
  EXPECT_THAT(fs.error().message(), HasSubstr(GetParam().says));
}
INSTANTIATE_TEST_SUITE_P(
    Table, WrongFileSystem,
    testing::Values(
        WrongSite{"absent", property("a", "b"), "fs.defaultFS is not set"},
        WrongSite{"local", property("fs.defaultFS", "file:///"), "site.xml: fs.defaultFS"},
        WrongSite{"viewfs", property("fs.defaultFS", "viewfs://x"), "viewfs is not spoken"},
        WrongSite{"port", property("fs.defaultFS", "hdfs://nn1:http"), "must be HOST:PORT, not 'nn1:http'"},
        WrongSite{"nameservice_without_nodes", property("fs.defaultFS", "hdfs://y") + property("dfs.nameservices", "y"),
                  "dfs.ha.namenodes.y: is not set"},
        WrongSite{"node_without_address",
                  property("fs.defaultFS", "hdfs://y") + property("dfs.nameservices", "y") +
                      property("dfs.ha.namenodes.y", "n1"),
                  "dfs.namenode.rpc-address.y.n1: is not set, though site.xml: dfs.ha.namenodes.y names it"},
        WrongSite{"policy", property("fs.defaultFS", "hdfs://nn1") + property("dfs.http.policy", "TLS"),
                  "site.xml: dfs.http.policy: must be HTTP_ONLY"}),
    [](const auto& row) { return row.param.name; });

TEST(ResourceManagers, OneOnTheNamedHost) {
  const auto rms = configured(property("yarn.resourcemanager.hostname", "rm")).resource_managers();
  ASSERT_TRUE(rms) << rms.error().message();
  ASSERT_EQ(rms->size(), 1u);
  EXPECT_EQ(rms->front().client.text(), "rm:8032");
  EXPECT_EQ(rms->front().scheduler.text(), "rm:8030");
  EXPECT_EQ(rms->front().web.url(), "http://rm:8088");
}

TEST(ResourceManagers, VariablesInAddressesAndHttps) {
  const auto rms =
      configured(property("yarn.resourcemanager.hostname", "rm") + property("yarn.http.policy", "HTTPS_ONLY") +
                 property("yarn.resourcemanager.scheduler.address", "${yarn.resourcemanager.hostname}:1") +
                 property("yarn.resourcemanager.webapp.https.address", "0.0.0.0:2"))
          .resource_managers();
  ASSERT_TRUE(rms) << rms.error().message();
  EXPECT_EQ(rms->front().scheduler.text(), "rm:1");
  EXPECT_EQ(rms->front().web.url(), "https://rm:2");
}

TEST(ResourceManagers, HighlyAvailable) {
  const std::string ids = property("yarn.resourcemanager.ha.enabled", "true") +
                          property("yarn.resourcemanager.ha.rm-ids", "rm1,rm2") +
                          property("yarn.resourcemanager.hostname.rm1", "one") +
                          property("yarn.resourcemanager.webapp.address.rm1", "one:1");
  const auto rms = configured(ids + property("yarn.resourcemanager.hostname.rm2", "two")).resource_managers();
  ASSERT_TRUE(rms) << rms.error().message();
  ASSERT_EQ(rms->size(), 2u);
  EXPECT_EQ((*rms)[0].web.url(), "http://one:1");
  EXPECT_EQ((*rms)[1].scheduler.text(), "two:8030");
  EXPECT_EQ((*rms)[1].id, "rm2");
  EXPECT_THAT(
      configured(ids).resource_managers().error().message(),
      HasSubstr("yarn.resourcemanager.hostname.rm2: is not set, though site.xml: yarn.resourcemanager.ha.rm-ids"));
}

TEST(Security, ProtectionAndKerberos) {
  EXPECT_THAT(*configured(property("hadoop.rpc.protection", "privacy, integrity")).rpc_protection(),
              ElementsAre(Protection::kPrivacy, Protection::kIntegrity));
  EXPECT_THAT(*configured("").rpc_protection(), ElementsAre(Protection::kAuthentication));
  EXPECT_THAT(configured(property("hadoop.rpc.protection", "secret")).rpc_protection().error().message(),
              HasSubstr("site.xml: hadoop.rpc.protection"));
  EXPECT_FALSE(*configured("").is_kerberos());
  EXPECT_TRUE(*configured(property("hadoop.security.authentication", "kerberos")).is_kerberos());
}

TEST(Timeline, OffUnlessEnabled) {
  EXPECT_EQ(*configured("").timeline(), std::nullopt);
  const auto on =
      configured(property("yarn.timeline-service.enabled", "true") + property("yarn.timeline-service.hostname", "ats"))
          .timeline();
  ASSERT_TRUE(on && *on);
  EXPECT_EQ((*on)->url(), "http://ats:8188");
}

TEST(Addresses, Forms) {
  EXPECT_EQ(parse_address("a:1", 2)->text(), "a:1");
  EXPECT_EQ(parse_address("a", 2)->text(), "a:2");
  EXPECT_EQ(parse_address("[::1]:3", 2)->text(), "[::1]:3");
  for (const char* wrong : {"", "a:", ":1", "a:0", "a:65536", "a:b", "[::1", "[::1]x", "a b:1", "u@h:1"})
    EXPECT_FALSE(parse_address(wrong, 2)) << wrong;
}

TEST(Load, FoldersOfTheEnvironment) {
  auto folder = io::TemporaryFolder::make("conf");
  ASSERT_TRUE(folder);
  const auto at = [&](const std::map<std::string, std::string>& variables) {
    return Configuration::load_from_environment([variables](const std::string& name) -> std::optional<std::string> {
      const auto found = variables.find(name);
      return found == variables.end() ? std::nullopt : std::optional(found->second);
    });
  };
  const std::string path = folder->path().string();
  EXPECT_THAT(at({{"HADOOP_CONF_DIR", path}}).error().message(), HasSubstr("set HADOOP_CONF_DIR"));
  ASSERT_TRUE(io::write_file_atomic(folder->path() / "core-site.xml", document(property("a", "1"))));
  ASSERT_TRUE(io::make_folder(folder->path() / "yarn"));
  ASSERT_TRUE(io::write_file_atomic(folder->path() / "yarn" / "yarn-site.xml", document(property("a", "2"))));
  EXPECT_EQ(at({{"HADOOP_CONF_DIR", path}})->text("a"), "1");
  EXPECT_EQ(at({{"HADOOP_CONF_DIR", path}, {"YARN_CONF_DIR", path + "/yarn"}})->text("a"), "2");
  ASSERT_TRUE(io::write_file_atomic(folder->path() / "hdfs-site.xml", "<configuration>"));
  EXPECT_THAT(at({{"HADOOP_CONF_DIR", path}}).error().message(), HasSubstr(path + "/hdfs-site.xml:1"));
}

}  // namespace
}  // namespace modelyard::hadoop
