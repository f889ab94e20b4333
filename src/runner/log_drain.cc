// SPDX-License-Identifier: Apache-2.0
#include "runner/log_drain.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

#include "base/strings.h"
#include "runner/log_file.h"

namespace modelyard::runner {
namespace {

struct Pipe {
  io::UniqueFd read;
  io::UniqueFd write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(errno_error(errno, "making a pipe"));
  Pipe pipe{io::UniqueFd(ends[0]), io::UniqueFd(ends[1])};
  // Our end alone does not block: the model's must be an ordinary one.
  ::fcntl(ends[0], F_SETFL, ::fcntl(ends[0], F_GETFL) | O_NONBLOCK);
  ::fcntl(ends[0], F_SETPIPE_SZ,
          1 << 20);  // more room while a disk is slow; refused above the user's limit, which is fine
  return pipe;
}

// The last bytes of each stream; lines are made when somebody asks.
class Tail {
 public:
  void add(bool is_stderr, std::string_view bytes) {
    bytes = bytes.substr(bytes.size() - std::min(bytes.size(), LogDrain::kTailBytes));
    if (pieces_.empty() || pieces_.back().is_stderr != is_stderr) pieces_.push_back({is_stderr, {}});
    pieces_.back().bytes += bytes;
    size_ += bytes.size();
    while (size_ > LogDrain::kTailBytes) {
      Piece& oldest = pieces_.front();
      const size_t drop = std::min(size_ - LogDrain::kTailBytes, oldest.bytes.size());
      oldest.bytes.erase(0, drop);
      size_ -= drop;
      cut_ = true;
      if (oldest.bytes.empty()) pieces_.pop_front();
    }
  }

  std::vector<std::string> lines() const {
    std::vector<std::string> lines;
    std::string open[2];  // per stream: a line whose end has not come yet
    bool skip_first = cut_;
    for (const Piece& piece : pieces_) {
      std::string& line = open[piece.is_stderr ? 1 : 0];
      for (const char c : piece.bytes) {
        if (c != '\n') {
          line += c;
          continue;
        }
        if (!skip_first) lines.push_back(clean(line));
        skip_first = false;
        line.clear();
      }
    }
    for (std::string& line : open) {
      if (!line.empty()) lines.push_back(clean(line));
    }
    return lines;
  }

 private:
  struct Piece {
    bool is_stderr;
    std::string bytes;
  };
  static std::string clean(std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    return to_valid_utf8(line);
  }
  std::deque<Piece> pieces_;
  size_t size_ = 0;
  bool cut_ = false;  // the oldest line has lost its beginning
};

}  // namespace

struct LogDrain::State {
  LogDrainOptions options;
  Pipe pipes[2];
  io::UniqueFd stop;
  std::optional<LogFile> files[2];
  std::thread thread;

  mutable std::mutex mutex;
  std::condition_variable changed;
  Tail tail;
  int64_t dropped = 0;
  bool ended = false;

  void run() {
    std::vector<char> buffer(256 << 10);
    bool open[2] = {true, true};
    while (open[0] || open[1]) {
      pollfd waits[3] = {{open[0] ? pipes[0].read.get() : -1, POLLIN, 0},
                         {open[1] ? pipes[1].read.get() : -1, POLLIN, 0},
                         {stop.get(), POLLIN, 0}};
      if (::poll(waits, 3, -1) < 0 && errno != EINTR) break;
      if (waits[2].revents != 0) break;
      for (int stream = 0; stream < 2; ++stream) {
        if (open[stream] && waits[stream].revents != 0) open[stream] = take(stream, buffer);
      }
    }
    const std::lock_guard lock(mutex);
    ended = true;
    changed.notify_all();
  }

  // False at the end of the pipe.
  bool take(int stream, std::vector<char>& buffer) {
    const ssize_t got = ::read(pipes[stream].read.get(), buffer.data(), buffer.size());
    if (got < 0) return errno == EINTR || errno == EAGAIN;
    if (got == 0) return false;
    const std::string_view bytes(buffer.data(), static_cast<size_t>(got));
    if (files[stream]) files[stream]->append(bytes);
    if (options.on_bytes) options.on_bytes(stream == 1, bytes);
    const std::lock_guard lock(mutex);
    tail.add(stream == 1, bytes);
    dropped = (files[0] ? files[0]->dropped_bytes() : 0) + (files[1] ? files[1]->dropped_bytes() : 0);
    return true;
  }
};

LogDrain::LogDrain(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<LogDrain>> LogDrain::make(LogDrainOptions options) {
  auto state = std::make_unique<State>();
  state->options = std::move(options);
  MY_TRY(state->pipes[0], make_pipe());
  MY_TRY(state->pipes[1], make_pipe());
  state->stop = io::UniqueFd(::eventfd(0, EFD_CLOEXEC));
  if (!state->stop) return fail(errno_error(errno, "making an eventfd"));
  const std::filesystem::path& folder = state->options.folder;
  if (!folder.empty()) {
    MY_TRY_VOID(io::make_folder(folder));
    state->files[0].emplace(folder / "stdout.log", state->options.bytes_max, kFilesPerStream);
    state->files[1].emplace(folder / "stderr.log", state->options.bytes_max, kFilesPerStream);
  }
  return std::unique_ptr<LogDrain>(new LogDrain(std::move(state)));
}

LogDrain::~LogDrain() {
  if (!state_->thread.joinable()) return;
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(state_->stop.get(), &one, sizeof one);
  state_->thread.join();
}

int LogDrain::stdout_writer() const { return state_->pipes[0].write.get(); }
int LogDrain::stderr_writer() const { return state_->pipes[1].write.get(); }
void LogDrain::close_writers() {
  for (Pipe& pipe : state_->pipes) pipe.write.reset();
}

Status LogDrain::start() {
  try {
    state_->thread = std::thread([state = state_.get()] { state->run(); });
  } catch (const std::system_error& error) {
    return fail(errno_error(error.code().value(), "starting the thread for the model's output"));
  }
  return {};
}

bool LogDrain::wait_for_end(SteadyTime deadline) {
  std::unique_lock lock(state_->mutex);
  return state_->changed.wait_until(lock, deadline, [&] { return state_->ended; });
}

std::vector<std::string> LogDrain::tail() const {
  const std::lock_guard lock(state_->mutex);
  return state_->tail.lines();
}

int64_t LogDrain::dropped_bytes() const {
  const std::lock_guard lock(state_->mutex);
  return state_->dropped;
}

}  // namespace modelyard::runner
