// SPDX-License-Identifier: Apache-2.0
#include "runner/try_model.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>

#include "base/random.h"
#include "http/client.h"
#include "http/url.h"
#include "io/file.h"
#include "io/task.h"
#include "json/json.h"
#include "json/tree.h"
#include "payloads/judge.h"
#include "runner/environment.h"
#include "runner/folder_watch.h"
#include "runner/localize.h"
#include "runner/log_drain.h"
#include "runner/memory_limit.h"
#include "runner/model_process.h"
#include "runner/readiness.h"

namespace modelyard::runner {
namespace {

SteadyTime in(milliseconds time) { return system_clock().now() + time; }

std::string own_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "localhost";
}

// One try, from the fork to the end of the tree.
class Trial {
 public:
  Trial(io::Loop& loop, const TryOptions& options, std::string folder, std::string script, Guard guard,
        const MemoryLimit& memory)
      : loop_(loop),
        options_(options),
        work_(std::move(folder)),
        memory_(memory),
        wake_(loop.executor()),
        process_(loop.executor(), std::move(guard), [this] { wake_.notify_all(); }),
        readiness_(loop, {.folder = work_, .health_path = options.health_path, .machine_name = own_name()}),
        client_(loop),
        scope_(loop.executor()) {
    verdict_.script = std::move(script);
  }

  io::Task<Result<TryVerdict>> run() {
    scope_.spawn(process_.watch());
    scope_.spawn(watch_signals());
    scope_.spawn(watch_file());
    scope_.spawn(watch_memory());
    const Status judged = co_await judge();
    const bool stopped_by_user = interrupted_;
    co_await end_processes();
    co_await scope_.stop();
    if (stopped_by_user) co_return fail(ErrorCode::kCancelled, "interrupted");
    verdict_.good = judged.has_value();
    if (!judged) verdict_.problem = judged.error().message();
    co_return verdict_;
  }

 private:
  io::Task<Status> judge() {
    const SteadyTime began = in(milliseconds(0));
    MY_CO_TRY_VOID(process_.start());
    while (process_.state().script_pid == 0 && !process_.state().is_over()) co_await wake_.wait();
    if (process_.state().script_pid != 0) {
      step(fmt::format("{} started, process {}", verdict_.script, process_.state().script_pid));
    }
    auto ready = co_await readiness_.wait(
        wake_, in(options_.endpoint_wait), [this] { return interrupted_ || failure(); },
        [this](const std::string& note) {
          if (note != Readiness::kNoFile) step(note);
        });
    if (auto why = failure()) {
      const std::string look = ready ? "" : ready.error().message();
      co_return fail(ErrorCode::kFailed, look.empty() || look == Readiness::kNoFile ? *why : *why + "; " + look);
    }
    if (!ready) co_return fail(ErrorCode::kFailed, not_ready(ready.error().message()));
    verdict_.ready_after_ms = std::chrono::duration_cast<milliseconds>(in(milliseconds(0)) - began).count();
    verdict_.url = ready->url;
    verdict_.functions = ready->file.functions;
    step(fmt::format("ready after {} ms at {}", verdict_.ready_after_ms, verdict_.url));
    if (ready->answers_on_loopback_only) {
      verdict_.notes.push_back(
          "it listens on the loopback address alone: on a cluster other machines could not reach it");
    }
    co_return co_await call(*ready);
  }

  std::string not_ready(const std::string& look) const {
    const double waited = static_cast<double>(options_.endpoint_wait.count()) / 1000;
    if (look != Readiness::kNoFile) return fmt::format("not ready within {:g} s: {}", waited, look);
    return fmt::format(
        "{} wrote no endpoint.dat within {:g} s: once it listens, it must write {{\"url\":\"http://0.0.0.0:PORT\"}} to "
        "a "
        "file of that name in the directory it was started in",
        verdict_.script, waited);
  }

