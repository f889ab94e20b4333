// SPDX-License-Identifier: Apache-2.0
#include "controller/local_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>

#include "base/strings.h"
#include "io/process.h"

namespace modelyard::controller {
namespace {

namespace fs = std::filesystem;

constexpr int kLockFd = 3;

struct Spawning {
  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};
  Spawning() {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
  }
  Spawning(const Spawning&) = delete;
  Spawning& operator=(const Spawning&) = delete;
  ~Spawning() {
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
  }
};

void arrange(Spawning& spawning, int log_fd, int lock_fd) {
  ::posix_spawn_file_actions_addopen(&spawning.actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&spawning.actions, log_fd, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&spawning.actions, log_fd, STDERR_FILENO);
  ::posix_spawn_file_actions_adddup2(&spawning.actions, lock_fd, kLockFd);
  ::posix_spawn_file_actions_addclosefrom_np(&spawning.actions, kLockFd + 1);
  sigset_t none;
  sigset_t all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&spawning.attributes, &none);
  ::posix_spawnattr_setsigdefault(&spawning.attributes, &all);
  ::posix_spawnattr_setflags(&spawning.attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

// The end of a file, from a line's begin on.
std::string read_end(const fs::path& path, int64_t bytes) {
  const Result<io::UniqueFd> fd = io::open_file(path, O_RDONLY);
  struct stat info {};
  if (!fd || ::fstat(fd->get(), &info) != 0) return "";
  const int64_t from = std::max<int64_t>(info.st_size - bytes, 0);
  std::string text(static_cast<size_t>(std::min<int64_t>(info.st_size, bytes)), '\0');
  const ssize_t got = ::pread(fd->get(), text.data(), text.size(), from);
  text.resize(static_cast<size_t>(std::max<ssize_t>(got, 0)));
  if (from > 0) text.erase(0, std::min(text.find('\n'), text.size() - 1) + 1);
  return text;
}

}  // namespace

Result<int64_t> spawn_runner(const fs::path& runner, const fs::path& folder, const std::string& id, int lock_fd,
                             const std::vector<std::string>& more) {
  const fs::path log = folder / "runner.log";
  ::rename(log.c_str(), (folder / "runner.log.previous").c_str());
  MY_TRY(const io::UniqueFd log_fd, io::open_file(log, O_WRONLY | O_CREAT | O_APPEND));
  Spawning spawning;
  arrange(spawning, log_fd.get(), lock_fd);
  const char* const path = std::getenv("PATH");
  std::vector<std::string> words{runner.string(), "--spec", (folder / "spec.json").string(), "--lock-fd",
                                 std::to_string(kLockFd)};
  std::vector<std::string> environment{std::string("PATH=") + (path != nullptr ? path : "/usr/bin:/bin"),
                                       "MODELYARD_INSTANCE=" + id, "MODELYARD_LOG_DIR=" + (folder / "log").string()};
  environment.insert(environment.end(), more.begin(), more.end());
  const auto pointers = [](std::vector<std::string>& texts) {
    std::vector<char*> all;
    for (std::string& text : texts) all.push_back(text.data());
    all.push_back(nullptr);
    return all;
  };
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, runner.c_str(), &spawning.actions, &spawning.attributes, pointers(words).data(),
                                  pointers(environment).data());
  if (error == 0) return pid;
  if (error == EAGAIN || error == ENOMEM) {
    return fail(ErrorCode::kResourceExhausted,
                "no process can be started now: " + errno_error(error, runner.string()).message());
  }
  return fail(errno_error(error, "starting " + runner.string()));
}

std::map<std::string, std::vector<int64_t>> find_marked(const fs::path& instances) {
  std::map<std::string, std::vector<int64_t>> marked;
  const std::string prefix = instances.string() + "/";
  for (const io::ProcessStat& process : io::list_processes()) {
    if (process.state == 'Z' || process.state == 'X') continue;
    const std::optional<std::string> folder = io::read_process_variable(process.pid, "MODELYARD_LOG_DIR");
    if (!folder || !folder->starts_with(prefix) || !folder->ends_with("/log")) continue;
    const std::string id = folder->substr(prefix.size(), folder->size() - prefix.size() - 4);
    if (why_bad_name(id).empty()) marked[id].push_back(process.pid);
  }
  return marked;
}

std::vector<std::string> read_log_tail(const fs::path& log_folder) {
  constexpr int64_t kEach = 2048;
  std::vector<std::string> lines;
  for (const char* const name : {"stdout.log", "stderr.log"}) {
    const std::string text = read_end(log_folder / name, kEach);
    for (std::string_view line : split(text, '\n')) {
      if (line.ends_with('\r')) line.remove_suffix(1);
      lines.push_back(to_valid_utf8(line));
    }
    if (!lines.empty() && lines.back().empty()) lines.pop_back();
  }
  return lines;
}

}  // namespace modelyard::controller
