// SPDX-License-Identifier: Apache-2.0
#include "controller/local_launcher.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "base/random.h"
#include "base/strings.h"
#include "controller/local_process.h"
#include "io/descriptor.h"
#include "io/own_program.h"
#include "io/process.h"
#include "json/json.h"
#include "json/tree.h"

namespace modelyard::controller {
namespace {

namespace fs = std::filesystem;

constexpr seconds kKillTime{5};
constexpr std::string_view kGonePrefix = ".gone-";

SteadyTime in(milliseconds time) { return system_clock().now() + time; }

LocalLauncherOptions complete(LocalLauncherOptions options) {
  if (options.runner.empty()) options.runner = io::own_program().parent_path() / "modelyard-runner";
  // One name for one folder: processes are found by it, also those that a controller started under another path to it.
  std::error_code error;
  fs::path real = fs::weakly_canonical(fs::absolute(options.instances), error);
  if (!error) options.instances = std::move(real);
  return options;
}

// Not synced: after a power cut no runner is left that would read it.
Status write_spec(const registry::InstanceSpec& spec, const fs::path& folder) {
  const fs::path temporary = folder / "spec.json.tmp";
  const std::string text = json::dump(registry::to_json(spec));
  {
    MY_TRY(const io::UniqueFd fd, io::open_file(temporary, O_WRONLY | O_CREAT | O_TRUNC));
    const ssize_t written = ::write(fd.get(), text.data(), text.size());
    if (written != static_cast<ssize_t>(text.size())) {
      return fail(errno_error(written < 0 ? errno : ENOSPC, "writing " + temporary.string()));
    }
  }
  if (::rename(temporary.c_str(), (folder / "spec.json").c_str()) != 0)
    return fail(errno_error(errno, "writing spec.json"));
  return {};
}

// An earlier incarnation's log stays readable as the previous one.
void set_log_aside(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::exists(folder / "log", ignored)) return;
  fs::remove_all(folder / "log.previous", ignored);
  fs::rename(folder / "log", folder / "log.previous", ignored);
}

}  // namespace

// Removes folders on a thread of its own: a model's working directory may hold gigabytes.
class LocalLauncher::Remover {
 public:
  Remover() : thread_([this] { run(); }) {}
  ~Remover() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  void remove(fs::path folder) {
    {
      const std::lock_guard lock(mutex_);
      folders_.push_back(std::move(folder));
    }
    changed_.notify_all();
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [&] { return stopping_ || !folders_.empty(); });
      if (folders_.empty()) return;
      const fs::path folder = std::move(folders_.front());
      folders_.pop_front();
      lock.unlock();
      std::error_code error;
      fs::remove_all(folder, error);
      if (error) spdlog::warn("removing {}: {}", folder.string(), error.message());
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<fs::path> folders_;
  bool stopping_ = false;
  std::thread thread_;
};

LocalLauncher::LocalLauncher(io::Executor executor, LocalLauncherOptions options)
    : options_(complete(std::move(options))), remover_(std::make_unique<Remover>()), scope_(executor) {
  if (options_.adopt_orphans) ::prctl(PR_SET_CHILD_SUBREAPER, 1);
}

LocalLauncher::~LocalLauncher() = default;

io::Task<void> LocalLauncher::stop() { co_await scope_.stop(); }

Result<fs::path> LocalLauncher::folder_of(const std::string& id) const {
  if (const std::string why = why_bad_name(id); !why.empty()) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("instance id \"{}\": {}", id, why));
  }
  return options_.instances / id;
}

