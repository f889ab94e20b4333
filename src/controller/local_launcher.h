// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "controller/launcher.h"
#include "io/file.h"
#include "io/task.h"

namespace modelyard::controller {

struct LocalLauncherOptions {
  std::filesystem::path instances;              // DATA/instances, absolute; made where absent
  std::filesystem::path runner;                 // modelyard-runner; "" = beside this program's own file
  std::vector<std::string> runner_environment;  // "NAME=VALUE", for runners alone: models never see it
  bool adopt_orphans = true;  // make this process a subreaper: what a killed runner leaves behind comes to us
};

// Runners as child processes of this machine, each in a session of its own, so that they outlive this one. Its files
// are described in registry/instance_folder.h; beside them runner.log holds what a runner says itself. A process
// belongs to an instance when its environment has MODELYARD_LOG_DIR of that instance's folder: runner, guard and model
// have it.
//
// Confined to its loop. co_await stop() before destruction; the runners stay.
class LocalLauncher final : public Launcher {
 public:
  LocalLauncher(io::Executor executor, LocalLauncherOptions options);
  ~LocalLauncher() override;
  io::Task<void> stop();

  void on_exit(OnExit callback) override { on_exit_ = std::move(callback); }
  io::Task<Result<Launched>> launch(registry::InstanceSpec spec) override;
  Result<Liveness> liveness(const registry::Instance& instance) override;
  Status watch(const registry::Instance& instance) override;
  io::Task<Status> kill(registry::Instance instance) override;
  io::Task<Status> sweep(std::vector<std::string> known) override;
  void let_go() override;
  void discard(const std::string& id) override;
  std::vector<std::string> log_tail(const registry::Instance& instance) override;

 private:
  struct Watched {
    int64_t incarnation = 0;
    int64_t pid = 0;
  };
  class Remover;

  io::Task<void> wait_for_end(std::string id, Watched watched, io::UniqueFd pidfd);
  io::Task<Status> wait_until_free(std::string id, SteadyTime deadline);
  io::Task<Status> end_marked(std::string id, SteadyTime deadline, std::function<bool()> leave = {});
  Status begin_watch(const std::string& id, Watched watched);
  Result<Liveness> liveness_of(const std::string& id) const;
  Result<std::filesystem::path> folder_of(const std::string& id) const;
  void reap() const;

  const LocalLauncherOptions options_;
  OnExit on_exit_;
  std::map<std::string, Watched> watched_;
  int64_t leadership_ = 0;  // grows when this controller loses what it watches
  std::unique_ptr<Remover> remover_;
  io::Scope scope_;
};

}  // namespace modelyard::controller
