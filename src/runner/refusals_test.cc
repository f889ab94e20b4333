// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "runner/testing/harness.h"

// What a bad model gets: the state failed, and a reason that names the thing.
namespace modelyard::runner::testing {
namespace {

using registry::InstanceState;
using ::testing::HasSubstr;

struct BadModel {
  std::string name;
  std::function<void(Harness&)> payload;
  std::string reason;          // contained in the report's
  std::string last_line = "";  // of the log tail, if not empty
  int64_t endpoint_wait_ms = 20'000;
};

void PrintTo(const BadModel& row, std::ostream* out) { *out << row.name; }

BadModel script(std::string name, std::string text, std::string reason, std::string last_line = "",
                int64_t wait_ms = 20'000) {
  return {std::move(name), [text = std::move(text)](Harness& h) { h.write("rest.sh", text); }, std::move(reason),
          std::move(last_line), wait_ms};
}

BadModel endpoint(std::string name, const std::string& content, std::string reason) {
  const std::string text = "#!/bin/bash\ncat > endpoint.dat <<'END'\n" + content + "\nEND\nexec tail -f /dev/null\n";
  return script(std::move(name), text, std::move(reason), "", 300);
}

class BadModels : public ::testing::TestWithParam<BadModel> {};

TEST_P(BadModels, FailsWithItsReason) {
  Harness harness;
  GetParam().payload(harness);
  harness.spec.endpoint_wait_ms = GetParam().endpoint_wait_ms;
  harness.start();
  const auto failed = harness.controller->wait_for(InstanceState::kFailed);
  ASSERT_TRUE(failed.has_value());
  EXPECT_THAT(failed->reason, HasSubstr(GetParam().reason));
  EXPECT_EQ(harness.wait_exit(), 1);
  const auto last = harness.controller->last();
  EXPECT_EQ(last->state, InstanceState::kFailed);
  if (!GetParam().last_line.empty()) {
    ASSERT_FALSE(last->log_tail.empty());
    EXPECT_EQ(last->log_tail.back(), GetParam().last_line);
  }
  if (last->model_pid > 0) EXPECT_FALSE(is_running(last->model_pid));
}

INSTANTIATE_TEST_SUITE_P(
    Runner, BadModels,
    ::testing::Values(
        BadModel{"NoScript", [](Harness& h) { h.write("model.py", "x"); },
                 "no .sh file at its top level (found: model.py)"},
        BadModel{"TwoScripts",
                 [](Harness& h) {
                   h.write("a.sh", "x");
                   h.write("b.sh", "x");
                 },
                 "2 .sh files at its top level (a.sh, b.sh)"},
        script("Exits", "echo one\necho bad day >&2\nexit 3\n", "rest.sh exited with 3", "bad day"),
        script("ExitsWithoutServing", "exit 0\n", "rest.sh exited with 0 and left no process behind"),
        script("Crashes", "echo last words\nkill -SEGV $$\n", "rest.sh was killed by SIGSEGV", "last words"),
        script("LastLineWithoutItsEnd", "printf 'no line end'; exit 1\n", "exited with 1", "no line end"),
        script("InterpreterMissing", "#!/no/such/interpreter\n",
               "rest.sh cannot be started: No such file or directory (its first "
               "line asks for /no/such/interpreter)"),
        script("WindowsLineEnds", "#!/bin/bash\r\nexit 0\r\n", "Windows line ends"),
        script("NeverWritesEndpoint", "exec tail -f /dev/null\n", "rest.sh wrote no endpoint.dat within 0.3 s", "",
               300),
        script("ExitsWithMalformedEndpoint", "echo '{\"url\":' > endpoint.dat; exit 4\n",
               "rest.sh exited with 4; endpoint.dat is malformed"),
        script("BackgroundServerEnds", "(timeout 0.3 tail -f /dev/null) &\nexit 0\n",
               "the processes it left behind have ended too"),
        endpoint("HalfWritten", R"({"url":"http://0.0.0.0:36161")",
                 "not ready within 0.3 s: endpoint.dat is malformed"),
        endpoint("NoObject", "[1]", "endpoint.dat is malformed: it is no JSON object"),
        endpoint("NoUrl", R"({"functions":{"apply":"apply"}})", "endpoint.dat is malformed: it has no \"url\""),
        endpoint("NoScheme", R"({"url":"localhost:8080"})", "is no absolute url"),
        endpoint("PortUnset", R"({"url":"http://0.0.0.0:"})", "has no port behind ':'"),
        endpoint("Refused", R"({"url":"http://127.0.0.1:1"})",
                 "endpoint.dat names http://127.0.0.1:1, which does not answer: 127.0.0.1:1"),
        endpoint("TcpRefused", R"({"url":"tcp://127.0.0.1:1"})", "which does not answer"),
        endpoint("FolderInItsPlace", "x\nEND\nrm endpoint.dat; mkdir endpoint.dat; cat > /dev/null <<'END'",
                 "no regular file"),
        BadModel{"PipeInItsPlace",
                 [](Harness& h) { h.write("rest.sh", "mkfifo endpoint.dat; exec tail -f /dev/null\n"); },
                 "no regular file", "", 300},
        BadModel{"HealthPathAnswers503",
                 [](Harness& h) {
                   h.write_server("status=503");
                   h.spec.health_path = "/health";
                 },
                 "its health path /health answers 503", "", 1500}),
    [](const auto& row) { return row.param.name; });

class OutOfMemory : public ::testing::TestWithParam<bool> {};

TEST_P(OutOfMemory, IsNamed) {
  Harness harness;
  const std::string eat = "/usr/bin/python3 -S -c 'import signal; x = bytearray(300 << 20); signal.pause()'";
  // The second way: a child eats it, and the script would go on.
  harness.write("rest.sh", GetParam() ? eat + "\n" : "exec " + eat + "\n");
  harness.spec.memory_mb = 64;
  harness.start();
  const auto failed = harness.controller->wait_for(InstanceState::kFailed);
  ASSERT_TRUE(failed.has_value());
  EXPECT_THAT(failed->reason, ::testing::MatchesRegex("out of memory: used [0-9]+ of 64 MB"));
  EXPECT_EQ(harness.wait_exit(), 1);
}
INSTANTIATE_TEST_SUITE_P(Runner, OutOfMemory, ::testing::Bool(),
                         [](const auto& row) { return row.param ? "InAChild" : "Itself"; });

TEST(Runner, AMalformedFileIsToldWhileItIsWaitedFor) {
  Harness harness;
  harness.write("rest.sh", "echo rubbish > endpoint.dat; exec tail -f /dev/null\n");
  harness.start();
  EXPECT_TRUE(eventually([&] {
    const auto last = harness.controller->last();
    return last && last->state == InstanceState::kStarting &&
           last->reason.find("endpoint.dat is malformed") != std::string::npos;
  }));
}

}  // namespace
}  // namespace modelyard::runner::testing
