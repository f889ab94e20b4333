// SPDX-License-Identifier: Apache-2.0
#include "runner/try_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <mutex>

#include "io/file.h"
#include "payloads/packagers.h"
#include "runner/testing/harness.h"

// `modelyard run`: each kind of source tried with no server.
namespace modelyard::runner {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class TryModelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    before_ = fs::current_path();
    fs::current_path(folder_.path());
    options_.deployer_env = {{"PATH", "/usr/bin:/bin"}};
    options_.endpoint_wait = seconds(20);
    options_.on_output = [this](bool, std::string_view bytes) {
      const std::lock_guard lock(mutex_);
      output_ += bytes;
    };
  }
  void TearDown() override { fs::current_path(before_); }

  Result<TryVerdict> attempt(const payloads::Source& source) {
    MY_TRY(const payloads::Package package, payloads::make_package(source));
    options_.payload = package.folder;
    options_.name = package.default_name;
    return try_model(options_);
  }
  Result<TryVerdict> attempt(const std::string& word) {
    MY_TRY(const payloads::Source source, payloads::parse_source(word));
    return attempt(source);
  }
  void write(const std::string& file, std::string_view content) {
    ASSERT_TRUE(io::write_file_atomic(folder_.path() / file, content, 0644));
  }

  io::TemporaryFolder folder_ = *io::TemporaryFolder::make("modelyard-try-test");
  fs::path before_;
  TryOptions options_;
  std::mutex mutex_;
  std::string output_;
};

TEST_F(TryModelTest, APythonFunction) {
  write("app.py",
        "import os\nprint('loading')\ndef score(host: str, n: int = 1):\n    return {'host': host, 'n': n + 1}\n");
  options_.arguments = {{"host", "a b&c=\xc3\xa4"}, {"n", "4"}};
  const auto verdict = attempt("app.py:score");
  ASSERT_TRUE(verdict) << verdict.error().message();
  EXPECT_TRUE(verdict->good) << verdict->problem;
  EXPECT_EQ(verdict->call->body, "{\"host\": \"a b&c=\\u00e4\", \"n\": 5}");
  EXPECT_EQ(verdict->functions.at("score"), "score");
  EXPECT_EQ(output_, "loading\n");
}

TEST_F(TryModelTest, APythonFunctionThatFails) {
  write("app.py", "def score(): raise RuntimeError('no weights')\n");
  const auto verdict = attempt("app.py:score");
  ASSERT_TRUE(verdict);
  EXPECT_FALSE(verdict->good);
  EXPECT_THAT(verdict->problem, HasSubstr("answers 500"));
  EXPECT_THAT(verdict->call->body, HasSubstr("RuntimeError: no weights"));
  EXPECT_THAT(output_, HasSubstr("Traceback"));
}

TEST_F(TryModelTest, APythonFileThatCannotBeImported) {
  write("app.py", "import no_such_module\ndef score(): pass\n");
  const auto verdict = attempt("app.py:score");
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->problem, "start.sh exited with 1");
  EXPECT_THAT(output_, HasSubstr("modelyard: importing app.py failed: ModuleNotFoundError"));
}

TEST_F(TryModelTest, ACommandThatListensOnItsPort) {
  write("server.py",
        "import http.server, sys\nclass H(http.server.BaseHTTPRequestHandler):\n    def do_GET(self):\n"
        "        self.send_response(200); self.end_headers(); self.wfile.write(b'{\"ok\": true}')\n"
        "http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), H).serve_forever()\n");
  const auto verdict = attempt(payloads::command_source({"python3", "server.py", "$PORT"}));
  ASSERT_TRUE(verdict) << verdict.error().message();
  EXPECT_TRUE(verdict->good) << verdict->problem;
}

TEST_F(TryModelTest, ACommandThatEndsAtOnce) {
  const auto verdict = attempt(payloads::command_source({"false"}));
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->problem, "start.sh exited with 1");
}

TEST_F(TryModelTest, AnAnswerThatIsNoJsonObject) {
  write("index.html", "hello");
  options_.function = "index.html";
  const auto verdict = attempt(payloads::command_source(
      {"sh", "-c", "cd '" + folder_.path().string() + "' && exec python3 -m http.server --bind 127.0.0.1 $PORT"}));
  ASSERT_TRUE(verdict);
  EXPECT_THAT(verdict->problem, HasSubstr("answers no JSON"));
}

TEST_F(TryModelTest, AModelThatIsNotHttpIsNotCalled) {
  fs::create_directory("tcp");
  write("tcp/rest.sh", "echo '{\"url\":\"queue://here/it/is\"}' > endpoint.dat; exec tail -f /dev/null\n");
  const auto verdict = attempt("tcp");
  ASSERT_TRUE(verdict);
  EXPECT_TRUE(verdict->good);
  EXPECT_FALSE(verdict->call);
  EXPECT_THAT(verdict->notes, ::testing::ElementsAre(HasSubstr("calls speak http alone")));
}

TEST_F(TryModelTest, NothingIsLeftRunningAndNothingOnTheDisk) {
  fs::create_directory("m");
  write("m/rest.sh", "setsid tail -f /dev/null & echo $! $PWD; exit 5\n");
  const auto verdict = attempt("m");
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->problem, "rest.sh exited with 5");
  const size_t blank = output_.find(' ');
  EXPECT_FALSE(testing::is_running(std::stoll(output_.substr(0, blank))));
  EXPECT_FALSE(fs::exists(output_.substr(blank + 1, output_.size() - blank - 2)));
}

TEST_F(TryModelTest, AFolderWithoutAScriptIsAnError) {
  fs::create_directory("none");
  options_.payload = "none";
  EXPECT_THAT(try_model(options_).error().message(), HasSubstr("no .sh file"));
}

}  // namespace
}  // namespace modelyard::runner
