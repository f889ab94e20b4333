// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "controller/launched.h"
#include "io/task.h"
#include "registry/instance_folder.h"
#include "registry/types.h"

namespace modelyard::controller {

// Starts and ends runners; child processes of this machine (local_launcher.h), an in-memory one for tests
// (fake_launcher.h), and containers later. An instance keeps its id and folder over restarts; each start has a greater
// incarnation. Owned by whoever makes the Controller, outlives it, confined to the controller's loop. No method blocks
// for longer than a fork and a few small files.
class Launcher {
 public:
  // The runner's process has ended and its lock is free. Called on the loop, never from inside another method.
  using OnExit = std::function<void(const std::string& id, int64_t incarnation)>;

  virtual ~Launcher() = default;

  // Set once, before anything else.
  virtual void on_exit(OnExit callback) = 0;

  // Makes spec.folder where absent, takes its lock, writes spec.json, starts the runner with the lock's descriptor
  // inherited, and watches it. A folder that an earlier incarnation left: work/ is emptied, log/ becomes log.previous/
  // (replacing an older one).
  //   kConflict            the lock is held: an earlier incarnation lives; nothing was started
  //   kResourceExhausted   no space, no process slot
  // After any error nothing runs.
  virtual io::Task<Result<Launched>> launch(registry::InstanceSpec spec) = 0;

  // By trying the lock. An instance whose folder or lock is absent is kFree.
  virtual Result<Liveness> liveness(const registry::Instance& instance) = 0;

  // Watches a runner that another process started (adoption), so that on_exit is called for it too. An instance already
  // watched under the same incarnation: nothing happens. kNotFound: its process is gone.
  virtual Status watch(const registry::Instance& instance) = 0;

  // Ends the runner and its whole model tree at once (KILL) and returns when the lock is free; kDeadline after 5 s.
  // Only a process whose number, start ticks and boot id match is touched. runner_pid may be 0: the controller died
  // between the fork and the record; then the holder of the lock is looked for.
  virtual io::Task<Status> kill(registry::Instance instance) = 0;

  // At start: ends what runs for instances that no record knows (their folders are under DATA/instances) and model
  // trees whose runner is gone, then removes those folders. known: ids with a record.
  virtual io::Task<Status> sweep(std::vector<std::string> known) = 0;

  // Removes the folder of an instance that has ended and has no record any more.
  virtual void discard(const std::string& id) = 0;

  // The last lines of its present log, at most 4 KiB, for an instance whose runner could not say them itself.
  virtual std::vector<std::string> log_tail(const registry::Instance& instance) = 0;
};

}  // namespace modelyard::controller
