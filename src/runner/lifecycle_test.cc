// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "base/strings.h"
#include "io/file.h"
#include "io/process.h"
#include "runner/testing/harness.h"

// What a good model gets.
namespace modelyard::runner::testing {
namespace {

using registry::InstanceState;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<InstanceState> states(const Harness& harness) {
  std::vector<InstanceState> seen;
  for (const auto& report : harness.controller->reports()) {
    if (seen.empty() || seen.back() != report.state) seen.push_back(report.state);
  }
  return seen;
}

TEST(Runner, ReportsEachStateWithWhoItIs) {
  Harness harness;
  harness.write_server(R"(extra='{"unknown":[1,2],"functions":{"score":"v1/score"}}')");
  harness.start();
  const auto ready = harness.controller->wait_for(InstanceState::kReady);
  ASSERT_TRUE(ready && ready->endpoint);
  EXPECT_EQ(ready->incarnation, 3);
  EXPECT_EQ(ready->runner_pid, harness.pid());
  EXPECT_TRUE(io::is_process_alive(ready->runner_pid, ready->runner_start_ticks, ready->boot_id));
  EXPECT_TRUE(is_running(ready->model_pid));
  EXPECT_EQ(ready->endpoint->functions, (std::map<std::string, std::string>{{"score", "v1/score"}}));
  EXPECT_EQ(get(harness.port(), "/x?a=1"), R"({"path": "/x?a=1"})");
  harness.controller->order("drain");
  EXPECT_EQ(harness.wait_exit(), 0);
  EXPECT_THAT(states(harness), ElementsAre(InstanceState::kLocalizing, InstanceState::kStarting, InstanceState::kReady,
                                           InstanceState::kDraining, InstanceState::kGone));
  EXPECT_FALSE(is_running(ready->model_pid));
}

TEST(Runner, TheModelSeesTheDocumentedEnvironmentAndNothingElse) {
  Harness harness;
  harness.write("rest.sh", "#!/bin/cat /proc/self/environ\n");  // no shell in between that would add its own
  harness.spec.deployer_env = {{"PATH", "/usr/bin:/bin"},
                               {"HOME", "/home/ann"},
                               {"LC_ALL", "C"},
                               {"https_proxy", "http://proxy:3128"},
                               {"AWS_SECRET", "hidden"}};
  harness.spec.env = {{"THRESHOLD", "0.5"}};
  harness.start();
  ASSERT_TRUE(harness.controller->wait_for(InstanceState::kFailed));
  const std::string log = harness.read_log("stdout.log");
  const std::string_view environment = std::string_view(log).substr(0, log.find("#!/bin/cat"));
  std::vector<std::string> lines;
  for (const std::string_view line : split(environment, '\0')) {
    if (!line.empty()) lines.push_back(line.starts_with("PORT=") ? "PORT" : std::string(line));
  }
  EXPECT_THAT(lines, ::testing::UnorderedElementsAre(
                         "PATH=/usr/bin:/bin", "HOME=/home/ann", "LC_ALL=C", "https_proxy=http://proxy:3128", "PORT",
                         "MODELYARD_MODEL=m", "MODELYARD_VERSION=1", "MODELYARD_INSTANCE=m-1-abcdef",
                         "MODELYARD_LOG_DIR=" + harness.spec.folder + "/log", "THRESHOLD=0.5"));
}

TEST(Runner, AStaleEndpointFileIsNotDeployedAndFilesKeepTheirModes) {
  Harness harness;
  harness.write("endpoint.dat", R"({"url":"http://127.0.0.1:1"})");
  harness.write("rest.sh",
                "#!/bin/sh\n[ -e endpoint.dat ] && echo stale\n[ -x tool ] && [ ! -x data/file ] && ./tool\nexit 9\n",
                0600);
  harness.write("tool", "#!/bin/sh\necho tool ran\n", 0755);
  harness.write("data/file", "x");
  harness.start();
  ASSERT_TRUE(harness.controller->wait_for(InstanceState::kFailed));
  EXPECT_EQ(harness.wait_exit(), 1);
  EXPECT_EQ(harness.read_log("stdout.log"), "tool ran\n");
}

TEST(Runner, AHalfWrittenFileIsWaitedFor) {
  Harness harness;
  harness.write_server("url=unused");
  harness.write("rest.sh",
                "#!/bin/bash\n/usr/bin/python3 -S -m http.server $PORT --bind 127.0.0.1 &\n"
                "printf '{\"url\":\"http://0.0.0.0:' > endpoint.dat\ntouch half\n"
                "while [ ! -e go ]; do timeout 0.01 tail -f /dev/null; done\n"
                "printf '%s\"}' $PORT >> endpoint.dat\nwait\n");
  harness.start();
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(harness.work("half")); }));
  EXPECT_EQ(harness.controller->last()->state, InstanceState::kStarting);
  ASSERT_TRUE(io::write_file_atomic(harness.work("go"), "x"));
  EXPECT_TRUE(harness.controller->wait_for(InstanceState::kReady));
}

