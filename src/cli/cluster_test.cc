// SPDX-License-Identifier: Apache-2.0
#include "cli/cluster.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "cli/examine_cluster.h"
#include "cli/gateway_server.h"
#include "cli/registrations.h"
#include "cli/remote.h"
#include "io/file.h"
#include "io/socket.h"
#include "json/json.h"
#include "json/tree.h"
#include "zookeeper/fake.h"

namespace modelyard::cli {
namespace {

namespace zk = registry::zookeeper;
using ::testing::HasSubstr;
using Environment = std::map<std::string, std::string>;

// What a command line means, without carrying it out.
struct Meant {
  int code = 0;
  std::optional<client::ZookeeperAddress> place;
};
Meant meant(std::vector<std::string> words, const Environment& environment = {}) {
  Meant out;
  CommandSet commands;
  commands.add({.name = "look",
                .group = "Help",
                .summary = "a command for this test",
                .options = server_options(),
                .examples = {{"modelyard look", "an example"}},
                .run = [&](Invocation& invocation) -> Status {
                  MY_TRY(out.place, cluster_address(invocation));
                  return {};
                }});
  words.insert(words.begin(), "look");
  const auto file = io::open_file("/dev/null", O_WRONLY).value();
  Output output(file.get());
  out.code = run_program(commands, words, output, [&](const std::string& name) -> std::optional<std::string> {
    const auto at = environment.find(name);
    return at == environment.end() ? std::nullopt : std::optional(at->second);
  });
  return out;
}

TEST(ClusterAddress, OptionsThenServerThenEnvironment) {
  EXPECT_FALSE(meant({}).place);
  EXPECT_EQ(meant({"--zk", "a:1,b:2/chroot"}).place->quorum, "a:1,b:2/chroot");
  EXPECT_EQ(meant({"--zk", "a:1"}).place->zk_root, "/metron/maas/config");
  EXPECT_EQ(meant({"--zk", "a:1", "--zk-root", "/x/y"}).place->zk_root, "/x/y");
  EXPECT_EQ(meant({}, {{"MODELYARD_ZK", "e:1"}}).place->quorum, "e:1");
  EXPECT_FALSE(meant({"--server", "http://h:1"}, {{"MODELYARD_ZK", "e:1"}}).place);
  EXPECT_FALSE(meant({}, {{"MODELYARD_ZK", "e:1"}, {"MODELYARD_SERVER", "http://h:1"}}).place);
  EXPECT_EQ(meant({"--zk", "a:1"}, {{"MODELYARD_SERVER", "http://h:1"}}).place->quorum, "a:1");
  EXPECT_FALSE(meant({}, {{"MODELYARD_ZK", ""}}).place);
}

TEST(ClusterAddress, WrongOnesAreWrongUsage) {
  EXPECT_EQ(meant({"--zk", ""}).code, kWrongUsage);
  EXPECT_EQ(meant({"--zk", "a:many"}).code, kWrongUsage);
  EXPECT_EQ(meant({"--zk", "a:1", "--server", "http://h:1"}).code, kWrongUsage);
  EXPECT_EQ(meant({"--zk", "a:1", "--zk-root", "not/absolute"}).code, kWrongUsage);
}

TEST(ClusterAddress, TheSecretComesFromAFileOfOnesOwnOrTheEnvironment) {
  const auto folder = io::TemporaryFolder::make("modelyard-cli").value();
  const std::string file = (folder.path() / "secret").string();
  ASSERT_TRUE(io::write_file_atomic(file, "abc123\n", 0600));
  const std::vector<std::pair<std::string, std::string>> wanted{{"digest", "modelyard:abc123"}};
  EXPECT_EQ(meant({"--zk", "a:1", "--zk-secret-file", file}).place->auth, wanted);
  EXPECT_EQ(meant({"--zk", "a:1"}, {{"MODELYARD_ZK_SECRET_FILE", file}}).place->auth, wanted);
  EXPECT_EQ(meant({"--zk", "a:1"}, {{"MODELYARD_ZK_SECRET", "abc123"}}).place->auth, wanted);
  EXPECT_TRUE(meant({"--zk", "a:1"}).place->auth.empty());
  ASSERT_TRUE(io::write_file_atomic(file, "abc123\n", 0644));
  EXPECT_EQ(meant({"--zk", "a:1", "--zk-secret-file", file}).code, kFailed) << "others can read it";
}

// A port of this machine that answers, and one that does not.
class Ports {
 public:
  Ports() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address_), sizeof address_), 0);
    EXPECT_EQ(::listen(listener_.get(), 64), 0);
    socklen_t size = sizeof address_;
    EXPECT_EQ(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address_), &size), 0);
  }
  std::string answering() const { return "http://127.0.0.1:" + std::to_string(ntohs(address_.sin_port)); }
  static std::string silent() { return "http://127.0.0.1:1"; }

 private:
  io::UniqueFd listener_;
  sockaddr_in address_{};
};

