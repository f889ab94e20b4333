// SPDX-License-Identifier: Apache-2.0
// Whole runs: a file or a pipe, the real pipeline, a server with a store and a model.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "base/strings.h"
#include "io/file.h"
#include "sensor/sensor.h"
#include "sensor/test_server.h"

namespace modelyard::sensor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

const std::string kConfig = std::string(MODELYARD_SOURCE_DIR) + "/config/zookeeper";

std::string squid_line(const std::string& host, int n = 0) {
  return std::to_string(1461576382 + n) + ".642    161 127.0.0.1 TCP_MISS/200 103701 GET http://www." + host +
         "/ - DIRECT/199.27.79.73 text/html";
}

class RunTest : public testing::Test {
 protected:
  RunTest() : folder_(std::move(*io::TemporaryFolder::make("sensor-run"))) {
    options_.sensor = "squid";
    options_.config = kConfig;
    options_.once = true;
    options_.source = "file:" + log().string();
    options_.server_wait = milliseconds(5'000);
    options_.on_notice = [this](std::string_view text) { notices_.emplace_back(text); };
  }
  std::filesystem::path log() const { return folder_.path() / "access.log"; }
  void append(const std::string& text) { std::ofstream(log(), std::ios::app) << text; }

  void serve(milliseconds model_time = milliseconds(0)) {
    const uint16_t port = server_ ? server_->port() : 0;
    server_.reset();
    server_ = std::make_unique<TestServer>(folder_.path() / "data", port, model_time);
    options_.server.url = server_->url();
  }
  std::string run_once() {
    const auto summary = run(options_);
    if (!summary) return std::string(to_string(summary.error().code())) + ": " + summary.error().message();
    return std::to_string(summary->records) + " read, " + std::to_string(summary->stored) + " stored, " +
           std::to_string(summary->already) + " already, " + std::to_string(summary->errors) + " errors";
  }
  // test() of the text, its output by lines.
  std::vector<std::string> test_lines(const std::string& text, pipeline::Stage stage = pipeline::Stage::kIndex) {
    TestOptions options;
    options.sensor = "squid";
    options.config = options_.config;
    options.stage = stage;
    options.server = options_.server;
    options.file = folder_.path() / "in";
    options.on_notice = options_.on_notice;
    std::ofstream(options.file) << text;
    const auto out = folder_.path() / "out";
    const io::UniqueFd fd(open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    options.output_fd = fd.get();
    tested_ = test(options);
    const std::string written = *io::read_file(out);
    std::vector<std::string> lines;
    for (const std::string_view line : split(written, '\n')) {
      if (!line.empty()) lines.emplace_back(line);
    }
    return lines;
  }

  io::TemporaryFolder folder_;
  RunOptions options_;
  std::vector<std::string> notices_;
  std::unique_ptr<TestServer> server_;
  Result<Summary> tested_;
};

TEST_F(RunTest, TestShowsWhatBecomesOfEachLineInOrder) {
  serve();
  const auto lines = test_lines(squid_line("yahoo.com") + "\nrubbish\n" + squid_line("evil.example") + "\n");
  ASSERT_TRUE(tested_) << tested_.error().message();
  ASSERT_THAT(lines, SizeIs(3));
  EXPECT_THAT(lines[0], HasSubstr(R"("is_malicious":"legit")"));
  EXPECT_THAT(lines[0], Not(HasSubstr("is_alert")));
  EXPECT_THAT(lines[1], HasSubstr(R"("source:type":"error")"));
  EXPECT_THAT(lines[1], HasSubstr(R"("failed_sensor_type":"squid")"));
  EXPECT_THAT(lines[2], HasSubstr(R"("is_malicious":"malicious")"));
  EXPECT_THAT(lines[2], HasSubstr(R"("is_alert":"true")"));
  EXPECT_THAT(lines[2], HasSubstr(R"("threat:triage:level":100)"));
  EXPECT_EQ(tested_->records, 3u);
  EXPECT_EQ(tested_->errors, 1u);
  EXPECT_EQ(server_->store().statistics().documents, 0) << "nothing is kept";
}

TEST_F(RunTest, TestAtAnEarlierStage) {
  serve();
  const auto lines = test_lines(squid_line("yahoo.com") + "\n", pipeline::Stage::kParse);
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_THAT(lines[0], HasSubstr(R"("action":"TCP_MISS")"));
  EXPECT_THAT(lines[0], Not(HasSubstr("full_hostname")));
}

TEST_F(RunTest, TestWithoutItsServerSaysSoAndGoesOn) {
  options_.server.url = "http://127.0.0.1:1";
  const auto lines = test_lines(squid_line("yahoo.com") + "\n");
  ASSERT_TRUE(tested_) << tested_.error().message();
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_THAT(lines[0], Not(HasSubstr("is_malicious")));
  EXPECT_THAT(notices_, ElementsAre(HasSubstr("no models are known")));
}

TEST_F(RunTest, RefusedConfigurationPrintsNothing) {
  std::filesystem::create_directories(folder_.path() / "config/parsers");
  options_.config = folder_.path() / "config";
  std::ofstream(options_.config / "parsers/squid.json") << "{ \"parserClassName\" : }";
  EXPECT_THAT(test_lines(squid_line("yahoo.com") + "\n"), IsEmpty());
  ASSERT_FALSE(tested_);
  EXPECT_EQ(tested_.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(tested_.error().message(), HasSubstr("squid.json:1:"));
}

// One thread, a model that takes its time: calls run side by side and the order is kept.
TEST_F(RunTest, SlowModelDoesNotHoldUpTheOtherLines) {
  serve(milliseconds(100));
  std::string text;
  for (int i = 0; i < 200; ++i) text += squid_line("d" + std::to_string(i) + ".org", i) + "\n";
  const auto began = system_clock().now();
  const auto lines = test_lines(text);
  const auto took = system_clock().now() - began;
  ASSERT_THAT(lines, SizeIs(200));
  for (int i = 0; i < 200; ++i)
    EXPECT_THAT(lines[static_cast<size_t>(i)], HasSubstr("\"d" + std::to_string(i) + ".org\""));
  EXPECT_EQ(server_->calls, 200);
  EXPECT_LT(took, milliseconds(1000));
}

TEST_F(RunTest, FailedCallsAreNull) {
  serve();
  server_->model_status = 500;
  const auto lines = test_lines(squid_line("yahoo.com") + "\n" + squid_line("evil.example") + "\n");
  ASSERT_TRUE(tested_);
  ASSERT_THAT(lines, SizeIs(2));
  EXPECT_THAT(lines[0], Not(HasSubstr("is_malicious")));
  EXPECT_THAT(lines[1], Not(HasSubstr("is_alert")));
  EXPECT_EQ(tested_->errors, 0u);
  EXPECT_EQ(tested_->calls_failed, 2u);
}

TEST_F(RunTest, RunningAFileAgainAddsNothing) {
  serve();
  append(squid_line("yahoo.com") + "\nbroken\n" + squid_line("evil.example") + "\n");
  EXPECT_EQ(run_once(), "3 read, 3 stored, 0 already, 1 errors");
  EXPECT_EQ(run_once(), "0 read, 0 stored, 0 already, 0 errors");
  append(squid_line("amazon.com", 1) + "\n");
  EXPECT_EQ(run_once(), "1 read, 1 stored, 0 already, 0 errors");
  EXPECT_THAT(server_->search(""), SizeIs(4));
  EXPECT_THAT(server_->search("source:type:squid"), SizeIs(3));
  EXPECT_THAT(server_->search("failed_sensor_type:squid"), SizeIs(1));
  EXPECT_THAT(server_->search("is_alert:true"), SizeIs(1));
}

TEST_F(RunTest, LostRepliesStoreNothingTwice) {
  serve();
  for (int i = 0; i < 5000; ++i) append(squid_line("d" + std::to_string(i) + ".org", i) + "\n");
  server_->refuse_posts = 3;
  EXPECT_THAT(run_once(), testing::StartsWith("5000 read"));
  EXPECT_EQ(server_->store().statistics().documents, 5000);
  EXPECT_THAT(notices_, Not(IsEmpty()));
}

TEST_F(RunTest, OddLinesAreDocumentsToo) {
  serve();
  append("\n\xff\xfe not utf-8 \xc3\n" + std::string(10 << 20, 'x') + "\n" + squid_line("yahoo.com") + "\r\n" +
         std::string("nul \0 inside", 12) + "\n" + squid_line("amazon.com"));
  EXPECT_EQ(run_once(), "6 read, 6 stored, 0 already, 4 errors");
  EXPECT_THAT(server_->search("source:type:squid"), SizeIs(2));
  EXPECT_THAT(server_->search("source:type:error utf"), SizeIs(1));
}

TEST_F(RunTest, TooLongALineIsOneError) {
  serve();
  append(std::string(20 << 20, 'x') + "\n" + squid_line("yahoo.com") + "\n");
  EXPECT_EQ(run_once(), "2 read, 2 stored, 0 already, 1 errors");
  const auto errors = server_->search("source:type:error");
  ASSERT_THAT(errors, SizeIs(1));
  EXPECT_LT(errors[0].size(), size_t{300} << 10);
}

TEST_F(RunTest, StandardInput) {
  serve();
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  const std::string text = squid_line("yahoo.com") + "\n" + squid_line("evil.example");
  ASSERT_EQ(write(fds[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  close(fds[1]);
  options_.source = "stdin";
  options_.input_fd = fds[0];
  EXPECT_EQ(run_once(), "2 read, 2 stored, 0 already, 0 errors");
  close(fds[0]);
  EXPECT_THAT(server_->search(""), SizeIs(2));
}

// Somebody looks at an inner stage of a sensor that runs.
TEST_F(RunTest, TapShowsAnInnerStageOfARunningSensor) {
  setenv("XDG_RUNTIME_DIR", folder_.path().c_str(), 1);
  std::filesystem::create_directory(folder_.path() / "modelyard");
  std::filesystem::permissions(folder_.path() / "modelyard", std::filesystem::perms::owner_all);
  TapOptions tapped;
  tapped.sensor = "squid";
  tapped.stage = pipeline::Stage::kParse;
  const Status nobody = tap(tapped, [](std::string_view) { return false; });
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code(), ErrorCode::kUnavailable);
  EXPECT_THAT(nobody.error().message(), HasSubstr("no sensor 'squid'"));

  serve();
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  options_.source = "stdin";
  options_.input_fd = fds[0];
  std::thread sensor([this] { EXPECT_THAT(run_once(), HasSubstr("0 errors")); });
  std::atomic<bool> seen{false};
  std::thread feeder([&] {
    const std::string line = squid_line("yahoo.com") + "\n";
    while (!seen) {
      EXPECT_EQ(write(fds[1], line.data(), line.size()), static_cast<ssize_t>(line.size()));
      std::this_thread::sleep_for(milliseconds(2));
    }
    close(fds[1]);
  });
  std::string shown;
  const SteadyTime deadline = system_clock().now() + seconds(20);
  while (shown.empty() && system_clock().now() < deadline) {
    (void)tap(tapped, [&](std::string_view document) {
      shown = document;
      return false;
    });
  }
  seen = true;
  feeder.join();
  sensor.join();
  close(fds[0]);
  EXPECT_THAT(shown, HasSubstr(R"("action":"TCP_MISS")"));
  EXPECT_THAT(shown, Not(HasSubstr("full_hostname")));
  unsetenv("XDG_RUNTIME_DIR");
}

TEST_F(RunTest, TapOfTheIndexStageComesFromTheServer) {
  TapOptions tapped;
  tapped.sensor = "squid";
  tapped.server.url = "http://127.0.0.1:1";
  const Status away = tap(tapped, [](std::string_view) { return false; });
  ASSERT_FALSE(away);
  EXPECT_EQ(away.error().code(), ErrorCode::kUnavailable);
}

struct RefusedRow {
  std::string name;
  std::string source;
  std::string sink;
  std::string says;
};
class RefusedRun : public RunTest, public testing::WithParamInterface<RefusedRow> {};
TEST_P(RefusedRun, SaysWhy) {
  serve();
  append("x\n");
  options_.source = GetParam().source.empty() ? options_.source : GetParam().source;
  options_.sink = GetParam().sink;
  EXPECT_THAT(run_once(), HasSubstr(GetParam().says));
}
INSTANTIATE_TEST_SUITE_P(Table, RefusedRun,
                         testing::ValuesIn(std::vector<RefusedRow>{
                             {"no_file", "file:/nowhere/x", "store", "not_found: opening /nowhere/x"},
                             {"no_path", "file:", "store", "invalid_argument: the source 'file:' is not understood"},
                             {"rubbish_source", "ftp://x", "store", "give file:PATH or stdin"},
                             {"kafka", "kafka:localhost:9092", "store", "unsupported: this version reads"},
                             {"rubbish_sink", "", "shop", "give store or stdout"},
                             {"elasticsearch", "", "elasticsearch:http://x", "unsupported: this version writes"},
                         }),
                         [](const auto& info) { return info.param.name; });

TEST_F(RunTest, NoServerIsUnavailable) {
  append(squid_line("yahoo.com") + "\n");
  options_.server.url = "http://127.0.0.1:1";
  options_.server_wait = milliseconds(0);
  EXPECT_THAT(run_once(), HasSubstr("unavailable: the store of http://127.0.0.1:1"));
}

TEST_F(RunTest, UnknownSensorIsNotFound) {
  options_.sensor = "nosuch";
  EXPECT_THAT(run_once(), testing::StartsWith("not_found"));
}

// A sensor in a process of its own, forked before any thread is started here; it begins when it is told where the
// server is.
class SensorProcess {
 public:
  explicit SensorProcess(RunOptions options) {
    int fds[2];
    EXPECT_EQ(pipe(fds), 0);
    pid_ = fork();
    if (pid_ == 0) {
      close(fds[1]);
      char url[100] = {};
      if (read(fds[0], url, sizeof url - 1) <= 0) _exit(9);
      options.server.url = url;
      options.on_notice = nullptr;
      const auto summary = run(options);
      _exit(summary ? 0 : 1);
    }
    close(fds[0]);
    tell_ = io::UniqueFd(fds[1]);
  }
  ~SensorProcess() {
    if (pid_ > 0) end(SIGKILL);
  }
  void begin(const std::string& url) {
    EXPECT_EQ(write(tell_.get(), url.data(), url.size()), static_cast<ssize_t>(url.size()));
  }
  int end(int signal) {
    kill(pid_, signal);
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_ = -1;
  io::UniqueFd tell_;
};

bool wait_until(const std::function<bool()>& condition) {
  const SteadyTime deadline = system_clock().now() + seconds(20);
  while (!condition()) {
    if (system_clock().now() > deadline) return false;
    std::this_thread::sleep_for(milliseconds(2));
  }
  return true;
}

TEST_F(RunTest, FollowsAFileThroughAnOutageOfTheServerUntilTerminated) {
  append(squid_line("yahoo.com") + "\n");
  options_.once = false;
  SensorProcess process(options_);
  serve();
  process.begin(options_.server.url);
  EXPECT_TRUE(wait_until([&] { return server_->store().statistics().documents == 1; }));
  append(squid_line("evil.example", 1) + "\n");
  EXPECT_TRUE(wait_until([&] { return server_->store().statistics().documents == 2; }));
  const uint16_t port = server_->port();
  server_.reset();
  for (int i = 0; i < 100; ++i) append(squid_line("d" + std::to_string(i) + ".org", i) + "\n");
  server_ = std::make_unique<TestServer>(folder_.path() / "data", port);
  EXPECT_TRUE(wait_until([&] { return server_->store().statistics().documents == 102; }));
  const int status = process.end(SIGTERM);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST_F(RunTest, KilledAtAnyMomentEachLineIsStoredOnce) {
  constexpr int kLines = 30'000;
  std::string text;
  for (int i = 0; i < kLines; ++i) text += squid_line("d" + std::to_string(i % 50) + ".org", i) + "\n";
  append(text);
  std::vector<std::unique_ptr<SensorProcess>> processes;
  for (int i = 0; i < 3; ++i) processes.push_back(std::make_unique<SensorProcess>(options_));
  serve();
  int posts = 0;
  for (auto& process : processes) {
    process->begin(options_.server.url);
    posts += 3;
    EXPECT_TRUE(wait_until([&] { return server_->posts >= posts; }));
    process->end(SIGKILL);
    posts = server_->posts;
  }
  EXPECT_THAT(run_once(), HasSubstr("0 already, 0 errors"));
  EXPECT_EQ(server_->store().statistics().documents, kLines);
  documents::Query query;
  query.text = "source:type:squid";
  EXPECT_EQ(server_->store().facets_and_wait(query)->total, kLines);
}

}  // namespace
}  // namespace modelyard::sensor