struct UrlRow {
  std::string name;
  std::string arguments;
  std::string scheme;
};
class Urls : public ::testing::TestWithParam<UrlRow> {};
TEST_P(Urls, BecomesReady) {
  Harness harness;
  harness.write_server(GetParam().arguments);
  harness.start();
  const auto ready = harness.controller->wait_for(InstanceState::kReady);
  ASSERT_TRUE(ready) << harness.read_log("stderr.log");
  EXPECT_TRUE(ready->endpoint->url.starts_with(GetParam().scheme)) << ready->endpoint->url;
  EXPECT_EQ(ready->endpoint->url.find("0.0.0.0"), std::string::npos);
  EXPECT_EQ(ready->endpoint->functions.at("apply"), "apply");
}
INSTANTIATE_TEST_SUITE_P(
    Runner, Urls,
    ::testing::Values(UrlRow{"Any", "", "http://"}, UrlRow{"Localhost", "url=http://localhost:PORT", "http://"},
                      UrlRow{"LoopbackOnly", "host=127.0.0.1 url=http://127.0.0.1:PORT/", "http://"},
                      UrlRow{"Tcp", "url=tcp://0.0.0.0:PORT", "tcp://"},
                      UrlRow{"OtherScheme", "url=unix:///tmp/model.sock", "unix:///tmp/model.sock"}),
    [](const auto& row) { return row.param.name; });

TEST(Runner, AScriptThatPutsItsServerIntoTheBackgroundServes) {
  Harness harness;
  harness.write_server();
  harness.write("rest.sh", "/usr/bin/python3 -S server.py & disown\nexit 0\n");  // no first line "#!" either
  harness.start();
  ASSERT_TRUE(harness.controller->wait_for(InstanceState::kReady));
  EXPECT_EQ(get(harness.port(), "/x"), R"({"path": "/x"})");
  harness.controller->order("drain");
  EXPECT_EQ(harness.wait_exit(), 0);
}

TEST(Runner, ADrainWaitsForTheCallInFlight) {
  Harness harness;
  harness.write_server();
  harness.start();
  ASSERT_TRUE(harness.controller->wait_for(InstanceState::kReady));
  std::string answer;
  std::thread caller([&, port = harness.port()] { answer = get(port, "/slow"); });
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(harness.work("called")); }));
  harness.controller->order("drain");
  EXPECT_TRUE(harness.controller->wait_for(InstanceState::kDraining));
  EXPECT_FALSE(harness.wait_exit(milliseconds(300)).has_value());
  ASSERT_TRUE(io::write_file_atomic(harness.work("go"), "x"));
  caller.join();
  EXPECT_EQ(answer, R"({"path": "/slow"})");
  EXPECT_EQ(harness.wait_exit(), 0);
}

TEST(Runner, ADrainWaitsNoLongerThanItMayAndAStopNotAtAll) {
  for (const bool stop : {false, true}) {
    Harness harness;
    harness.write_server();
    harness.spec.drain_ms = stop ? 60'000 : 200;
    harness.start();
    ASSERT_TRUE(harness.controller->wait_for(InstanceState::kReady));
    std::thread caller([port = harness.port()] { get(port, "/slow"); });
    EXPECT_TRUE(eventually([&] { return std::filesystem::exists(harness.work("called")); }));
    harness.controller->order("drain");
    EXPECT_TRUE(harness.controller->wait_for(InstanceState::kDraining));
    if (stop) harness.controller->order("stop");
    EXPECT_EQ(harness.wait_exit(), 0);
    caller.join();
  }
}