io::Task<Result<Launched>> LocalLauncher::launch(registry::InstanceSpec spec) {
  const auto start = [&]() -> Result<int64_t> {
    MY_TRY(const fs::path folder, folder_of(spec.id));
    spec.folder = folder.string();
    MY_TRY_VOID(io::make_folder(folder));
    MY_TRY(const io::UniqueFd lock, io::lock_file(folder / "lock"));
    set_log_aside(folder);
    MY_TRY_VOID(io::make_folder(folder / "log"));
    MY_TRY_VOID(write_spec(spec, folder));
    return spawn_runner(options_.runner, folder, spec.id, lock.get(), options_.runner_environment);
  };
  reap();
  Result<int64_t> pid = start();
  if (!pid) co_return fail(std::move(pid).error().with_context("starting instance " + spec.id));
  const std::optional<io::ProcessStat> process = io::read_process_stat(*pid);
  Launched launched{
      .runner_pid = *pid, .runner_start_ticks = process ? process->start_ticks : 0, .boot_id = io::boot_id()};
  // A runner that has ended already is a child of ours that nobody has waited for: its pid is still its own.
  if (Status watching = begin_watch(spec.id, {.incarnation = spec.incarnation, .pid = *pid}); !watching) {
    ::kill(static_cast<pid_t>(*pid), SIGKILL);
    ::waitpid(static_cast<pid_t>(*pid), nullptr, 0);
    co_return fail(std::move(watching).error());
  }
  co_return launched;
}

Status LocalLauncher::begin_watch(const std::string& id, Watched watched) {
  MY_TRY(io::UniqueFd pidfd, io::open_pidfd(watched.pid));
  watched_[id] = watched;
  scope_.spawn(wait_for_end(id, watched, std::move(pidfd)));
  return {};
}

Status LocalLauncher::watch(const registry::Instance& instance) {
  const auto at = watched_.find(instance.id);
  if (at != watched_.end() && at->second.incarnation == instance.incarnation) return {};
  const auto check = [&]() -> Status {
    if (io::is_process_alive(instance.runner_pid, instance.runner_start_ticks, instance.boot_id)) return {};
    return fail(ErrorCode::kNotFound,
                fmt::format("the runner of {} (process {}) is gone", instance.id, instance.runner_pid));
  };
  MY_TRY_VOID(check());
  MY_TRY(io::UniqueFd pidfd, io::open_pidfd(instance.runner_pid));
  MY_TRY_VOID(check());  // once more: now the descriptor cannot be that of a process that took the number over
  const Watched watched{.incarnation = instance.incarnation, .pid = instance.runner_pid};
  watched_[instance.id] = watched;
  scope_.spawn(wait_for_end(instance.id, watched, std::move(pidfd)));
  return {};
}

io::Task<void> LocalLauncher::wait_for_end(std::string id, Watched watched, io::UniqueFd pidfd) {
  io::Descriptor ended(scope_.executor(), std::move(pidfd));
  co_await ended.wait(io::Descriptor::For::kRead);
  int status = 0;
  const bool is_ours = ::waitpid(static_cast<pid_t>(watched.pid), &status, WNOHANG) == watched.pid;
  // The guard still holds the lock while it takes the tree down.
  const Status freed = co_await wait_until_free(id, in(kKillTime));
  // A runner that ends by itself has seen its tree end. When it was killed, perhaps with its guard, only the mark tells
  // what is left.
  const auto superseded = [this, &id, &watched] {
    const auto at = watched_.find(id);
    return at == watched_.end() || at->second.incarnation != watched.incarnation;
  };
  if (!freed || !is_ours || !WIFEXITED(status)) (void)co_await end_marked(id, in(kKillTime), superseded);
  reap();
  if (superseded()) co_return;
  watched_.erase(id);
  if (on_exit_) on_exit_(id, watched.incarnation, "");
}

Result<Liveness> LocalLauncher::liveness(const registry::Instance& instance) { return liveness_of(instance.id); }

Result<Liveness> LocalLauncher::liveness_of(const std::string& id) const {
  MY_TRY(const fs::path folder, folder_of(id));
  const Result<io::UniqueFd> file = io::open_file(folder / "lock", O_RDWR);
  if (!file && file.error().code() == ErrorCode::kNotFound) return Liveness::kFree;
  if (!file) return fail(file.error());
  if (::flock(file->get(), LOCK_EX | LOCK_NB) == 0) return Liveness::kFree;
  if (errno == EWOULDBLOCK) return Liveness::kHeld;
  return fail(errno_error(errno, "trying the lock of " + id));
}

io::Task<Status> LocalLauncher::wait_until_free(std::string id, SteadyTime deadline) {
  milliseconds pause{1};
  while (true) {
    const Result<Liveness> found = liveness_of(id);
    if (!found) co_return fail(found.error());
    if (*found == Liveness::kFree) co_return Status{};
    if (in(milliseconds(0)) >= deadline)
      co_return fail(ErrorCode::kDeadline, fmt::format("instance {} did not end in time", id));
    co_await io::sleep_for(pause);
    pause = std::min(pause * 2, milliseconds(50));
  }
}

