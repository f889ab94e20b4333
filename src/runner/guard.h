// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/file.h"

namespace modelyard::runner {

// What the guard starts.
struct ScriptCommand {
  std::string script;                    // path of the .sh; a copy that may be executed
  std::string folder;                    // working directory
  std::vector<std::string> environment;  // "KEY=VALUE", nothing else is inherited
  int stdout_fd = -1;                    // write ends, or files
  int stderr_fd = -1;
  int cgroup_fd = -1;         // cgroup.procs open for writing, or -1; the script enters it before it starts
  std::string cgroup_folder;  // removed by the guard when the tree is gone; "" = none
  int keep_fd = -1;           // held by the guard to its end, never by the script: the instance's lock, or -1
  bool own_session = true;    // false: guard and script stay in the caller's process group, which YARN kills as a whole
};

// What the guard tells. One message of the socket = one of these.
struct GuardMessage {
  enum class Kind : int32_t {
    kStarted = 1,      // value: the script's pid
    kNotStarted = 2,   // value: errno
    kScriptEnded = 3,  // value: wait status (waitpid); more: 1 = processes of its tree remain
    kEmpty = 4,        // nothing of the tree is left
  };
  Kind kind = Kind::kEmpty;
  int32_t value = 0;
  int32_t more = 0;
};

// A child of ours between the runner and the model. It is the model's parent and the subreaper of everything below it,
// so whatever becomes of the runner (kill -9), it sees the end of their socket and kills the whole tree, children in
// other sessions too, within milliseconds. If the guard itself is killed, the script gets KILL with it and the rest
// falls to the runner, which is a subreaper as well (Guard::adopt_orphans).
//
// fork() must come before the process makes threads. The object is confined to one thread; its destruction ends the
// tree.
class Guard {
 public:
  // Forks. Nothing is started before start_script().
  static Result<Guard> fork(ScriptCommand command);
  Guard(Guard&&) noexcept = default;
  Guard& operator=(Guard&&) = delete;
  ~Guard();

  // Readable when a message is there, or the guard has ended.
  int fd() const { return socket_.get(); }
  int64_t pid() const { return pid_; }
  // The next message; nothing when none is there; kFailed when the guard has ended.
  Result<std::optional<GuardMessage>> receive();

  Status start_script();
  // TERM to every process of the tree.
  void terminate();
  // KILL to every process of the tree; kEmpty follows.
  void kill();
  // Makes this process the reaper of what the guard leaves behind. Once per process, before fork().
  static void adopt_orphans();

 private:
  Guard(io::UniqueFd socket, int64_t pid) : socket_(std::move(socket)), pid_(pid) {}
  io::UniqueFd socket_;
  int64_t pid_ = -1;
};

}  // namespace modelyard::runner
