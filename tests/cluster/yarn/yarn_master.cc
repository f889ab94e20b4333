// SPDX-License-Identifier: Apache-2.0
// yarn_master FOLDER COMMAND LABEL RM…: an application master that does what the lines of FOLDER/commands say, for
// tests/cluster/yarn_am.py. Started by a node manager. Containers run COMMAND. What happens is appended to
// FOLDER/events:
//   registered ATTEMPT | placed ID CONTAINER | started ID | refused ID why | waiting ID why | exit ID cause | killed ID
//   adopted ID | orphaned ID why | shut-down why | finished
// Commands: launch ID MB | kill ID | finish. FOLDER/instances keeps what is to be taken over by a later attempt.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "base/strings.h"
#include "controller/yarn_launcher.h"
#include "io/file.h"

namespace modelyard {
namespace {

namespace fs = std::filesystem;
namespace yarn = hadoop::yarn;

SteadyTime in(seconds time) { return system_clock().now() + time; }

void append(const fs::path& file, const std::string& line) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const std::string text = line + "\n";
  if (fd < 0 || ::write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) ::_exit(3);
  ::close(fd);
}

class Master {
 public:
  Master(io::Loop& loop, fs::path folder, controller::YarnLauncherOptions options)
      : folder_(std::move(folder)), attempt_(options.attempt), scope_(loop.executor()) {
    launcher_ = std::make_unique<controller::YarnLauncher>(
        loop.executor(), std::move(options),
        [](registry::InstanceSpec) -> io::Task<Result<std::map<std::string, yarn::LocalResource>>> {
          co_return std::map<std::string, yarn::LocalResource>{};
        },
        Random::from_system());
    launcher_->on_exit(
        [this](const std::string& id, int64_t, const std::string& cause) { say("exit " + id + " " + cause); });
    launcher_->on_waiting(
        [this](const std::string& id, int64_t, const std::string& why) { say("waiting " + id + " " + why); });
    launcher_->on_placed([this](std::string id, int64_t, controller::Placement placement) -> io::Task<Status> {
      append(folder_ / "instances", id + " " + placement.container);
      say("placed " + id + " " + placement.container);
      containers_[id] = placement.container;
      co_return Status();
    });
    launcher_->on_shut_down([this](const std::string& reason) {
      say("shut-down " + reason);
      over_ = true;
    });
  }

  io::Task<int> run() {
    if (const Status started = co_await launcher_->start(in(seconds(60))); !started) {
      say("shut-down " + started.error().message());
      co_return 1;
    }
    take_over();
    say(fmt::format("registered {}", attempt_));
    while (!over_) {
      co_await io::sleep_for(milliseconds(20));
      co_await take_commands();
    }
    co_await launcher_->stop();
    co_await scope_.join();
    co_return 0;
  }

 private:
  void say(const std::string& line) { append(folder_ / "events", line); }

  void take_over() {
    std::istringstream lines(io::read_file(folder_ / "instances").value_or(""));
    std::string id;
    std::string container;
    while (lines >> id >> container) {
      registry::Instance known;
      known.id = id;
      known.incarnation = 1;
      known.container = container;
      const Status watched = launcher_->watch(known);
      say(watched ? "adopted " + id : "orphaned " + id + " " + watched.error().message());
      if (watched) containers_[id] = container;
    }
  }

  io::Task<void> take_commands() {
    const std::string text = io::read_file(folder_ / "commands").value_or("");
    std::istringstream lines(text.substr(0, text.rfind('\n') + 1));
    std::string line;
    for (size_t number = 0; std::getline(lines, line); ++number) {
      if (number < done_) continue;
      ++done_;
      if (!io::write_file_atomic(folder_ / "done", std::to_string(done_))) ::_exit(3);
      std::istringstream words(line);
      std::string verb;
      std::string id;
      int64_t memory = 0;
      words >> verb >> id >> memory;
      if (verb == "launch") scope_.spawn(launch(id, memory));
      if (verb == "kill") scope_.spawn(kill(id));
      if (verb == "finish") {
        const Status finished = co_await launcher_->finish(true, "the test is over", in(seconds(30)));
        say(finished ? "finished" : "shut-down " + finished.error().message());
        over_ = true;
      }
    }
  }

  io::Task<void> launch(std::string id, int64_t memory) {
    registry::InstanceSpec spec;
    spec.id = id;
    spec.incarnation = 1;
    spec.name = "model" + std::to_string(memory);
    spec.version = "1";
    spec.memory_mb = memory;
    spec.env = {{"ODD", "a \"quoted\" $HOME `id` {{x}} <LOG_DIR> '\\ \xc3\xa4"}};
    const auto launched = co_await launcher_->launch(spec);
    say(launched ? "started " + id : "refused " + id + " " + launched.error().message());
  }

  io::Task<void> kill(std::string id) {
    registry::Instance known;
    known.id = id;
    known.container = containers_[id];
    const Status killed = co_await launcher_->kill(known);
    say(killed ? "killed " + id : "refused " + id + " " + killed.error().message());
  }

  const fs::path folder_;
  const int32_t attempt_;
  std::unique_ptr<controller::YarnLauncher> launcher_;
  std::map<std::string, std::string> containers_;
  size_t done_ = static_cast<size_t>(parse_int(io::read_file(folder_ / "done").value_or("0")).value_or(0));
  bool over_ = false;
  io::Scope scope_;
};

int main_of(const std::vector<std::string>& arguments) {
  const fs::path folder = arguments.at(0);
  const char* const file = std::getenv("HADOOP_TOKEN_FILE_LOCATION");
  const char* const container = std::getenv("CONTAINER_ID");
  const auto id = yarn::parse_container_id(container == nullptr ? "" : container);
  const auto credentials = hadoop::read_credentials(file == nullptr ? "" : file);
  if (!id || !credentials || credentials->find(hadoop::kAmRmToken) == nullptr) {
    append(folder / "events", "shut-down this is no container of an application master");
    return 1;
  }
  controller::YarnLauncherOptions options;
  for (size_t i = 3; i < arguments.size(); ++i) {
    const size_t colon = arguments[i].rfind(':');
    options.master.resource_managers.push_back(
        {arguments[i].substr(0, colon), static_cast<uint16_t>(std::stoi(arguments[i].substr(colon + 1)))});
  }
  options.master.master.token = *credentials->find(hadoop::kAmRmToken);
  options.application = id->application;
  options.attempt = id->attempt;
  options.credentials = *credentials;
  options.command = arguments.at(1);
  // As it is written out, it is this process's own log folder.
  for (size_t at = 0; (at = options.command.find("@LOG_DIR@", at)) != std::string::npos;)
    options.command.replace(at, 9, "<LOG_DIR>");
  options.node_label = arguments.at(2);
  options.waiting_said_after = seconds(1);
  io::Loop loop;
  Master master(loop, folder, std::move(options));
  return io::run_blocking(loop, master.run());
}

}  // namespace
}  // namespace modelyard

int main(int argc, char** argv) { return modelyard::main_of(std::vector<std::string>(argv + 1, argv + argc)); }
