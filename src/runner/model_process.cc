// SPDX-License-Identifier: Apache-2.0
#include "runner/model_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "base/strings.h"
#include "io/process.h"

namespace modelyard::runner {

ModelProcess::ModelProcess(io::Executor executor, Guard guard, std::function<void()> on_change)
    : guard_(std::move(guard)),
      readable_(executor, io::UniqueFd(::fcntl(guard_.fd(), F_DUPFD_CLOEXEC, 3))),
      on_change_(std::move(on_change)) {}

io::Task<void> ModelProcess::watch() {
  while (!state_.guard_lost) {
    co_await readable_.wait(io::Descriptor::For::kRead);
    while (!state_.guard_lost) {
      const Result<std::optional<GuardMessage>> message = guard_.receive();
      if (message && !*message) break;
      if (message) {
        take(**message);
      } else {
        lose_guard();
      }
      on_change_();
    }
  }
}

void ModelProcess::take(const GuardMessage& message) {
  switch (message.kind) {
    case GuardMessage::Kind::kStarted: state_.script_pid = message.value; break;
    case GuardMessage::Kind::kNotStarted: state_.start_errno = message.value != 0 ? message.value : EIO; break;
    case GuardMessage::Kind::kScriptEnded:
      state_.wait_status = message.value;
      state_.left_running = message.more != 0;
      break;
    case GuardMessage::Kind::kEmpty: state_.empty = true; break;
  }
}

// What the guard had below it is ours now, for a runner is a subreaper.
void ModelProcess::lose_guard() {
  state_.guard_lost = true;
  while (::waitpid(static_cast<pid_t>(guard_.pid()), nullptr, 0) < 0 && errno == EINTR) {
  }
  if (state_.script_pid > 0) io::kill_descendants(::getpid(), system_clock().now() + seconds(2));
}

void ModelProcess::kill() {
  if (!state_.guard_lost) guard_.kill();
}

std::string describe_end(std::string_view script, int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    const char* const name = ::sigabbrev_np(WTERMSIG(wait_status));
    return name != nullptr ? fmt::format("{} was killed by SIG{}", script, name)
                           : fmt::format("{} was killed by signal {}", script, WTERMSIG(wait_status));
  }
  return fmt::format("{} exited with {}", script, WEXITSTATUS(wait_status));
}

std::string describe_start_error(const std::string& path, int error) {
  const std::string name = std::filesystem::path(path).filename().string();
  std::string text = fmt::format("{} cannot be started: {}", name, ::strerror(error));
  const Result<io::UniqueFd> file = io::open_file(path, O_RDONLY);
  char start[256];
  const ssize_t got = file ? ::read(file->get(), start, sizeof start) : 0;
  if (error != ENOENT || got < 2 || start[0] != '#' || start[1] != '!') return text;
  const std::string_view bytes(start, static_cast<size_t>(got));
  const std::string_view line = bytes.substr(0, bytes.find('\n'));
  text += fmt::format(" (its first line asks for {})", trim_ascii(line.substr(2)));
  if (line.ends_with('\r')) text += "; the file has Windows line ends: convert it, for example with sed -i 's/\\r$//'";
  return text;
}

std::string describe_failure(const ProcessState& state, const std::string& script) {
  if (state.guard_lost) return "the model's guard was killed, and the model with it";
  if (state.start_errno != 0) return describe_start_error(script, state.start_errno);
  std::string text = describe_end(std::filesystem::path(script).filename().string(), state.wait_status.value_or(0));
  if (state.wait_status == 0) {
    text += state.left_running ? ", and the processes it left behind have ended too"
                               : " and left no process behind: it must stay as long as the model serves";
  }
  return text;
}

}  // namespace modelyard::runner
