// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "io/file.h"

namespace modelyard::runner {

struct LogDrainOptions {
  std::filesystem::path folder;  // stdout.log, stderr.log, older ones stdout.log.1 … .4; "" = no files
  int64_t bytes_max = 10 << 20;  // per file; cut at a line's end where there is one
  // Gets every piece as it comes, on the drain's thread: for `modelyard run`. May be empty.
  std::function<void(bool is_stderr, std::string_view bytes)> on_bytes;
};

// Takes what a model writes to stdout and stderr off its pipes, on a thread of its own, so that the model never waits
// for us: memory is one buffer, and when a file cannot be written (disk full) the bytes are dropped and counted. Made
// with make(), whose write ends the model inherits; start() after the fork; thread-safe from then on.
class LogDrain {
 public:
  static constexpr int kFilesPerStream = 5;
  static constexpr size_t kTailBytes = 4096;

  static Result<std::unique_ptr<LogDrain>> make(LogDrainOptions options);
  ~LogDrain();  // stops without waiting for the end of the pipes

  // The write ends, for the child; close_writers() in the parent after the fork.
  int stdout_writer() const;
  int stderr_writer() const;
  void close_writers();

  Status start();
  // Waits until both pipes have ended (every holder of a write end is gone) or the deadline has passed; true = ended.
  bool wait_for_end(SteadyTime deadline);
  // The last lines of both streams in the order they came, at most kTailBytes; valid UTF-8.
  std::vector<std::string> tail() const;
  int64_t dropped_bytes() const;

 private:
  struct State;
  explicit LogDrain(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace modelyard::runner