TEST(Runner, AModelThatIgnoresTermIsKilled) {
  Harness harness;
  harness.write_server();
  harness.write(
      "rest.sh",
      "#!/bin/bash\ntrap 'touch got_term' TERM\n/usr/bin/python3 -S server.py &\nwhile true; do wait; done\n");
  harness.spec.term_ms = 300;
  harness.start();
  const auto ready = harness.controller->wait_for(InstanceState::kReady);
  ASSERT_TRUE(ready);
  harness.signal(SIGTERM);
  EXPECT_EQ(harness.wait_exit(), 0);
  EXPECT_TRUE(std::filesystem::exists(harness.work("got_term")));
  EXPECT_FALSE(is_running(ready->model_pid));
}

TEST(Runner, UnhealthyAfterThreeMissesAndReadyAgain) {
  Harness harness;
  harness.write_server();
  harness.spec.health_path = "health";
  harness.start();
  ASSERT_TRUE(harness.controller->wait_for(InstanceState::kReady));
  ASSERT_TRUE(io::write_file_atomic(harness.work("status"), "500"));
  const auto unhealthy = harness.controller->wait_for(InstanceState::kUnhealthy);
  ASSERT_TRUE(unhealthy);
  EXPECT_THAT(unhealthy->reason, HasSubstr("answers 500"));
  ASSERT_TRUE(io::write_file_atomic(harness.work("status"), "200"));
  EXPECT_TRUE(eventually([&] { return harness.controller->last()->state == InstanceState::kReady; }));
}

TEST(Runner, ServesOnWithoutItsControllerAndTellsTheNextOne) {
  Harness harness;
  harness.write_server();
  harness.start();
  ASSERT_TRUE(harness.controller->wait_for(InstanceState::kReady));
  harness.controller->stop();
  EXPECT_EQ(get(harness.port(), "/x"), R"({"path": "/x"})");
  const size_t before = harness.controller->reports().size();
  harness.controller->start();
  ASSERT_TRUE(eventually([&] { return harness.controller->reports().size() > before; }));
  EXPECT_EQ(harness.controller->last()->state, InstanceState::kReady);
  EXPECT_GE(harness.controller->streams_opened(), 2);
}

class Disowned : public ::testing::TestWithParam<int> {};
TEST_P(Disowned, DrainsAndEnds) {
  Harness harness;
  harness.write_server();
  harness.start();
  const auto ready = harness.controller->wait_for(InstanceState::kReady);
  ASSERT_TRUE(ready);
  harness.controller->stop();
  harness.controller->answer_with(GetParam());
  harness.controller->start();
  EXPECT_EQ(harness.wait_exit(), 0);
  EXPECT_FALSE(is_running(ready->model_pid));
}
INSTANTIATE_TEST_SUITE_P(Runner, Disowned, ::testing::Values(404, 409));

TEST(Runner, ObeysNoOrderToAnotherIncarnation) {
  Harness harness;
  harness.write_server();
  harness.start();
  ASSERT_TRUE(harness.controller->wait_for(InstanceState::kReady));
  harness.controller->order("stop", 2);
  harness.controller->order("serve");
  EXPECT_FALSE(harness.wait_exit(milliseconds(300)).has_value());
  EXPECT_EQ(harness.controller->last()->state, InstanceState::kReady);
}

TEST(Runner, ANewUrlIsToldOnceItAnswers) {
  Harness harness;
  harness.write_server();
  harness.start();
  ASSERT_TRUE(harness.controller->wait_for(InstanceState::kReady));
  const std::string text = fmt::format(R"({{"url":"http://127.0.0.1:{}/v2"}})", harness.port());
  ASSERT_TRUE(io::write_file_atomic(harness.work("endpoint.dat"), text));
  EXPECT_TRUE(eventually([&] { return harness.controller->last()->endpoint->url.ends_with("/v2"); }));
}

}  // namespace
}  // namespace modelyard::runner::testing
