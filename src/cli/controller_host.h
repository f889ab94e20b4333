// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "api/api.h"
#include "api/worker.h"
#include "cli/local_models.h"
#include "controller/controller.h"
#include "controller/launcher.h"
#include "documents/documents.h"
#include "http/server.h"
#include "io/task.h"
#include "payloads/store.h"
#include "registry/registry.h"

namespace modelyard::cli {

struct HostOptions {
  std::filesystem::path data;
  std::string listen_host = "127.0.0.1";
  uint16_t port = 8800;
  std::string token;    // "" = none
  std::string version;  // of this program
  bool keep_models = false;
};

// A controller with its HTTP server: what `up` and `controller` share. Two loops: the controller's on a thread of its
// own, the HTTP server's (API, gateway, console) on the calling one. The parts that differ are given by whoever makes
// it.
//
// The order of run(): the address is bound (until all is ready every request gets 503), open() on the controller's
// loop, the controller starts, on_ready. At the end everything in reverse, close() last.
class ControllerHost {
 public:
  struct Parts {
    payloads::PayloadStore& payloads;
    documents::Store* documents = nullptr;  // null: none are kept here
    // On the controller's loop. url: where this server answers, as reached from elsewhere.
    std::function<io::Task<Result<registry::Registry*>>(std::string url)> open;
    std::function<io::Task<void>()> close;
    std::function<std::unique_ptr<controller::Launcher>(io::Loop& controller_loop)> make_launcher;
    std::function<io::Task<void>(controller::Launcher& launcher)> stop_launcher;
    controller::PayloadSource fetch;           // may be empty
    controller::ControllerOptions controller;  // data is filled in
    // Called on the controller's loop when the controller is there, before it starts, and when it has stopped.
    std::function<Status(controller::Controller& controller)> on_made;
    std::function<io::Task<void>()> on_stopped;
  };

  explicit ControllerHost(HostOptions options);
  ~ControllerHost();

  io::Loop& controller_loop() { return controller_loop_; }
  // From any thread: run() ends as if the controller were refused.
  void end_with(Error why);
  // Blocks until SIGTERM or SIGINT, or until the controller is refused.
  Status run(Parts parts, const std::function<Status(const std::string& url)>& on_ready);

 private:
  void make_server();
  void make_controller(registry::Registry& registry);
  void make_api();
  controller::PayloadHooks payload_hooks();
  std::shared_ptr<const void> held_until_collected(std::shared_ptr<const void> pin);
  void collect_payloads(std::set<std::string> wanted);
  void release_pin(std::shared_ptr<const void> pin);
  std::string url() const;
  io::Task<Status> open();
  io::Task<Status> begin(const std::function<Status(const std::string& url)>& on_ready);
  io::Task<void> end();
  io::Task<void> end_controller();
  io::Task<Status> serve(const std::function<Status(const std::string& url)>& on_ready);

  const HostOptions options_;
  std::optional<Parts> parts_;
  io::Loop http_loop_;
  io::Loop controller_loop_;
  api::Worker housekeeping_{1024};
  std::unique_ptr<controller::Launcher> launcher_;
  std::unique_ptr<controller::Controller> controller_;
  http::Router router_;
  std::unique_ptr<LocalModels> local_models_;
  std::unique_ptr<api::Api> api_;
  std::unique_ptr<http::Server> server_;
  bool serving_ = false;  // else every request is answered 503; on the HTTP loop
  std::optional<Error> refused_;
  std::unique_ptr<io::Event> ended_;
  int signal_ = 0;
};

// For Parts: runners as child processes, their folders below DATA/instances. runner_environment: see
// controller/local_launcher.h.
std::unique_ptr<controller::Launcher> make_local_launcher(io::Loop& controller_loop, const std::filesystem::path& data,
                                                          const std::filesystem::path& runner,
                                                          std::vector<std::string> runner_environment);
io::Task<void> stop_local_launcher(controller::Launcher& launcher);

}  // namespace modelyard::cli