class OnEnsemble : public ::testing::Test {
 protected:
  void put(const std::string& path, const std::string& data) {
    for (size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
      if (!ensemble.nodes().contains(path.substr(0, slash))) {
        EXPECT_TRUE(ensemble.put(path.substr(0, slash), ""));
      }
    }
    EXPECT_TRUE(ensemble.put(path, data)) << path;
  }
  void register_model(const std::string& id, const std::string& url) {
    const registry::Endpoint endpoint{
        .id = id, .name = "dga", .version = "1.0", .url = url, .host = "127.0.0.1", .functions = {{"apply", "apply"}}};
    put("/maas/service/dga/" + id, zk::to_discovery_json(endpoint, 1));
  }
  void lead(const std::string& url) {
    const zk::LeaderRecord record{.id = "x", .host = "node1", .pid = 42, .url = url, .launcher = "local"};
    put("/maas/modelyard/leader/n-0000000001", json::dump(to_json(record)));
  }
  Cluster open() {
    auto client = ensemble.connect();
    session = client->session_id();
    auto cluster = Cluster::over(loop, std::move(client), {.quorum = "node1:2181"});
    if (!cluster) ADD_FAILURE() << cluster.error().message();
    return *std::move(cluster);
  }

  io::Loop loop;
  zookeeper::FakeEnsemble ensemble{loop};
  int64_t session = 0;
};

TEST_F(OnEnsemble, NobodyLeads) {
  Cluster cluster = open();
  const auto leader = cluster.leader();
  ASSERT_FALSE(leader);
  EXPECT_EQ(exit_code_of(leader.error().code()), kNotReachable);
  EXPECT_THAT(leader.error().message(), HasSubstr("no controller leads in ZooKeeper node1:2181"));
  lead("http://node1:8800");
  EXPECT_EQ(cluster.leader()->url, "http://node1:8800");
}

TEST_F(OnEnsemble, EndpointsWithoutAController) {
  register_model("container_1", "http://node1:1000");
  put("/maas/service/dga/junk", "{");
  Cluster cluster = open();
  const auto snapshot = cluster.endpoints();
  ASSERT_TRUE(snapshot) << snapshot.error().message();
  ASSERT_TRUE((*snapshot)->models.contains("dga"));
  const auto& versions = (*snapshot)->models.find("dga")->second;
  ASSERT_EQ(versions.size(), 1U);
  ASSERT_EQ(versions[0].second->size(), 1U) << "the malformed one is passed over";
  EXPECT_EQ(versions[0].second->begin()->id, "container_1");
}

