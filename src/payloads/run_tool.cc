// SPDX-License-Identifier: Apache-2.0
#include "payloads/run_tool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "base/clock.h"
#include "base/strings.h"
#include "io/file.h"

namespace modelyard::payloads {
namespace {

bool is_executable_file(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

// False when the time is over before the end of the output.
bool collect(int fd, std::string& text, SteadyTime deadline) {
  constexpr size_t kMost = 64 << 10;
  char buffer[4096];
  while (true) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - system_clock().now()).count();
    pollfd wait{fd, POLLIN, 0};
    const int ready = left <= 0 ? 0 : ::poll(&wait, 1, static_cast<int>(left));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return true;
    text.append(buffer, std::min(static_cast<size_t>(got), kMost - std::min(kMost, text.size())));
  }
}

}  // namespace

std::optional<std::string> find_program(std::string_view name) {
  if (name.empty()) return std::nullopt;
  if (name.find('/') != std::string_view::npos) {
    return is_executable_file(std::string(name)) ? std::optional(std::string(name)) : std::nullopt;
  }
  const char* const path = std::getenv("PATH");
  for (const std::string_view folder : split(path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin", ':')) {
    std::string candidate = fmt::format("{}/{}", folder.empty() ? "." : folder, name);
    if (is_executable_file(candidate)) return candidate;
  }
  return std::nullopt;
}

Result<ToolOutput> run_tool(std::vector<std::string> words, std::chrono::milliseconds time_max) {
  const std::optional<std::string> program = words.empty() ? std::nullopt : find_program(words.front());
  if (!program) return fail(ErrorCode::kNotFound, fmt::format("{} is not in PATH", words.empty() ? "" : words.front()));
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(errno_error(errno, "making a pipe"));
  const io::UniqueFd read_end(ends[0]);
  io::UniqueFd write_end(ends[1]);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, write_end.get(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, write_end.get(), STDERR_FILENO);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, program->c_str(), &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return fail(errno_error(error, "starting " + *program));
  write_end.reset();
  ToolOutput output;
  const bool ended = collect(read_end.get(), output.text, system_clock().now() + time_max);
  if (!ended) ::kill(pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!ended)
    return fail(ErrorCode::kDeadline, fmt::format("{} did not end within {} ms", words.front(), time_max.count()));
  output.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return output;
}

}  // namespace modelyard::payloads
