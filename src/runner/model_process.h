// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "io/descriptor.h"
#include "io/task.h"
#include "runner/guard.h"

namespace modelyard::runner {

// What is known of the model's processes.
struct ProcessState {
  int64_t script_pid = 0;
  int start_errno = 0;             // the script could not be started
  std::optional<int> wait_status;  // the script has ended
  bool left_running =
      false;           // it ended, and processes of its tree remained: a script that put its server into the background
  bool empty = false;  // nothing of the tree is left
  bool guard_lost = false;  // somebody killed the guard; the tree dies with it

  bool is_over() const { return start_errno != 0 || empty || guard_lost; }
  // Serving may go on: it runs, or it ended well and left a server behind.
  bool is_alive() const { return !is_over() && (!wait_status || (left_running && *wait_status == 0)); }
};

// The model's processes on a loop: turns the guard's messages into ProcessState. Confined to its loop; watch() runs in
// the owner's scope for as long as this lives.
class ModelProcess {
 public:
  ModelProcess(io::Executor executor, Guard guard, std::function<void()> on_change);

  io::Task<void> watch();
  Status start() { return guard_.start_script(); }
  void terminate() { guard_.terminate(); }
  void kill();
  const ProcessState& state() const { return state_; }
  int64_t guard_pid() const { return guard_.pid(); }

 private:
  void take(const GuardMessage& message);
  void lose_guard();

  Guard guard_;
  io::Descriptor readable_;
  std::function<void()> on_change_;
  ProcessState state_;
};

// "rest.sh exited with 3", "rest.sh was killed by SIGSEGV".
std::string describe_end(std::string_view script, int wait_status);
// Why a model whose is_alive() is false is not; script: the path of its .sh.
std::string describe_failure(const ProcessState& state, const std::string& script);
// "rest.sh cannot be started: …"; path is looked into for a broken first line.
std::string describe_start_error(const std::string& path, int error);

}  // namespace modelyard::runner