TEST_F(OnEnsemble, ARequestWhoseReplyIsLostIsNotSaidAgain) {
  Cluster cluster = open();
  const zk::Request request{.name = "dga", .version = "1.0", .path = "/models/dga"};
  const auto put_once = cluster.enqueue(request);
  ASSERT_TRUE(put_once) << put_once.error().message();
  const auto queued = [&] {
    return std::count_if(ensemble.nodes().begin(), ensemble.nodes().end(),
                         [](const auto& node) { return node.first.starts_with("/maas/queue/qn-"); });
  };
  EXPECT_EQ(queued(), 1);
  ensemble.lose_replies(session, 1);
  const auto lost = cluster.enqueue(request);
  ASSERT_FALSE(lost);
  EXPECT_EQ(exit_code_of(lost.error().code()), kNotReachable);
  EXPECT_THAT(lost.error().message(), HasSubstr("not known whether"));
  EXPECT_THAT(lost.error().message(), HasSubstr("modelyard status dga@1.0 --zk node1:2181"));
  EXPECT_EQ(queued(), 2) << "it was taken, and not again";
  ensemble.lose_requests(session, 1);
  EXPECT_FALSE(cluster.enqueue(request));
  EXPECT_EQ(queued(), 2);
}

TEST_F(OnEnsemble, StaleRegistrationsAreThoseThatDoNotAnswer) {
  const Ports ports;
  register_model("alive", ports.answering());
  register_model("dead", Ports::silent());
  put("/maas/service/dga/junk", "{");
  Cluster cluster = open();
  const auto judged = judge_registrations(cluster);
  ASSERT_TRUE(judged) << judged.error().message();
  ASSERT_EQ(judged->size(), 3U);
  EXPECT_TRUE((*judged)[0].answers);
  EXPECT_FALSE((*judged)[1].answers);
  EXPECT_FALSE((*judged)[2].answers);
  EXPECT_FALSE((*judged)[1].why_not.empty());
  EXPECT_EQ(text_of((*judged)[1]), "dga@1.0 dead");
  EXPECT_TRUE(remove_registration(cluster, (*judged)[1]));
  EXPECT_FALSE(ensemble.nodes().contains("/maas/service/dga/dead"));
  EXPECT_TRUE(remove_registration(cluster, (*judged)[1])) << "gone is done";
  register_model("dead", ports.answering());
  const Status again = remove_registration(cluster, (*judged)[1]);
  ASSERT_FALSE(again) << "it was registered again since it was asked";
  EXPECT_EQ(again.error().code(), ErrorCode::kConflict);
  EXPECT_TRUE(ensemble.nodes().contains("/maas/service/dga/dead"));
}

const Finding* find(const Findings& findings, std::string_view text) {
  const auto at =
      std::ranges::find_if(findings, [&](const Finding& one) { return one.text.find(text) != std::string::npos; });
  return at == findings.end() ? nullptr : &*at;
}

TEST_F(OnEnsemble, DoctorOfAnEmptyCluster) {
  Cluster cluster = open();
  EXPECT_TRUE(examine_clock(cluster).empty()) << "there is no node of ours to write below";
  const Findings nodes = examine_nodes(cluster);
  ASSERT_TRUE(find(nodes, "the defaults hold"));
  ASSERT_TRUE(find(nodes, "no controller has run here yet"));
  const Findings leader = examine_leader(cluster);
  ASSERT_EQ(leader.size(), 1U);
  EXPECT_EQ(leader[0].kind, Finding::Kind::kProblem);
  EXPECT_THAT(leader[0].advice, HasSubstr("modelyard controller --zk node1:2181"));
  ASSERT_TRUE(find(examine_queue(cluster), "no request waits"));
  EXPECT_EQ(examine_registrations(cluster)[0].kind, Finding::Kind::kGood);
}

