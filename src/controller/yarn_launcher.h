// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/random.h"
#include "controller/launcher.h"
#include "controller/yarn_nodes.h"
#include "hadoop/security/tokens.h"
#include "hadoop/yarn/application_master.h"
#include "hadoop/yarn/node_manager.h"
#include "io/task.h"

namespace modelyard::controller {

struct YarnLauncherOptions {
  hadoop::yarn::ApplicationMasterOptions master;
  hadoop::yarn::NodeManagersOptions node_managers;
  hadoop::yarn::ApplicationId application;         // ours: containers of others are nobody's
  int32_t attempt = 1;                             // both are in CONTAINER_ID
  hadoop::Credentials credentials;                 // every container gets them, but for the master's own token
  std::string node_label;                          // where all containers run; "" = the queue's default
  std::map<std::string, std::string> environment;  // of every model; what its deployment says wins
  // Of a container; a shell's, without double quotes. MODELYARD_SPEC (base64url of JSON) is in its
  // environment, and nothing else: node managers paste values between a shell's double quotes.
  std::string command = "exec 1><LOG_DIR>/stdout 2><LOG_DIR>/stderr; exec ./modelyard/bin/modelyard-runner --container";
  std::string user;                        // YARN's name of us, in the addresses of logs
  milliseconds waiting_said_after{2'000};  // why a launch waits
  milliseconds adoption_wait{30'000};      // so long a container of an earlier attempt may stay without a record
  milliseconds kill_max{5'000};            // kill() waits so long for the cluster's word
  milliseconds forgotten_after{20'000};    // a container whose end the cluster never says; it lost it in a restart
  NodeFailureOptions nodes;
};

// The files that a container finds in its folder: "payload" (the model, as an archive) and the bundle with the runner.
// Asked for each launch, so that a payload is sent to HDFS when it is needed first; an error is the launch's.
using ContainerFiles =
    std::function<io::Task<Result<std::map<std::string, hadoop::yarn::LocalResource>>>(registry::InstanceSpec spec)>;

// Runners in containers of YARN; this process is the application master. A launch asks for a container with the
// priority of its deployment's revision, waits for it as long as that takes, has the placement stored, and starts the
// runner there. Launches that cannot be placed do not hold up others.
//
//   waiting -> placing (on_placed) -> starting -> live -> ended (on_exit, with YARN's reason in words)
//
// A container that is given and not needed any more goes back at once. Containers that an earlier attempt of this
// application left are known after start(): watch() takes them over by Instance::container; what nobody took over after
// adoption_wait is ended. Nodes where containers could not be started repeatedly are avoided for a while.
//
// launch() errors beside Launcher's: kInvalidArgument: more memory or vcores than the cluster gives a container, or a
// node label that it does not have: named; kFailed: the node refused, or the container ended before it was started;
// kUnavailable: the cluster has given this application up.
//
// Confined to its loop. start() before the controller, stop() after it.
class YarnLauncher final : public Launcher {
 public:
  YarnLauncher(io::Executor executor, YarnLauncherOptions options, ContainerFiles files, Random random);
  ~YarnLauncher() override;

  // Registers with the resource manager; containers of earlier attempts are known when it returns.
  io::Task<Status> start(SteadyTime deadline);
  // The cluster has ended this attempt: the process must exit; its containers are not ours to end. Called once.
  void on_shut_down(std::function<void(const std::string& reason)> callback) { on_shut_down_ = std::move(callback); }
  // The application is over: YARN then ends all containers. kDeadline.
  io::Task<Status> finish(bool succeeded, std::string why, SteadyTime deadline);
  // Leaves without a word: another attempt takes over.
  io::Task<void> stop();

  const hadoop::yarn::ApplicationMaster& master() const { return master_; }
  // For status: "" while the resource manager answers.
  const std::string& trouble() const { return master_.trouble(); }
  size_t live_containers() const { return live_.size(); }
  size_t waiting_launches() const;

  void on_exit(OnExit callback) override { on_exit_ = std::move(callback); }
  void on_waiting(OnWaiting callback) override { on_waiting_ = std::move(callback); }
  void on_placed(OnPlaced callback) override { on_placed_ = std::move(callback); }
  io::Task<Result<Launched>> launch(registry::InstanceSpec spec) override;
  Result<Liveness> liveness(const registry::Instance& instance) override;
  Status watch(const registry::Instance& instance) override;
  io::Task<Status> kill(registry::Instance instance) override;
  io::Task<Status> sweep(std::vector<std::string> known) override;
  void let_go() override;
  void discard(const std::string& id) override;
  std::vector<std::string> log_tail(const registry::Instance& instance) override;

 private:
  using ContainerId = hadoop::yarn::ContainerId;
  struct Launch;
  using LaunchPtr = std::shared_ptr<Launch>;
  struct Live {
    std::string id;  // "" = of an earlier attempt, not taken over
    int64_t incarnation = 0;
    hadoop::yarn::NodeId node;
    int64_t memory_mb = 0;
    SteadyTime known_since;
    bool being_killed = false;
    SteadyTime killed_at;
  };
  // What shares a priority: the launches of one revision of one deployment.
  using Kind = std::tuple<std::string, std::string, int64_t, int64_t, int>;

  io::Task<Result<Launched>> run(LaunchPtr launch);
  void arrange();
  void drop_ask(int32_t priority);
  io::Task<Status> wait_for_container(LaunchPtr launch);
  io::Task<Status> place_and_start(LaunchPtr launch);
  void withdraw(Launch& launch, Error why);
  int32_t priority_of(const registry::InstanceSpec& spec);
  hadoop::yarn::LaunchContext context_of(const Launch& launch) const;
  Placement placement_of(const hadoop::yarn::Container& container) const;
  std::string why_waiting(const Launch& launch) const;
  void say_waiting(Launch& launch);

  void take(const hadoop::yarn::MasterEvents& events);
  void take_allocated(const hadoop::yarn::Container& container);
  void take_completed(const hadoop::yarn::ContainerStatus& status);
  void take_refused(const hadoop::yarn::MasterEvents::Refused& refused);
  void shut_down(const std::string& reason);
  void blame(const std::string& host);
  io::Task<void> tick();
  void end_orphans();
  io::Task<void> stop_container(ContainerId id, hadoop::yarn::NodeId node);
  std::optional<ContainerId> own_container(const registry::Instance& instance) const;
  hadoop::Token nm_token(const hadoop::yarn::NodeId& node) const;

  const io::Executor executor_;
  const YarnLauncherOptions options_;
  const ContainerFiles files_;
  hadoop::yarn::ApplicationMaster master_;
  hadoop::yarn::NodeManagers node_managers_;
  OnExit on_exit_;
  OnWaiting on_waiting_;
  OnPlaced on_placed_;
  std::function<void(const std::string&)> on_shut_down_;

  std::map<std::string, LaunchPtr> launches_;         // by instance
  std::map<int32_t, std::deque<LaunchPtr>> waiting_;  // by priority, oldest first
  std::map<Kind, int32_t> priorities_;
  int32_t next_priority_ = 1;
  std::map<ContainerId, Live> live_;  // ours until the resource manager says that they ended
  bool registered_ = false;
  SteadyTime registered_at_;
  std::optional<SteadyTime> orphans_at_;  // when what was not taken over ends
  std::string ended_;                     // why this attempt is over; "" = it is not
  NodeFailures nodes_;
  io::Event changed_;  // a container ended, or a launch
  io::Scope scope_;
};

}  // namespace modelyard::controller