  io::Task<Status> call(const ReadyEndpoint& ready) {
    if (ready.file.scheme != "http") {
      verdict_.notes.push_back(
          fmt::format("it is registered as {}; no call was made, since calls speak http alone", verdict_.url));
      co_return Status{};
    }
    const auto alias = verdict_.functions.find(options_.function);
    std::string path = alias == verdict_.functions.end() ? options_.function : alias->second;
    if (path.starts_with('/')) path.erase(0, 1);
    std::string base = url_with_host(ready.file, ready.probe_host);
    if (base.ends_with('/')) base.pop_back();
    const std::string query = http::build_query(options_.arguments);
    TriedCall tried{.url = fmt::format("{}/{}{}{}", base, path, query.empty() ? "" : "?", query)};
    MY_CO_TRY(const http::Url url, http::parse_url(tried.url));
    http::ClientRequest request;
    request.origin = http::Origin::of(url);
    request.target = url.has_query ? url.path + "?" + url.query : url.path;
    request.headers.add("accept", "application/json");
    const SteadyTime began = in(milliseconds(0));
    auto answer = co_await client_.fetch(std::move(request), in(options_.call_time));
    tried.took_us = std::chrono::duration_cast<std::chrono::microseconds>(in(milliseconds(0)) - began).count();
    if (answer) {
      tried.status = answer->status;
      tried.body = std::move(answer->body);
    }
    const std::string called = "GET " + tried.url;
    verdict_.call = std::move(tried);
    if (!answer) co_return fail(ErrorCode::kFailed, fmt::format("{}: {}", called, answer.error().message()));
    if (verdict_.call->status != 200) {
      co_return fail(ErrorCode::kFailed,
                     fmt::format("{} answers {}, where 200 is a success", called, verdict_.call->status));
    }
    const Result<json::Tree> tree = json::parse(verdict_.call->body, {.source = "the answer"});
    if (!tree)
      co_return fail(ErrorCode::kFailed, fmt::format("{} answers no JSON: {}", called, tree.error().message()));
    if (!tree->is_object())
      co_return fail(ErrorCode::kFailed, called + " answers JSON that is no object: Stellar would see null");
    co_return Status{};
  }

  std::optional<std::string> failure() const {
    if (out_of_memory_) return out_of_memory_;
    if (process_.state().is_alive()) return std::nullopt;
    if (auto reason = memory_.struck(process_.guard_pid())) return reason;
    return describe_failure(process_.state(), work_ + "/" + verdict_.script);
  }

  io::Task<void> end_processes() {
    const auto over = [this] { return process_.state().is_over() || process_.state().script_pid == 0; };
    if (!over()) process_.terminate();
    const SteadyTime patience = in(milliseconds(2000));
    while (!over() && co_await wake_.wait_until(patience)) {
    }
    process_.kill();
    const SteadyTime last = in(seconds(6));
    while (!process_.state().is_over() && co_await wake_.wait_until(last)) {
    }
  }

  io::Task<void> watch_signals() {
    co_await io::wait_for_signal({SIGINT, SIGTERM});
    interrupted_ = true;
    wake_.notify_all();
  }

  io::Task<void> watch_file() {
    FolderWatch watch(loop_.executor(), work_, "endpoint.dat");
    while (true) {
      co_await watch.wait_change();
      wake_.notify_all();
    }
  }

  io::Task<void> watch_memory() {
    while (memory_.kind() != MemoryLimit::Kind::kNone && !out_of_memory_) {
      co_await io::sleep_for(milliseconds(100));
      out_of_memory_ = memory_.struck(process_.guard_pid());
    }
    wake_.notify_all();
  }

  void step(const std::string& line) const {
    if (options_.on_step) options_.on_step(line);
  }

  io::Loop& loop_;
  const TryOptions& options_;
  const std::string work_;
  const MemoryLimit& memory_;
  io::Event wake_;
  ModelProcess process_;
  Readiness readiness_;
  http::Client client_;
  io::Scope scope_;
  bool interrupted_ = false;
  std::optional<std::string> out_of_memory_;
  TryVerdict verdict_;
};

}  // namespace

Result<TryVerdict> try_model(const TryOptions& options) {
  MY_TRY(const std::string script, payloads::judge_payload(options.payload));
  MY_TRY(const io::TemporaryFolder folder, io::TemporaryFolder::make("modelyard-run"));
  const std::string work = (folder.path() / "work").string();
  MY_TRY_VOID(localize(options.payload, work, script));
  Random random = Random::from_system();
  MY_TRY(const uint16_t port, choose_free_port(random));
  const registry::InstanceSpec spec{.id = fmt::format("try-{}", ::getpid()),
                                    .name = options.name,
                                    .version = options.version,
                                    .folder = folder.path().string(),
                                    .env = options.env,
                                    .deployer_env = options.deployer_env};
  MY_TRY(std::unique_ptr<LogDrain> log,
         LogDrain::make({.folder = folder.path() / "log", .on_bytes = options.on_output}));
  const MemoryLimit memory = MemoryLimit::make(spec.id, options.memory_mb);
  Guard::adopt_orphans();
  MY_TRY(Guard guard, Guard::fork({.script = work + "/" + script,
                                   .folder = work,
                                   .environment = model_environment(spec, port),
                                   .stdout_fd = log->stdout_writer(),
                                   .stderr_fd = log->stderr_writer(),
                                   .cgroup_fd = memory.procs_fd(),
                                   .cgroup_folder = memory.cgroup_folder()}));
  log->close_writers();
  MY_TRY_VOID(log->start());
  io::Loop loop;
  Trial trial(loop, options, work, script, std::move(guard), memory);
  Result<TryVerdict> verdict = io::run_blocking(loop, trial.run());
  log->wait_for_end(in(milliseconds(200)));
  return verdict;
}

}  // namespace modelyard::runner
