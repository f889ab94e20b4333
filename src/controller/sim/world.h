// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <set>
#include <string>
#include <vector>

#include "controller/core.h"
#include "controller/sim/store.h"

// A machine in memory on which the core's decisions are carried out while everything goes wrong by chance: the
// controller dies at any point between two actions, answers of registry and launcher are lost or late, models and
// runners die, people deploy, scale, roll and remove. Every other seed is a cluster: launches wait for a place, leases
// are lost while runners live, and another controller leads for a while and changes what is stored. One seed is one
// history; the same seed is the same history.
namespace modelyard::controller::sim {

struct Result {
  std::string violation;  // empty: every promise was kept
  int64_t events = 0;
  int64_t crashes = 0;
  int64_t launches = 0;
  int64_t placements = 0;
  int64_t depositions = 0;
  int64_t virtual_ms = 0;
};

struct Settings {
  milliseconds faults_for{40'000};  // then everything works and the world must come to what is wanted
  milliseconds converge_within{240'000};
  std::function<void(const std::string&)> trace;  // one line each; empty: none
};

class World {
 public:
  World(uint64_t seed, Settings settings);
  Result run();

 private:
  // A runner with its model. One that has ended is erased: its lock is free.
  struct Process {
    int64_t incarnation = 0;
    bool connected = false;
    bool good = true;       // its model comes up
    bool stubborn = false;  // does not end when told to
    bool mute = false;      // never connects
    bool draining = false;
    registry::RunnerReport report;
    int64_t born = 0;  // serial, so that an event for an earlier process of this id does nothing
  };

  // sim/world.cc: time, chance, people
  void at(milliseconds delay, std::function<void()> what);
  milliseconds between(int64_t low_ms, int64_t high_ms);
  bool chance(double probability);  // never, once faults have stopped
  void say(const std::string& line);
  void violated(const std::string& what);
  Moment moment() const { return {now_, wall_ms_}; }
  void schedule_trouble();
  void people();
  void request(const std::string& what, std::function<modelyard::Result<Core::Batch>(Core&)> make, DeploymentKey key,
               int wanted_after);
  void check_end();
  std::string unconverged() const;

  // sim/world_controller.cc: the shell around the core
  void start_controller();
  void crash(const std::string& where);
  void lead();
  void depose();
  void other_leader_acts();
  void pump();
  void write(Core::Batch batch, std::function<void()> stored, std::function<void()> lost = {});
  void carry_out(const Core::Batch& batch);
  void do_launch(const Action& action);
  void ask_for_place(const Action& action);
  void place(const registry::Instance& record);
  void answer_launch(const registry::Instance& record, modelyard::Result<Launched> outcome);
  void do_kill(const Action& action);
  void tell_orders();
  void check_published();

  // sim/world_machine.cc: runners and models
  Liveness lock_of(const std::string& id) const;
  void start_process(const registry::Instance& record);
  void connect(const std::string& id, int64_t born);
  void lose_lease(const std::string& id);
  void leave_controller();
  void send_report(const std::string& id);
  void become(const std::string& id, int64_t born, registry::InstanceState state);
  void order(const std::string& id, const Order& order);
  void end_process(const std::string& id, const std::string& why);
  void drain(const std::string& id);
  Process* process(const std::string& id, int64_t born);

  struct Pending {
    int64_t at_ns;
    int64_t serial;
    std::function<void()> what;
    bool operator<(const Pending& other) const {
      return at_ns != other.at_ns ? at_ns > other.at_ns : serial > other.serial;
    }
  };
  struct Command {
    std::string what;
    std::function<modelyard::Result<Core::Batch>(Core&)> make;
    DeploymentKey key;
    int wanted_after = 0;
  };

  const uint64_t seed_;
  const Settings settings_;
  Random random_;  // of the world
  SteadyTime now_{seconds(1000)};
  int64_t wall_ms_ = 1'700'000'000'000;
  SteadyTime faults_end_;
  std::priority_queue<Pending> queue_;
  int64_t serial_ = 0;
  Result result_;
  bool over_ = false;

  Store store_;
  const bool cluster_;
  std::map<std::string, Process> processes_;  // those that live
  std::map<std::string, int64_t> waiting_;    // launches that wait for a place: their incarnation
  std::set<int64_t> launched_incarnations_;
  std::set<std::string> bad_digests_;
  std::map<DeploymentKey, std::set<int>> possible_;  // what the stored wanted number may be; 0 = gone

  std::unique_ptr<Core> core_;
  std::unique_ptr<Random> core_random_;
  int64_t life_ = 0;      // of the controller: what an earlier one began answers nobody
  bool leading_ = false;  // contents are loaded and known to be right
  bool writing_ = false;
  SteadyTime wake_ = SteadyTime::max();
  std::vector<Command> commands_;
  std::map<std::string, Order> told_;
  int next_digest_ = 0;
};

}  // namespace modelyard::controller::sim
