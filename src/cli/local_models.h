// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "client/model_client.h"
#include "controller/controller.h"
#include "http/client.h"
#include "io/task.h"

namespace modelyard::cli {

// The gateway's way to the models of this very process: the controller's snapshots become the directory's, on the HTTP
// loop, and what calls found goes back to the controller once a second. Confined to the HTTP loop; start() and stop()
// are awaited there.
class LocalModels {
 public:
  LocalModels(io::Loop& loop, io::Loop& controller_loop, controller::Controller& controller);
  ~LocalModels();
  LocalModels(const LocalModels&) = delete;
  LocalModels& operator=(const LocalModels&) = delete;

  io::Task<void> start();
  io::Task<void> stop();
  client::ModelClient& models() { return models_; }

 private:
  struct Link;
  io::Task<void> report();
  void tell(std::vector<client::CallReport> reports);

  io::Loop& loop_;
  io::Loop& controller_loop_;
  controller::Controller& controller_;
  client::Directory directory_;
  http::Client http_;
  client::ModelClient models_;
  std::shared_ptr<Link> link_;
  io::Scope scope_;
};

}  // namespace modelyard::cli
