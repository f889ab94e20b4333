// SPDX-License-Identifier: Apache-2.0
#include "runner/prepare.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include "io/process.h"
#include "payloads/judge.h"
#include "runner/environment.h"

namespace modelyard::runner {

Result<PreparedModel> prepare_model(const registry::InstanceSpec& spec, int lock_fd, Random& random) {
  MY_TRY(std::string script, payloads::judge_payload(spec.payload));
  MY_TRY(const uint16_t port, choose_free_port(random));
  MY_TRY(std::unique_ptr<LogDrain> log,
         LogDrain::make({.folder = spec.folder + "/log", .bytes_max = spec.log_bytes_max}));
  MemoryLimit memory = MemoryLimit::make(spec.id, spec.memory_mb);
  ScriptCommand command{.script = spec.folder + "/work/" + script,
                        .folder = spec.folder + "/work",
                        .environment = model_environment(spec, port),
                        .stdout_fd = log->stdout_writer(),
                        .stderr_fd = log->stderr_writer(),
                        .cgroup_fd = memory.procs_fd(),
                        .cgroup_folder = memory.cgroup_folder(),
                        .keep_fd = lock_fd};
  MY_TRY(Guard guard, Guard::fork(std::move(command)));
  log->close_writers();
  return PreparedModel{
      .script = std::move(script), .guard = std::move(guard), .log = std::move(log), .memory = std::move(memory)};
}

io::Task<int> report_unprepared(io::Loop& loop, const registry::InstanceSpec& spec, Error error, Random& random) {
  spdlog::error("{}: {}", spec.id, error.message());
  ControllerLink link(loop, spec, random, [](Order) {});
  io::Scope scope(loop.executor());
  scope.spawn(link.run_reports());
  const std::optional<io::ProcessStat> self = io::read_process_stat(::getpid());
  link.report({.id = spec.id,
               .incarnation = spec.incarnation,
               .state = registry::InstanceState::kFailed,
               .runner_pid = ::getpid(),
               .boot_id = io::boot_id(),
               .runner_start_ticks = self ? self->start_ticks : 0,
               .reason = error.message()});
  co_await link.flush(system_clock().now() + seconds(2));
  co_await scope.stop();
  co_return 1;
}

}  // namespace modelyard::runner
