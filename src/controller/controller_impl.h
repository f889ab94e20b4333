// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "controller/calls.h"
#include "controller/controller.h"
#include "controller/core.h"
#include "controller/launcher.h"
#include "controller/runner_watch.h"

// The controller's inside: a shell that carries out what the core decides. One coroutine (run) makes every change of
// the stored state, one after the other; facts arrive between its steps and only wake it.
namespace modelyard::controller {

class Controller::Impl {
 public:
  Impl(Parts parts, ControllerOptions options);

  io::Task<Status> start();
  io::Task<void> stop(bool keep_models);
  // Runs make on the core when its turn comes, stores what it gives, answers. request() refuses when too many wait.
  io::Task<Status> enqueue(std::function<Result<Core::Batch>(Core&)> make);
  io::Task<Status> request(std::function<Result<Core::Batch>(Core&)> make);
  io::Task<Result<std::vector<registry::Event>>> events(std::string name, std::string version, int limit);

  Subscription subscribe(OnSnapshot callback);
  Subscription subscribe_statuses(std::function<void()> callback);
  Result<Subscription> open_lease(const std::string& id, int64_t incarnation,
                                  std::function<void(const Order&)> callback);
  Status report(registry::RunnerReport report);
  void note_calls(const std::vector<CallReport>& reports);
  std::vector<DeploymentStatus> statuses() const;
  ControllerNumbers numbers() const;
  Role role() const;

  Parts parts;
  const ControllerOptions options;
  Core core;
  std::shared_ptr<const registry::Snapshot> snapshot;
  std::function<void(const Error&)> on_refused;

 private:
  struct Command {
    explicit Command(io::Executor executor) : answered(executor) {}
    std::function<Result<Core::Batch>(Core&)> make;
    std::optional<Status> answer;
    io::Event answered;
  };
  struct Lease {
    int64_t serial = 0;
    Order told;
    std::function<void(const Order&)> callback;
  };
  struct Subscriber {
    OnSnapshot on_snapshot;
    std::function<void()> on_statuses;
  };
  // Subscriptions may outlive the controller: they find out here.
  struct Alive {
    Impl* impl;
  };

  // controller_lead.cc
  io::Task<Status> take_lead();
  io::Task<void> begin_lead();
  io::Task<void> lead_again_later(Error error);
  void lose_lead();
  io::Task<Status> wait_for_role();
  io::Task<void> follow();
  void look();
  bool acting() const { return leading_ && parts.registry.deciding(); }
  Error refusal() const;
  const Core& shown() const { return following_ && view_ != nullptr ? *view_ : core; }

  // controller_loop.cc
  io::Task<void> run();
  io::Task<void> take_command();
  io::Task<bool> store(const Core::Batch& batch, Command* command);
  io::Task<void> rest(SteadyTime wake);
  void carry_out(const Core::Batch& batch);
  io::Task<void> do_launch(registry::Instance record);
  io::Task<void> do_kill(registry::Instance record);
  void do_probe(const registry::Instance& record);
  io::Task<void> drain_all();
  Result<registry::InstanceSpec> spec_of(const registry::Instance& record) const;
  Liveness lock_of(const registry::Instance& record) const;

  // controller_publish.cc: no suspension in here
  void changed();  // something was seen or stored: publish, tell orders, wake the loop
  void publish();
  void tell_orders();
  void collect_payloads();
  void on_exit(const std::string& id, int64_t incarnation, const std::string& cause);
  void on_waiting(const std::string& id, int64_t incarnation, const std::string& why);
  io::Task<Status> on_placed(std::string id, int64_t incarnation, Placement placement);
  void close_lease(const std::string& id, int64_t serial);
  Subscription add(Subscriber subscriber);
  void answer_all(const Error& error);
  Moment moment() const { return {parts.clock.now(), to_epoch_ms(parts.clock.wall())}; }

  std::shared_ptr<Alive> alive_;
  io::Scope scope_;
  io::Event wake_;
  bool dirty_ = false;
  io::Event view_wake_;
  io::Event started_;
  bool leading_ = false;  // what is stored is known and may be written
  bool following_;        // of a shared registry: another may lead
  bool ever_led_ = false;
  bool has_started_ = false;
  bool must_begin_ = false;  // orphans and living ones are to be looked after once
  int64_t lead_epoch_ = 0;   // of the last lead, to see whether another came between
  std::optional<Error> refused_;
  bool view_dirty_ = true;
  std::unique_ptr<Core> view_;  // what is stored, while following; null: not read yet
  registry::Registry::Subscription contents_subscription_;
  std::unique_ptr<RunnerWatch> watch_;  // of a shared registry
  std::unique_ptr<Intake> intake_;
  bool open_ = false;  // takes requests
  int lead_failures_ = 0;
  std::string registry_trouble_;  // why nothing can be decided now; empty: all is well
  int64_t epoch_ = 0;             // of the snapshots: that of the first lead in a row; the leader's while following
  int64_t publications_ = 0;
  std::deque<std::shared_ptr<Command>> commands_;
  std::map<std::string, Lease> leases_;
  std::list<Subscriber> subscribers_;
  int64_t serial_ = 0;
  CallBook calls_;
  ControllerNumbers numbers_;
};

}  // namespace modelyard::controller
