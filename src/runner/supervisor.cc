// SPDX-License-Identifier: Apache-2.0
#include "runner/supervisor.h"

#include <fmt/format.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <system_error>
#include <thread>

#include "io/process.h"
#include "runner/connections.h"
#include "runner/folder_watch.h"
#include "runner/localize.h"

namespace modelyard::runner {

using registry::InstanceState;

namespace {

// One that is not joinable when the system has no thread left.
std::thread start_thread(std::function<void()> work) {
  try {
    return std::thread(std::move(work));
  } catch (const std::system_error&) {
    return {};
  }
}

registry::RunnerReport first_report(const registry::InstanceSpec& spec) {
  const int64_t pid = ::getpid();
  const std::optional<io::ProcessStat> self = io::read_process_stat(pid);
  return {.id = spec.id,
          .incarnation = spec.incarnation,
          .state = InstanceState::kLocalizing,
          .runner_pid = pid,
          .boot_id = io::boot_id(),
          .runner_start_ticks = self ? self->start_ticks : 0};
}

}  // namespace

Supervisor::Supervisor(io::Loop& loop, const registry::InstanceSpec& spec, const Surroundings& surroundings,
                       PreparedModel model, std::unique_ptr<ControllerLink> link, Random& random)
    : loop_(loop),
      spec_(spec),
      surroundings_(surroundings),
      script_(std::move(model.script)),
      random_(random),
      log_(std::move(model.log)),
      memory_(std::move(model.memory)),
      wake_(loop.executor()),
      process_(loop.executor(), std::move(model.guard), [this] { wake_.notify_all(); }),
      readiness_(loop, {.folder = spec.folder + "/work",
                        .health_path = spec.health_path,
                        .machine_name = surroundings.machine_name,
                        .registry_is_embedded = spec.registry_is_embedded}),
      link_(std::move(link)),
      scope_(loop.executor()),
      report_(first_report(spec)) {}

Supervisor::~Supervisor() = default;

SteadyTime Supervisor::in(milliseconds time) const { return system_clock().now() + time; }

void Supervisor::want(Want wanted) {
  // Never back: who was told to drain stays out of service, and a stop is not softened.
  if (wanted <= want_) return;
  want_ = wanted;
  wake_.notify_all();
}

void Supervisor::set_state(InstanceState state, std::string reason) {
  report_.state = state;
  report_.reason = std::move(reason);
  spdlog::info("{}: {}{}{}", spec_.id, registry::to_string(state), report_.reason.empty() ? "" : ": ", report_.reason);
  send_report();
}

void Supervisor::send_report() {
  report_.model_pid = process_.state().script_pid;
  link_->report(report_);
}

Supervisor::Failure Supervisor::process_failure() const {
  if (out_of_memory_) return out_of_memory_;
  const ProcessState& state = process_.state();
  if (state.is_alive()) return std::nullopt;
  // The kernel's killer may have been quicker than our look at the counter.
  if (auto reason = memory_.struck(process_.guard_pid())) return reason;
  return describe_failure(state, fmt::format("{}/work/{}", spec_.folder, script_));
}

io::Task<int> Supervisor::run() {
  scope_.spawn(process_.watch());
  serve_logs();
  link_->start([this](Order order) {
    if (order == Order::kDrain || order == Order::kDisowned) want(Want::kDrain);
    if (order == Order::kStop) want(Want::kStop);
  });
  scope_.spawn(watch_signals());
  const Failure failure = co_await live();
  if (failure && is_wanted()) {
    co_await end_failed(*failure);
  } else {
    co_await drain();
  }
  if (log_server_) co_await log_server_->stop();
  co_await link_->stop(in(seconds(1)));
  co_await scope_.stop();
  // The guard removes it; unless it was killed.
  if (process_.state().guard_lost && !memory_.cgroup_folder().empty()) ::rmdir(memory_.cgroup_folder().c_str());
  co_return failure&& is_wanted() ? 1 : 0;
}

io::Task<Supervisor::Failure> Supervisor::live() {
  if (Failure failure = co_await localize(); failure || !is_wanted()) co_return failure;
  if (Failure failure = co_await start(); failure || !is_wanted()) co_return failure;
  if (Failure failure = co_await become_ready(); failure || !is_wanted()) co_return failure;
  co_return co_await serve();
}

io::Task<Supervisor::Failure> Supervisor::localize() {
  set_state(InstanceState::kLocalizing);
  // On a thread: a payload of gigabytes takes its time, and the lease must not.
  std::optional<Status> done;
  const auto copy = [&] {
    const auto bring = surroundings_.in_container ? runner::localize_links : runner::localize;
    const auto result = std::make_shared<Status>(bring(spec_.payload, spec_.folder + "/work", script_));
    loop_.post([&, result] {
      done = std::move(*result);
      wake_.notify_all();
    });
  };
  std::thread copier = start_thread(copy);
  if (!copier.joinable()) copy();
  while (!done) co_await wake_.wait();
  if (copier.joinable()) copier.join();
  if (!*done) co_return done->error().message();
  co_return std::nullopt;
}

io::Task<Supervisor::Failure> Supervisor::start() {
  set_state(InstanceState::kStarting);
  scope_.spawn(watch_endpoint_file());
  if (Status started = process_.start(); !started) co_return started.error().message();
  while (process_.state().script_pid == 0 && !process_.state().is_over()) co_await wake_.wait();
  if (memory_.kind() != MemoryLimit::Kind::kNone) scope_.spawn(watch_memory());
  send_report();
  co_return process_failure();
}

io::Task<Supervisor::Failure> Supervisor::become_ready() {
  // A note is told only when it has stood for a second: half-written files and a server that is about to listen are
  // ordinary.
  std::string note;
  SteadyTime since = in(milliseconds(0));
  bool ended = false;
  const auto tell = [&]() -> io::Task<void> {
    std::string told;
    while (!ended) {
      co_await io::sleep_for(milliseconds(250));
      if (ended || note == told || in(milliseconds(-1000)) < since) continue;
      told = note;
      if (report_.state != InstanceState::kStarting) continue;
      set_state(InstanceState::kStarting,
                note == Readiness::kNoFile ? script_ + " has not written endpoint.dat yet" : note);
    }
  };
  io::Scope telling(loop_.executor());
  telling.spawn(tell());
  auto ready = co_await readiness_.wait(
      wake_, in(milliseconds(spec_.endpoint_wait_ms)), [&] { return !is_wanted() || process_failure().has_value(); },
      [&](const std::string& text) {
        note = text;
        since = in(milliseconds(0));
      });
  ended = true;
  co_await telling.stop();
  if (ready) {
    endpoint_ = *std::move(ready);
    co_return std::nullopt;
  }
  if (!is_wanted()) co_return std::nullopt;
  const std::string look = ready.error().message();
  if (Failure failure = process_failure()) {
    co_return look.empty() || look == Readiness::kNoFile ? failure : Failure(*failure + "; " + look);
  }
  const double waited_s = static_cast<double>(spec_.endpoint_wait_ms) / 1000;
  if (look == Readiness::kNoFile) co_return fmt::format("{} wrote no endpoint.dat within {:g} s", script_, waited_s);
  co_return fmt::format("not ready within {:g} s: {}", waited_s, look);
}

io::Task<Supervisor::Failure> Supervisor::serve() {
  const auto announce = [&](InstanceState state, std::string reason) {
    report_.endpoint = registry::Endpoint{.id = spec_.container.empty() ? spec_.id : spec_.container,
                                          .name = spec_.name,
                                          .version = spec_.version,
                                          .url = endpoint_->url,
                                          .host = endpoint_->host,
                                          .functions = endpoint_->file.functions};
    report_.answers_on_loopback_only = endpoint_->answers_on_loopback_only;
    set_state(state, std::move(reason));
  };
  endpoint_touched_ = false;
  announce(InstanceState::kReady, "");
  constexpr int kMissesMax = 3;
  int misses = 0;
  while (true) {
    // Instances that started together should not be looked at together.
    const SteadyTime next_look = in(milliseconds(900 + random_.below(200)));
    while (is_wanted() && !process_failure() && !endpoint_touched_ && in(milliseconds(0)) < next_look) {
      co_await wake_.wait_until(next_look);
    }
    if (!is_wanted()) co_return std::nullopt;
    if (Failure failure = process_failure()) co_return failure;
    if (endpoint_touched_) {
      const std::string before = endpoint_->url;
      co_await reread_endpoint();
      if (endpoint_->url != before) announce(report_.state, report_.reason);
      continue;
    }
    const Status answers = co_await readiness_.probe(endpoint_->file, endpoint_->probe_host);
    misses = answers ? 0 : misses + 1;
    if (answers && report_.state != InstanceState::kReady) announce(InstanceState::kReady, "");
    if (misses >= kMissesMax && report_.state == InstanceState::kReady) {
      announce(InstanceState::kUnhealthy,
               fmt::format("{} does not answer: {}", endpoint_->url, answers.error().message()));
    }
  }
}

// A model that restarts its own server may say a new url. Only one that answers is taken.
io::Task<void> Supervisor::reread_endpoint() {
  endpoint_touched_ = false;
  const Result<EndpointFile> file = readiness_.read();
  if (!file || *file == endpoint_->file) co_return;
  auto ready = co_await readiness_.wait(
      wake_, in(seconds(10)), [&] { return !is_wanted() || process_failure().has_value(); }, [](const std::string&) {});
  if (ready) endpoint_ = *std::move(ready);
}

io::Task<void> Supervisor::drain() {
  set_state(InstanceState::kDraining);
  // Nobody finds the model any more before its calls are waited for; a registry that is away is not waited for long.
  if (endpoint_) co_await link_->withdraw(in(want_ == Want::kDrain ? seconds(1) : milliseconds(200)));
  if (want_ == Want::kDrain && endpoint_) co_await wait_for_calls();
  co_await stop_processes();
  set_state(InstanceState::kGone);
  co_await link_->flush(in(milliseconds(500)));
}

io::Task<void> Supervisor::wait_for_calls() {
  // Clients hear of the drain a little later than we do: a call may be on its way.
  const SteadyTime earliest = in(milliseconds(50));
  const SteadyTime deadline = in(milliseconds(spec_.drain_ms));
  const uint16_t port = endpoint_->file.port;
  int quiet = 0;
  while (port != 0 && want_ == Want::kDrain && process_.state().is_alive() && in(milliseconds(0)) < deadline) {
    const Result<Connections> now = count_connections(port);
    quiet = now && now->busy == 0 ? quiet + 1 : 0;
    if (quiet >= 2 && in(milliseconds(0)) >= earliest) co_return;
    co_await io::sleep_for(milliseconds(20));
  }
}

io::Task<bool> Supervisor::wait_until_over(SteadyTime deadline) {
  while (!process_.state().is_over()) {
    if (!co_await wake_.wait_until(deadline)) break;
  }
  co_return process_.state().is_over();
}

io::Task<void> Supervisor::stop_processes() {
  if (process_.state().script_pid != 0 && !process_.state().is_over()) {
    process_.terminate();
    co_await wait_until_over(in(milliseconds(spec_.term_ms)));
  }
  if (!process_.state().is_over()) {
    process_.kill();
    co_await wait_until_over(in(seconds(6)));
  }
}

io::Task<void> Supervisor::end_failed(std::string reason) {
  // Clients must hear of the end at once; its last words mostly come with it, since a script that exited has closed its
  // pipes.
  const SteadyTime soon = in(milliseconds(20));
  while (!process_.state().is_alive() && !log_->wait_for_end(in(milliseconds(0))) && in(milliseconds(0)) < soon)
    co_await io::sleep_for(milliseconds(1));
  report_.log_tail = log_->tail();
  set_state(InstanceState::kFailed, std::move(reason));
  process_.kill();
  co_await wait_until_over(in(seconds(6)));
  // The last words may still be in the pipes.
  const SteadyTime deadline = in(milliseconds(200));
  while (!log_->wait_for_end(in(milliseconds(0))) && in(milliseconds(0)) < deadline)
    co_await io::sleep_for(milliseconds(2));
  if (std::vector<std::string> tail = log_->tail(); tail != report_.log_tail) {
    report_.log_tail = std::move(tail);
    send_report();
  }
  co_await link_->flush(in(seconds(2)));
}

io::Task<void> Supervisor::watch_signals() {
  const int number = co_await io::wait_for_signal({SIGTERM, SIGINT});
  spdlog::info("{}: draining on signal {}", spec_.id, number);
  want(Want::kDrain);
}

io::Task<void> Supervisor::watch_endpoint_file() {
  FolderWatch watch(loop_.executor(), spec_.folder + "/work", "endpoint.dat");
  while (true) {
    co_await watch.wait_change();
    endpoint_touched_ = true;
    wake_.notify_all();
  }
}

void Supervisor::serve_logs() {
  if (!surroundings_.in_container || surroundings_.secret.empty()) return;
  log_server_ = std::make_unique<LogServer>(loop_, registry::log_folder_of(spec_), spec_.id,
                                            registry::runner_log_token(surroundings_.secret, spec_.id));
  if (const Status started = log_server_->start(); !started) {
    spdlog::warn("{}: logs are not served: {}", spec_.id, started.error().message());
    return;
  }
  report_.log_address = fmt::format("{}:{}", surroundings_.machine_name, log_server_->port());
  spdlog::info("{}: logs are served at {}", spec_.id, report_.log_address);
}

io::Task<void> Supervisor::watch_memory() {
  while (!out_of_memory_) {
    co_await io::sleep_for(milliseconds(100));
    out_of_memory_ = memory_.struck(process_.guard_pid());
  }
  wake_.notify_all();
}

}  // namespace modelyard::runner
