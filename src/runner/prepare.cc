// SPDX-License-Identifier: Apache-2.0
#include "runner/prepare.h"

#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>

#include "io/process.h"
#include "payloads/judge.h"
#include "runner/environment.h"

namespace modelyard::runner {

namespace {

// What a container's model writes also goes to the container's own stdout and stderr, which people who know YARN open
// first, up to a bound: the rotated files have the rest.
std::function<void(bool, std::string_view)> copy_to_container(int64_t bytes_max) {
  std::array<int64_t, 2> room{};
  for (int i = 0; i < 2; ++i) {
    struct stat info {};
    // A pipe or terminal that nobody reads must not hold the model up.
    room[i] = ::fstat(STDOUT_FILENO + i, &info) == 0 && S_ISREG(info.st_mode) ? bytes_max : 0;
  }
  return [room](bool is_stderr, std::string_view bytes) mutable {
    int64_t& left = room[is_stderr ? 1 : 0];
    if (left <= 0) return;
    bytes = bytes.substr(0, static_cast<size_t>(std::min<int64_t>(left, static_cast<int64_t>(bytes.size()))));
    left -= static_cast<int64_t>(bytes.size());
    const int fd = is_stderr ? STDERR_FILENO : STDOUT_FILENO;
    [[maybe_unused]] const ssize_t written = ::write(fd, bytes.data(), bytes.size());
  };
}

}  // namespace

Result<PreparedModel> prepare_model(const registry::InstanceSpec& spec, const Surroundings& surroundings,
                                    Random& random) {
  MY_TRY(std::string script, payloads::judge_payload(spec.payload));
  MY_TRY(const uint16_t port, choose_free_port(random));
  LogDrainOptions drain{.folder = registry::log_folder_of(spec), .bytes_max = spec.log_bytes_max};
  if (surroundings.in_container) drain.on_bytes = copy_to_container(spec.log_bytes_max);
  MY_TRY(std::unique_ptr<LogDrain> log, LogDrain::make(std::move(drain)));
  MemoryLimit memory = MemoryLimit::make(spec.id, spec.memory_mb);
  ScriptCommand command{.script = spec.folder + "/work/" + script,
                        .folder = spec.folder + "/work",
                        .environment = model_environment(spec, port),
                        .stdout_fd = log->stdout_writer(),
                        .stderr_fd = log->stderr_writer(),
                        .cgroup_fd = memory.procs_fd(),
                        .cgroup_folder = memory.cgroup_folder(),
                        .keep_fd = surroundings.lock_fd,
                        .own_session = !surroundings.in_container};
  MY_TRY(Guard guard, Guard::fork(std::move(command)));
  log->close_writers();
  return PreparedModel{
      .script = std::move(script), .guard = std::move(guard), .log = std::move(log), .memory = std::move(memory)};
}

io::Task<int> report_unprepared(const registry::InstanceSpec& spec, Error error, ControllerLink& link) {
  spdlog::error("{}: {}", spec.id, error.message());
  link.start([](Order) {});
  const std::optional<io::ProcessStat> self = io::read_process_stat(::getpid());
  link.report({.id = spec.id,
               .incarnation = spec.incarnation,
               .state = registry::InstanceState::kFailed,
               .runner_pid = ::getpid(),
               .boot_id = io::boot_id(),
               .runner_start_ticks = self ? self->start_ticks : 0,
               .reason = error.message()});
  co_await link.flush(system_clock().now() + seconds(2));
  co_await link.stop(system_clock().now() + seconds(1));
  co_return 1;
}

}  // namespace modelyard::runner
