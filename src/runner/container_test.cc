// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "base/base64.h"
#include "base/strings.h"
#include "hadoop/security/tokens.h"
#include "http/client.h"
#include "io/file.h"
#include "io/process.h"
#include "json/json.h"
#include "json/tree.h"
#include "runner/localize.h"
#include "runner/log_server.h"
#include "runner/secret.h"
#include "runner/surroundings.h"
#include "runner/testing/harness.h"

// `modelyard-runner --container`, as YARN would start it, without a ZooKeeper: nothing of this needs one.
namespace modelyard::runner {
namespace {

namespace fs = std::filesystem;
using testing::eventually;
using ::testing::HasSubstr;

constexpr auto kSecret = "0123456789abcdef";

http::ClientResponse fetch(const std::string& address, const std::string& target, const std::string& token) {
  io::Loop loop;
  http::Client client(loop);
  http::ClientRequest request;
  request.origin = http::Origin::of("http://" + address).value();
  request.target = target;
  if (!token.empty()) request.headers.add("authorization", "Bearer " + token);
  auto answer = io::run_blocking(loop, client.fetch(std::move(request), system_clock().now() + seconds(10)));
  return answer ? *std::move(answer) : http::ClientResponse{.status = -1, .body = answer.error().message()};
}

class Container : public ::testing::Test {
 protected:
  Container() : root_(*io::TemporaryFolder::make("modelyard-container-test")) {
    for (const char* name : {"cache", "container", "logs"}) fs::create_directories(root_.path() / name);
    model_.write_server();
    // As the node manager does: files in a cache, links to them in the container.
    fs::create_directories(here() / "payload");
    for (const auto& entry : fs::directory_iterator(model_.spec.payload)) {
      const fs::path cached = root_.path() / "cache" / entry.path().filename();
      fs::copy_file(entry.path(), cached);
      fs::permissions(cached, fs::perms::owner_read);
      fs::create_symlink(cached, here() / "payload" / entry.path().filename());
    }
    spec_ = {{"id", "m-1-abcdef"}, {"incarnation", 3}, {"name", "m"}, {"version", "1"}, {"zookeeper", "127.0.0.1:1"}};
  }
  ~Container() override {
    if (pid_ > 0) ::kill(-pid_, SIGKILL);
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
  }

  fs::path here() const { return root_.path() / "container"; }
  fs::path log(const std::string& name) const { return root_.path() / "logs" / name; }
  std::string read(const fs::path& path) const { return io::read_file(path).value_or(std::string()); }

