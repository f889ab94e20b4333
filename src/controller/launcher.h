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

// Starts and ends runners: child processes of this machine (local_launcher.h), containers of YARN, an in-memory one for
// tests (fake_launcher.h). An instance keeps its id and folder over restarts; each start has a greater
// incarnation. Owned by whoever makes the Controller, outlives it, confined to the controller's loop. No method blocks
// for longer than a fork and a few small files.
class Launcher {
 public:
  // The runner's process has ended and its lock is free. cause: why, in words for people ("was preempted: the queue is
  // over its share"); "" = not known. Called on the loop, never from inside another method.
  using OnExit = std::function<void(const std::string& id, int64_t incarnation, const std::string& cause)>;
  // A launch waits for a place; why: "queue 'models' is full: 4096 MB asked, 512 MB free". Said again when the reason
  // changes; at most once a second for one instance. "" = it waits no longer. Called on the loop between launch() and
  // its answer.
  using OnWaiting = std::function<void(const std::string& id, int64_t incarnation, const std::string& why)>;
  // Awaited on the loop between launch() and its answer, before anything is started at that place: the placement is
  // stored when it returns well. An error (the instance is not wanted there any more, this controller leads no longer,
  // the registry is away): nothing may be started, the place is given back, and launch() answers with that error.
  using OnPlaced = std::function<io::Task<Status>(std::string id, int64_t incarnation, Placement placement)>;

  virtual ~Launcher() = default;

  // Set before anything else; replaced by empty-handed ones when the controller stops. A launcher that places at once
  // (a process of this machine) never calls the last two.
  virtual void on_exit(OnExit callback) = 0;
  virtual void on_waiting(OnWaiting callback);
  virtual void on_placed(OnPlaced callback);

  // Makes spec.folder where absent, takes its lock, writes spec.json, starts the runner with the lock's descriptor
  // inherited, and watches it. A folder that an earlier incarnation left: work/ is emptied, log/ becomes log.previous/
  // (replacing an older one).
  //   kConflict            the lock is held: an earlier incarnation lives; nothing was started
  //   kResourceExhausted   no space, no process slot
  //   kCancelled           kill() came while it waited for a place
  // After any error nothing runs. It may wait for a place as long as that takes: other launches do not wait for it.
  virtual io::Task<Result<Launched>> launch(registry::InstanceSpec spec) = 0;

  // By trying the lock. An instance whose folder or lock is absent is kFree. On a cluster: whether its container lives,
  // as far as the cluster has said; an error while that is not known (it counts as kHeld).
  virtual Result<Liveness> liveness(const registry::Instance& instance) = 0;

  // Watches a runner that another process started (adoption), so that on_exit is called for it too. An instance already
  // watched under the same incarnation: nothing happens. kNotFound: its process is gone.
  virtual Status watch(const registry::Instance& instance) = 0;

  // Ends the runner and its whole model tree at once (KILL) and returns when the lock is free; kDeadline after 5 s.
  // Only a process whose number, start ticks and boot id match is touched. runner_pid may be 0: the controller died
  // between the fork and the record; then the holder of the lock is looked for. A launch of it that still waits for a
  // place ends (kCancelled) before this returns. On a cluster it returns when the place is given back: a process behind
  // a cut may outlive that, its record belongs to a later incarnation then, and its runner ends for it.
  virtual io::Task<Status> kill(registry::Instance instance) = 0;

  // At start: ends what runs for instances that no record knows (their folders are under DATA/instances) and model
  // trees whose runner is gone, then removes those folders. known: ids with a record.
  virtual io::Task<Status> sweep(std::vector<std::string> known) = 0;

  // Another controller leads now: what runs is its to watch and to end. Nothing is ended or reported any more, launches
  // that wait for a place are given up. A later leadership begins with sweep() and watch() again.
  virtual void let_go();

  // Removes the folder of an instance that has ended and has no record any more.
  virtual void discard(const std::string& id) = 0;

  // The last lines of its present log, at most 4 KiB, for an instance whose runner could not say them itself.
  virtual std::vector<std::string> log_tail(const registry::Instance& instance) = 0;
};

inline void Launcher::on_waiting(OnWaiting /*callback*/) {}
inline void Launcher::on_placed(OnPlaced /*callback*/) {}
inline void Launcher::let_go() {}

}  // namespace modelyard::controller
