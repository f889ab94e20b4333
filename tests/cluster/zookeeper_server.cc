// SPDX-License-Identifier: Apache-2.0
#include "cluster/zookeeper_server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "io/socket.h"

extern char** environ;

namespace modelyard::testing {
namespace {

using namespace std::chrono_literals;

constexpr auto kStartMax = 30s;

// Runs it with its output in the file.
Result<pid_t> spawn(const std::vector<std::string>& command, const std::string& output, int flags) {
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, 1, output.c_str(), O_WRONLY | O_CREAT | flags, 0600);
  if (flags == O_APPEND) ::posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t pid = -1;
  const int error = ::posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return fail(errno_error(error, command.front()));
  return pid;
}

int wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void pause_a_moment() { ::usleep(20'000); }  // polls: a server tells nobody when it serves

}  // namespace

Status ZooKeeperServers::prepare(const ZooKeeperOptions& options) {
  const std::string plan_file = folder_.path() / "plan.json";
  std::vector<std::string> command = {"python3",
                                      MODELYARD_SOURCE_DIR "/tests/support/zookeeper.py",
                                      "prepare",
                                      "--version",
                                      options.version,
                                      "--size",
                                      std::to_string(options.size),
                                      "--folder",
                                      folder_.path()};
  if (options.tls) command.push_back("--tls");
  if (!options.sasl_user.empty()) {
    const std::string secret = folder_.path() / "sasl";
    MY_TRY_VOID(io::write_file_atomic(secret, options.sasl_user + ":" + options.sasl_password));
    command.insert(command.end(), {"--sasl-file", secret});
  }
  MY_TRY(const pid_t pid, spawn(command, plan_file, O_TRUNC));
  if (const int status = wait_for(pid); status != 0)
    return fail(ErrorCode::kFailed, fmt::format("tests/support/zookeeper.py prepare ended with {}", status));
  MY_TRY(const std::string text, io::read_file(plan_file));
  const nlohmann::json plan = nlohmann::json::parse(text, nullptr, false);
  if (plan.is_discarded()) return fail(ErrorCode::kProtocol, "tests/support/zookeeper.py printed no plan: " + text);
  certificates_ = plan.at("certificates").get<std::string>();
  for (const nlohmann::json& each : plan.at("servers")) {
    servers_.push_back({.port = each.at("port").get<uint16_t>(),
                        .secure_port = each.at("secure_port").get<uint16_t>(),
                        .command = each.at("command").get<std::vector<std::string>>(),
                        .log = each.at("log").get<std::string>()});
  }
  return {};
}

Result<std::unique_ptr<ZooKeeperServers>> ZooKeeperServers::start(ZooKeeperOptions options) {
  MY_TRY(io::TemporaryFolder folder, io::TemporaryFolder::make("modelyard-zookeeper-"));
  std::unique_ptr<ZooKeeperServers> servers(new ZooKeeperServers(std::move(folder)));
  MY_TRY_VOID(servers->prepare(options));
  for (int i = 0; i < servers->size(); ++i) MY_TRY_VOID(servers->launch(i));
  for (int i = 0; i < servers->size(); ++i) MY_TRY_VOID(servers->wait_serving(i));
  return servers;
}

ZooKeeperServers::~ZooKeeperServers() {
  for (int i = 0; i < size(); ++i) kill(i);
}

Status ZooKeeperServers::launch(int i) {
  kill(i);
  Server& server = servers_.at(i);
  MY_TRY(server.pid, spawn(server.command, server.log, O_APPEND));
  return {};
}

Status ZooKeeperServers::restart(int i) {
  MY_TRY_VOID(launch(i));
  return wait_serving(i);
}

Status ZooKeeperServers::wait_serving(int i) const {
  const SteadyTime deadline = system_clock().now() + kStartMax;
  while (four(i, "srvr").find("Mode:") == std::string::npos) {
    siginfo_t info{};
    const bool ended = ::waitid(P_PID, servers_.at(i).pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
    if (ended || system_clock().now() > deadline)
      return fail(ErrorCode::kFailed, fmt::format("ZooKeeper server {} {}:\n{}", i + 1,
                                                  ended ? "ended" : "does not serve after 30 s", log(i)));
    pause_a_moment();
  }
  return {};
}

void ZooKeeperServers::kill(int i) {
  Server& server = servers_.at(i);
  if (server.pid < 0) return;
  ::kill(server.pid, SIGKILL);
  wait_for(server.pid);
  server.pid = -1;
}

void ZooKeeperServers::freeze(int i) { ::kill(servers_.at(i).pid, SIGSTOP); }
void ZooKeeperServers::thaw(int i) { ::kill(servers_.at(i).pid, SIGCONT); }

std::string ZooKeeperServers::quorum_of(int i) const { return fmt::format("127.0.0.1:{}", servers_.at(i).port); }

std::string ZooKeeperServers::quorum() const {
  std::string out;
  for (int i = 0; i < size(); ++i) out += (i == 0 ? "" : ",") + quorum_of(i);
  return out;
}

std::string ZooKeeperServers::secure_quorum() const {
  std::string out;
  for (const Server& server : servers_)
    out += fmt::format("{}127.0.0.1:{}", out.empty() ? "" : ",", server.secure_port);
  return out;
}

std::optional<int> ZooKeeperServers::leader() const {
  for (int i = 0; i < size(); ++i) {
    if (servers_[i].pid >= 0 && four(i, "srvr").find("Mode: leader") != std::string::npos) return i;
  }
  return std::nullopt;
}

std::string ZooKeeperServers::four(int i, const std::string& word) const {
  if (servers_.at(i).pid < 0) return "";
  const io::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval patience{.tv_sec = 2};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  const auto address = io::literal_address("127.0.0.1", servers_[i].port);
  if (::connect(fd.get(), address->get(), address->size) != 0) return "";
  if (::send(fd.get(), word.data(), word.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(word.size())) return "";
  std::string out;
  char buffer[4096];
  for (ssize_t n; (n = ::recv(fd.get(), buffer, sizeof(buffer), 0)) > 0;) out.append(buffer, n);
  return out;
}

std::string ZooKeeperServers::log(int i) const {
  const Result<std::string> text = io::read_file(servers_.at(i).log);
  return text ? text->substr(text->size() - std::min<size_t>(text->size(), 3'000)) : text.error().message();
}

}  // namespace modelyard::testing