  void start(std::vector<std::string> more = {}) {
    std::vector<std::string> environment{
        "MODELYARD_SPEC=" + base64url_encode(json::dump(spec_)), "CONTAINER_ID=container_1_2",
        "LOG_DIRS=" + (root_.path() / "logs").string() + ",/nowhere", "NM_HOST=127.0.0.1"};
    if (!secret_.empty()) environment.push_back("MODELYARD_ZK_SECRET=" + secret_);
    environment.insert(environment.end(), more.begin(), more.end());
    std::vector<char*> envp;
    for (std::string& line : environment) envp.push_back(line.data());
    envp.push_back(nullptr);
    const std::string program = (fs::read_symlink("/proc/self/exe").parent_path() / "modelyard-runner").string();
    std::string name = program;
    std::string flag = "--container";
    char* argv[] = {name.data(), flag.data(), nullptr};
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addchdir_np(&actions, here().c_str());
    ::posix_spawn_file_actions_addopen(&actions, 1, log("stdout").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::posix_spawn_file_actions_addopen(&actions, 2, log("stderr").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    ASSERT_EQ(::posix_spawn(&pid_, program.c_str(), &actions, &attributes, argv, envp.data()), 0);
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
  }
  int wait_exit() {
    int status = -1;
    EXPECT_TRUE(eventually([&] { return ::waitpid(pid_, &status, WNOHANG) > 0; }));
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  std::string log_address() const {
    const std::string mark = "logs are served at ";
    EXPECT_TRUE(eventually([&] { return read(log("stderr")).find(mark) != std::string::npos; }));
    const std::string told = read(log("stderr"));
    const size_t at = told.find(mark) + mark.size();
    return told.substr(at, told.find('\n', at) - at);
  }
  // Processes of the container that are not the runner.
  std::vector<int64_t> below() const { return io::peek_descendants(pid_); }

  io::TemporaryFolder root_;
  testing::Harness model_;  // its payload alone
  json::Tree spec_;
  std::string secret_ = kSecret;
  pid_t pid_ = -1;
};

TEST_F(Container, ServesFromLinksInItsOwnGroupAndEndsOnTerm) {
  start();
  ASSERT_TRUE(eventually([&] { return fs::exists(here() / "work" / "endpoint.dat"); })) << read(log("stderr"));
  EXPECT_FALSE(fs::is_symlink(here() / "work" / "server.py")) << "a model may write its own files";
  ASSERT_TRUE(eventually([&] { return below().size() >= 2; }));
  for (const int64_t pid : below()) {
    EXPECT_EQ(::getpgid(static_cast<pid_t>(pid)), pid_) << "YARN kills the group, and all that is in it";
  }
  ASSERT_TRUE(eventually([&] { return read(log("stderr")).find(": ready") != std::string::npos; }));
  ::kill(pid_, SIGTERM);
  EXPECT_EQ(wait_exit(), 0) << read(log("stderr"));
}

TEST_F(Container, AKilledGroupLeavesNothing) {
  start();
  ASSERT_TRUE(eventually([&] { return fs::exists(here() / "work" / "endpoint.dat"); })) << read(log("stderr"));
  const std::vector<int64_t> all = below();
  ASSERT_GE(all.size(), 2U);
  ::kill(-pid_, SIGKILL);
  EXPECT_EQ(wait_exit(), 128 + SIGKILL);
  for (const int64_t pid : all) EXPECT_TRUE(eventually([&] { return !testing::is_running(pid); })) << pid;
}

TEST_F(Container, TheSecretIsNowhereToBeSeen) {
  model_.write("unused", "");
  fs::remove(here() / "payload" / "rest.sh");
  ASSERT_TRUE(io::write_file_atomic(here() / "payload" / "rest.sh",
                                    "#!/bin/sh\ncat /proc/self/environ >environment\ncat /proc/$PPID/environ "
                                    ">>environment\ntouch done\nexec python3 -S server.py\n"));
  start();
  ASSERT_TRUE(eventually([&] { return fs::exists(here() / "work" / "done"); })) << read(log("stderr"));
  EXPECT_THAT(read(here() / "work" / "environment"), HasSubstr("MODELYARD_INSTANCE=m-1-abcdef"));
  EXPECT_EQ(read(here() / "work" / "environment").find(kSecret), std::string::npos);
  EXPECT_EQ(read(fmt::format("/proc/{}/environ", pid_)).find(kSecret), std::string::npos);
  EXPECT_EQ(read(log("stderr")).find(kSecret), std::string::npos);
}

TEST_F(Container, WhatTheModelWritesGoesToTheContainersLogsAndOverHttpToWhoHasTheToken) {
  fs::remove(here() / "payload" / "rest.sh");
  ASSERT_TRUE(io::write_file_atomic(here() / "payload" / "rest.sh",
                                    "#!/bin/sh\necho one\necho two\necho three >&2\nexec python3 -S server.py\n"));
  start();
  ASSERT_TRUE(eventually([&] { return read(log("stderr.log")) == "three\n"; })) << read(log("stderr"));
  EXPECT_EQ(read(log("stdout.log")), "one\ntwo\n");
  EXPECT_EQ(read(log("stdout")), "one\ntwo\n") << "where people who know YARN look";
  EXPECT_THAT(read(log("stderr")), HasSubstr("three\n"));
  const std::string address = log_address();
  const std::string token = registry::runner_log_token(kSecret, "m-1-abcdef");
  EXPECT_EQ(fetch(address, "/logs", "").status, 401);
  EXPECT_EQ(fetch(address, "/logs", kSecret).status, 401);
  EXPECT_EQ(fetch(address, "/logs", registry::runner_log_token(kSecret, "other")).status, 401);
  const auto answer = fetch(address, "/logs?stream=stdout&tail=1", token);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "{\"instance\":\"m-1-abcdef\",\"stream\":\"stdout\",\"line\":\"two\"}\n");
  EXPECT_EQ(fetch(address, "/logs?stream=../stdout", token).status, 400);
  EXPECT_EQ(fetch(address, "/logs?tail=many", token).status, 400);
  EXPECT_EQ(fetch(address, "/etc/passwd", token).status, 404);
}

// As the application master gives it: in the file of the container's credentials.
TEST_F(Container, TheSecretMayComeWithTheContainersCredentials) {
  hadoop::Credentials credentials;
  credentials.secrets[std::string(kSecretAlias)] = kSecret;
  const fs::path file = root_.path() / "container_tokens";
  ASSERT_TRUE(io::write_file_atomic(file, hadoop::write_credentials(credentials), 0600));
  secret_.clear();
  start({"HADOOP_TOKEN_FILE_LOCATION=" + file.string()});
  ASSERT_TRUE(eventually([&] { return read(log("stderr")).find("logs are served at ") != std::string::npos; }))
      << read(log("stderr"));
  EXPECT_EQ(fetch(log_address(), "/logs", registry::runner_log_token(kSecret, "m-1-abcdef")).status, 200);
}

TEST_F(Container, WithoutASecretNobodyReadsItsLogsOverHttp) {
  secret_.clear();
  start();
  ASSERT_TRUE(eventually([&] { return read(log("stderr")).find(": ready") != std::string::npos; }));
  EXPECT_EQ(read(log("stderr")).find("logs are served"), std::string::npos);
}

struct Refusal {
  std::string name;
  std::string variable;  // one more of the environment, or of the spec
  std::string says;
};
class RefusedContainers : public Container, public ::testing::WithParamInterface<Refusal> {};
TEST_P(RefusedContainers, SayWhatIsMissing) {
  const std::string& name = GetParam().name;
  if (name == "NoZookeeper") spec_["zookeeper"] = "", spec_["socket"] = "/s";
  if (name == "NoPayload") fs::remove_all(here() / "payload");
  if (name == "WrongQuorum") spec_["zookeeper"] = "node1:many";
  if (GetParam().variable.empty()) {
    start();
  } else {
    start({GetParam().variable});
  }
  EXPECT_EQ(wait_exit(), 2);
  EXPECT_THAT(read(log("stderr")), HasSubstr(GetParam().says));
}
INSTANTIATE_TEST_SUITE_P(Container, RefusedContainers,
                         ::testing::Values(Refusal{"NoZookeeper", "", "names no zookeeper"},
                                           Refusal{"NoPayload", "", "payload"}, Refusal{"WrongQuorum", "", "many"}),
                         [](const auto& row) { return row.param.name; });

TEST(SecretFiles, AreReadOnlyWhereNobodyElseMay) {
  testing::Harness harness;
  const io::TemporaryFolder folder = *io::TemporaryFolder::make("modelyard-secret-test");
  const fs::path file = folder.path() / "secret";
  const fs::path program = fs::read_symlink("/proc/self/exe").parent_path() / "modelyard-runner";
  const auto run = [&] {
    const std::string line =
        fmt::format("MODELYARD_ZK_SECRET_FILE={} {} --spec /nowhere 2>&1", file.string(), program.string());
    FILE* const out = ::popen(line.c_str(), "r");
    char text[1024] = {};
    const size_t got = std::fread(text, 1, sizeof text - 1, out);
    ::pclose(out);
    return std::string(text, got);
  };
  EXPECT_THAT(run(), HasSubstr("MODELYARD_ZK_SECRET_FILE: "));
  ASSERT_TRUE(io::write_file_atomic(file, "0123456789abcdef\n", 0644));
  EXPECT_THAT(run(), HasSubstr("chmod 600"));
  fs::permissions(file, fs::perms::owner_read);
  EXPECT_THAT(run(), HasSubstr("/nowhere")) << "the secret was taken, the spec is next";
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
  ASSERT_TRUE(io::write_file_atomic(file, "two words\n", 0600));
  EXPECT_THAT(run(), HasSubstr("one word"));
}

// A link that leads back up would never end.
TEST(LocalizeLinks, AreFollowedWithinBounds) {
  const io::TemporaryFolder root = *io::TemporaryFolder::make("modelyard-links-test");
  const fs::path payload = root.path() / "payload";
  fs::create_directories(root.path() / "cache" / "data");
  fs::create_directories(payload);
  ASSERT_TRUE(io::write_file_atomic(root.path() / "cache" / "rest.sh", "#!/bin/sh\n", 0400));
  ASSERT_TRUE(io::write_file_atomic(root.path() / "cache" / "data" / "table", "1,2\n", 0400));
  ASSERT_TRUE(io::write_file_atomic(payload / "endpoint.dat", "{}"));
  fs::create_symlink(root.path() / "cache" / "rest.sh", payload / "rest.sh");
  fs::create_symlink(root.path() / "cache" / "data", payload / "data");
  const fs::path work = root.path() / "work";
  const Status done = localize_links(payload, work, "rest.sh");
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(io::read_file(work / "data" / "table").value(), "1,2\n");
  EXPECT_FALSE(fs::exists(work / "endpoint.dat")) << "stale";
  EXPECT_EQ(::access((work / "rest.sh").c_str(), X_OK), 0);
  EXPECT_EQ(::access((work / "data" / "table").c_str(), W_OK), 0);
  fs::create_symlink(payload, payload / "again");
  const Status refused = localize_links(payload, work, "rest.sh");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("again/again"));
}

}  // namespace
}  // namespace modelyard::runner