// KILL to all that is marked as this instance's and to what is below it, until none is left, or `leave` says that what
// is marked now is somebody else's.
io::Task<Status> LocalLauncher::end_marked(std::string id, SteadyTime deadline, std::function<bool()> leave) {
  while (true) {
    if (leave && leave()) co_return Status{};
    const auto marked = find_marked(options_.instances);
    const auto found = marked.find(id);
    if (found == marked.end()) co_return Status{};
    for (const int64_t pid : found->second) {
      for (const io::ProcessStat& below : io::list_descendants(pid)) ::kill(static_cast<pid_t>(below.pid), SIGKILL);
      ::kill(static_cast<pid_t>(pid), SIGKILL);
    }
    if (in(milliseconds(0)) >= deadline) {
      co_return fail(ErrorCode::kDeadline,
                     fmt::format("{} processes of instance {} did not end", found->second.size(), id));
    }
    co_await io::sleep_for(milliseconds(10));
    reap();
  }
}

io::Task<Status> LocalLauncher::kill(registry::Instance instance) {
  const SteadyTime deadline = in(kKillTime);
  if (io::is_process_alive(instance.runner_pid, instance.runner_start_ticks, instance.boot_id)) {
    ::kill(static_cast<pid_t>(instance.runner_pid), SIGKILL);
    // Its guard ends the tree; that failing, the marks lead to it.
    (void)co_await wait_until_free(instance.id, std::min(deadline, in(seconds(1))));
  }
  const auto deposed = [this, since = leadership_] { return leadership_ != since; };
  Status ended = co_await end_marked(instance.id, deadline, deposed);
  if (ended) ended = co_await wait_until_free(instance.id, deadline);
  reap();
  co_return ended;
}

io::Task<Status> LocalLauncher::sweep(std::vector<std::string> known) {
  const std::set<std::string> records(known.begin(), known.end());
  std::set<std::string> ids;
  std::error_code error;
  for (fs::directory_iterator at(options_.instances, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (name.starts_with(kGonePrefix)) remover_->remove(at->path());
    if (why_bad_name(name).empty()) ids.insert(name);
  }
  for (const auto& [id, pids] : find_marked(options_.instances)) ids.insert(id);
  Status result;
  for (const std::string& id : ids) {
    const bool is_known = records.contains(id);
    const Result<Liveness> found = liveness_of(id);
    if (is_known && (!found || *found == Liveness::kHeld)) continue;
    Status ended = co_await end_marked(id, in(kKillTime));
    if (ended) ended = co_await wait_until_free(id, in(kKillTime));
    if (ended && !is_known) discard(id);
    if (!ended) result = std::move(ended);
  }
  reap();
  co_return result;
}

// Their ends are still waited for, so that no child of ours stays a zombie; wait_for_end() finds them superseded.
void LocalLauncher::let_go() {
  ++leadership_;
  watched_.clear();
}

void LocalLauncher::discard(const std::string& id) {
  const Result<fs::path> folder = folder_of(id);
  if (!folder) return;
  const fs::path gone = options_.instances / (std::string(kGonePrefix) + random_hex(8));
  if (::rename(folder->c_str(), gone.c_str()) == 0) remover_->remove(gone);
}

std::vector<std::string> LocalLauncher::log_tail(const registry::Instance& instance) {
  const Result<fs::path> folder = folder_of(instance.id);
  return folder ? read_log_tail(*folder / "log") : std::vector<std::string>{};
}

// Waits for what came to us as a subreaper and has ended; runners that are watched are waited for where they are
// watched.
void LocalLauncher::reap() const {
  const int64_t self = ::getpid();
  std::set<int64_t> runners;
  for (const auto& [id, watched] : watched_) runners.insert(watched.pid);
  for (const int64_t child : io::list_children(self)) {
    const std::optional<io::ProcessStat> process =
        runners.contains(child) ? std::nullopt : io::read_process_stat(child);
    if (process && process->state == 'Z') ::waitpid(static_cast<pid_t>(child), nullptr, WNOHANG);
  }
}

}  // namespace modelyard::controller
