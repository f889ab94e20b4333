// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "hadoop/rpc/client.h"
#include "hadoop/yarn/master_machine.h"
#include "io/task.h"

namespace modelyard::hadoop::yarn {

struct ApplicationMasterOptions {
  std::vector<rpc::Address> resource_managers;  // the scheduler's addresses: one, or all of an HA list
  MasterMachine::Options master;
  std::chrono::milliseconds heartbeat{1'000};
  std::chrono::milliseconds busy_heartbeat{100};  // while containers are wanted, and between two changes
  std::chrono::milliseconds connect_timeout{3'000};
  std::chrono::milliseconds call_timeout{10'000};
  std::chrono::milliseconds retry_min{100};  // between two rounds of the list, doubling, with jitter
  std::chrono::milliseconds retry_max{2'000};
  // A resource manager that has just taken over may not know our token yet: so long that is no end.
  std::chrono::milliseconds unknown_token_for{15'000};
};

// The heartbeat of an application master: keeps a connection to the resource manager that is active, registers, and
// exchanges what the machine wants for what the cluster gives, until it is told to finish or is given up. While no
// resource manager answers it tries on; containers run meanwhile.
//
// Confined to its loop. Await stop() before destruction.
class ApplicationMaster {
 public:
  ApplicationMaster(io::Executor executor, ApplicationMasterOptions options, Random random);
  ~ApplicationMaster();

  // Both are called on the loop, never inside another method; set before start(). They must not await stop().
  using OnEvents = std::function<void(const MasterEvents& events)>;
  void on_events(OnEvents callback) { on_events_ = std::move(callback); }
  // Once: the resource manager has ended this attempt. Whoever runs as the application master exits.
  using OnShutDown = std::function<void(const std::string& reason)>;
  void on_shut_down(OnShutDown callback) { on_shut_down_ = std::move(callback); }

  // Begins; returns when it is registered. kDeadline with what it met; kUnauthenticated: the token counts nowhere.
  io::Task<Status> start(SteadyTime deadline);

  // The table. wake() after changing it: the next heartbeat comes soon.
  MasterMachine& machine() { return machine_; }
  const MasterMachine& machine() const { return machine_; }
  void wake();

  bool is_connected() const { return client_ != nullptr && client_->is_open(); }
  // What the last try met; "" while it works.
  const std::string& trouble() const { return trouble_; }
  // When a resource manager last answered.
  SteadyTime last_answer() const { return last_answer_; }

  // Unregisters: the cluster then ends every container of ours. kDeadline.
  io::Task<Status> finish(bool succeeded, std::string diagnostics, std::string tracking_url, SteadyTime deadline);
  // Leaves without a word: another attempt of this application may go on.
  io::Task<void> stop();

 private:
  io::Task<void> run();
  io::Task<bool> connect();
  io::Task<bool> beat();
  io::Task<void> pause();
  io::Task<void> back_off();
  io::Task<void> leave();
  void meet(const Error& error);

  const io::Executor executor_;
  const ApplicationMasterOptions options_;
  Random random_;
  MasterMachine machine_;
  OnEvents on_events_;
  OnShutDown on_shut_down_;
  std::unique_ptr<rpc::Client> client_;
  size_t next_address_ = 0;
  std::chrono::milliseconds retry_;
  std::string trouble_;
  SteadyTime last_answer_{};
  SteadyTime unknown_since_{};  // the token, without a break; {} = it is known
  bool ended_ = false;
  io::Event wake_;
  io::Event changed_;  // for start() and finish()
  io::Scope scope_;
};

}  // namespace modelyard::hadoop::yarn
