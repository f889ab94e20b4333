// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/launcher.h"

namespace modelyard::controller {

// A launcher whose runners are entries of a map, for tests: remembers what was asked, fails on demand, lets a test end
// what runs. Confined to its loop.
class FakeLauncher final : public Launcher {
 public:
  struct Running {
    registry::InstanceSpec spec;
    Launched launched;
  };
  std::map<std::string, Running> running;  // by id; in here = its lock is held
  std::vector<std::string> accesses;       // "launch dga-1.0-000001 1", "kill …", "watch …", "sweep", "discard …"
  std::deque<std::optional<Error>> launch_fates;  // of the next launches; empty or nothing = it works
  bool forget_next_answer = false;                // the next launch works and is answered kDeadline
  std::vector<std::string> tail;                  // what log_tail() answers

  // Its process ends: the lock is free and on_exit is called from the loop.
  void end(const std::string& id, const std::string& cause = "");

  // As a cluster: launches wait here until place() or kill().
  bool places_later = false;
  std::map<std::string, registry::InstanceSpec> waiting;  // by id
  void say_waiting(const std::string& id, const std::string& why);
  void place(const std::string& id, Placement placement);

  explicit FakeLauncher(io::Executor executor) : executor_(executor), placed_(executor) {}
  void on_exit(OnExit callback) override { on_exit_ = std::move(callback); }
  void on_waiting(OnWaiting callback) override { on_waiting_ = std::move(callback); }
  void on_placed(OnPlaced callback) override { on_placed_ = std::move(callback); }
  void let_go() override;
  io::Task<Result<Launched>> launch(registry::InstanceSpec spec) override;
  Result<Liveness> liveness(const registry::Instance& instance) override;
  Status watch(const registry::Instance& instance) override;
  io::Task<Status> kill(registry::Instance instance) override;
  io::Task<Status> sweep(std::vector<std::string> known) override;
  void discard(const std::string& id) override;
  std::vector<std::string> log_tail(const registry::Instance& instance) override;

 private:
  io::Executor executor_;
  io::Task<Result<Placement>> wait_for_place(const registry::InstanceSpec& spec);

  OnExit on_exit_;
  OnWaiting on_waiting_;
  OnPlaced on_placed_;
  std::map<std::string, Result<Placement>> places_;
  io::Event placed_;
  int64_t next_pid_ = 1000;
};

}  // namespace modelyard::controller