TEST_F(OnEnsemble, DoctorOfAClusterWithTroubles) {
  const Ports ports;
  put("/metron/maas/config", R"({"queueConfig":{"zk_path":"/q"}})");
  put("/maas/modelyard", "");
  put("/q/qn-0000000001", "{}");
  const zk::RejectedRequest rejected{.item = "qn-0000000000", .data = "x", .reason = "it is no JSON"};
  put("/maas/modelyard/rejected/r-0000000000", json::dump(to_json(rejected)));
  register_model("dead", Ports::silent());
  lead(Ports::silent());
  Cluster cluster = open();
  EXPECT_EQ(examine_clock(cluster).at(0).kind, Finding::Kind::kGood);
  EXPECT_TRUE(find(examine_nodes(cluster), "queue /q"));
  const Findings nodes = examine_nodes(cluster);
  ASSERT_TRUE(find(nodes, "may be written by everybody"));
  EXPECT_EQ(find(nodes, "may be written by everybody")->kind, Finding::Kind::kNote);
  EXPECT_EQ(examine_leader(cluster).at(0).kind, Finding::Kind::kProblem);
  const Findings queue = examine_queue(cluster);
  ASSERT_TRUE(find(queue, "1 requests wait"));
  ASSERT_TRUE(find(queue, "it is no JSON"));
  const Findings stale = examine_registrations(cluster);
  ASSERT_EQ(stale.at(0).kind, Finding::Kind::kProblem);
  EXPECT_THAT(stale[0].text, HasSubstr("dga@1.0 dead"));
  EXPECT_THAT(stale[0].advice, HasSubstr("modelyard prune --zk node1:2181"));
  lead(ports.answering());
  EXPECT_EQ(examine_leader(cluster).at(0).kind, Finding::Kind::kGood);
}

struct SrvrRow {
  std::string name, answer;
  Finding::Kind kind;
  std::string says;
};
class Srvr : public ::testing::TestWithParam<SrvrRow> {};
TEST_P(Srvr, IsUnderstood) {
  const Finding finding = finding_of_srvr("node1:2181", GetParam().answer);
  EXPECT_EQ(finding.kind, GetParam().kind);
  EXPECT_EQ(finding.what, "zookeeper node1:2181");
  EXPECT_THAT(finding.text, HasSubstr(GetParam().says));
  EXPECT_EQ(finding.advice.empty(), finding.kind == Finding::Kind::kGood);
}
INSTANTIATE_TEST_SUITE_P(
    Doctor, Srvr,
    ::testing::Values(
        SrvrRow{"v34",
                "Zookeeper version: 3.4.14-4c25d480e66aadd371de8bd2fd8da255ac140bcf, built on 03/06/2019 16:18 GMT\n"
                "Latency min/avg/max: 0/0/0\nReceived: 1\nMode: standalone\nNode count: 4\n",
                Finding::Kind::kGood, "version 3.4.14, standalone"},
        SrvrRow{"v39",
                "Zookeeper version: 3.9.3-c26634f34490bb0ea7a09cc51e05ede3b4e320ee, built on 2024\nMode: follower\n",
                Finding::Kind::kGood, "version 3.9.3, follower"},
        SrvrRow{"read_only", "Zookeeper version: 3.8.0, built\nMode: read-only\n", Finding::Kind::kProblem,
                "read-only"},
        SrvrRow{"no_majority", "This ZooKeeper instance is not currently serving requests\n", Finding::Kind::kProblem,
                "no majority"},
        SrvrRow{"not_allowed", "srvr is not executed because it is not in the whitelist.\n", Finding::Kind::kGood,
                "reachable"},
        SrvrRow{"silent", "", Finding::Kind::kNote, "answered nothing"},
        SrvrRow{"another", "HTTP/1.1 400 Bad Request\r\n\r\n", Finding::Kind::kProblem, "no ZooKeeper"}),
    [](const auto& row) { return row.param.name; });

TEST(Quorum, EachServerIsLookedAt) {
  const Findings findings = examine_quorum({.quorum = "127.0.0.1:1,localhost:2"});
  ASSERT_EQ(findings.size(), 2U);
  EXPECT_EQ(findings[0].what, "zookeeper 127.0.0.1:1");
  EXPECT_EQ(findings[0].kind, Finding::Kind::kProblem);
  EXPECT_EQ(findings[1].what, "zookeeper localhost:2");
}

TEST(Gateway, SaysThatZooKeeperDoesNotAnswer) {
  const Status ended = run_gateway({.place = {.quorum = "127.0.0.1:1"}, .first_within = milliseconds(300)},
                                   [](const std::string&) { return Status(); });
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code(), ErrorCode::kUnavailable);
  EXPECT_THAT(ended.error().message(), HasSubstr("ZooKeeper 127.0.0.1:1 does not answer"));
}

}  // namespace
}  // namespace modelyard::cli
