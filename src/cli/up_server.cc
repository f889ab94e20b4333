// SPDX-License-Identifier: Apache-2.0
#include "cli/up_server.h"

#include <fmt/format.h>
#include <malloc.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <set>
#include <thread>

#include "api/api.h"
#include "api/guard.h"
#include "api/worker.h"
#include "base/strings.h"
#include "cli/local_models.h"
#include "cli/machine.h"
#include "console/page.h"
#include "controller/controller.h"
#include "controller/local_launcher.h"
#include "controller/runner_routes.h"
#include "gateway/gateway.h"
#include "http/server.h"
#include "io/file.h"
#include "payloads/directory_store.h"
#include "registry/embedded.h"

namespace modelyard::cli {
namespace {

constexpr size_t kSocketPathMax = 107;  // sun_path of unix(7), without its end
constexpr seconds kRequestsEndWithin{3};
constexpr seconds kRunnersLeaveWithin{1};

// The runners' socket. Where DATA/control.sock is too long for a socket address, a short path that the same folder
// always gets.
Result<std::string> runner_socket(const std::filesystem::path& data) {
  std::string path = (data / "control.sock").string();
  if (path.size() <= kSocketPathMax) return path;
  const std::filesystem::path folder = fmt::format("/tmp/modelyard-{}", ::getuid());
  MY_TRY_VOID(io::make_folder(folder, 0700));
  struct stat info {};
  if (::lstat(folder.c_str(), &info) != 0 || !S_ISDIR(info.st_mode) || info.st_uid != ::getuid() ||
      (info.st_mode & 077) != 0) {
    return fail(ErrorCode::kPermissionDenied,
                fmt::format("{} must be a folder of this user with mode 700", folder.string()));
  }
  return (folder / (sha256_hex(data.string()).substr(0, 16) + ".sock")).string();
}

// One `up`, from its parts to its end. Members are destroyed in the reverse order: what uses before what is used.
class UpServer {
 public:
  explicit UpServer(const UpOptions& options) : options_(options) {}

  // The parts that can refuse: folder, registry, documents, payloads.
  Status open() {
    MY_TRY_VOID(io::make_folder(options_.data, 0700));
    MY_TRY(socket_, runner_socket(options_.data));
    MY_TRY(registry_, registry::EmbeddedRegistry::open(options_.data));
    MY_TRY(payloads_, payloads::open_directory_store(options_.data / "payloads"));
    MY_TRY(documents_, documents::Store::open({.folder = options_.data / "documents", .retention = options_.retention},
                                              system_clock()));
    make_controller();
    make_http();
    return {};
  }

  Status run(const std::function<Status(const std::string& url)>& on_ready) {
    std::thread controller_thread([this] { controller_loop_.run(); });
    Status ended = io::run_blocking(http_loop_, serve(on_ready));
    controller_loop_.stop();
    controller_thread.join();
    return ended;
  }

 private:
  void make_controller() {
    controller::LocalLauncherOptions local{.instances = options_.data / "instances", .runner = options_.runner};
    launcher_ = std::make_unique<controller::LocalLauncher>(controller_loop_.executor(), std::move(local));
    controller::PayloadHooks hooks;
    hooks.find = [this](const std::string& digest) { return payloads_->find(digest); };
    hooks.collect = [this](std::set<std::string> wanted) { collect_payloads(std::move(wanted)); };
    controller::ControllerOptions options{.data = options_.data, .socket = socket_, .host = host_names().front()};
    controller_ =
        std::make_unique<controller::Controller>(controller::Controller::Parts{.executor = controller_loop_.executor(),
                                                                               .registry = *registry_,
                                                                               .launcher = *launcher_,
                                                                               .clock = system_clock(),
                                                                               .random = Random::from_system(),
                                                                               .payloads = std::move(hooks)},
                                                 std::move(options));
    controller::add_runner_routes(runner_router_, *controller_);
    runner_server_ =
        std::make_unique<http::Server>(controller_loop_, runner_router_, http::ServerOptions{.unix_path = socket_});
  }

  void make_http() {
    local_models_ = std::make_unique<LocalModels>(http_loop_, controller_loop_, *controller_);
    api_ = std::make_unique<api::Api>(
        api::Parts{http_loop_, controller_loop_, *controller_, *payloads_, *documents_, system_clock()},
        api::Options{.data = options_.data,
                     .version = options_.version,
                     .host = host_names().front(),
                     .on_deployed = [this](std::shared_ptr<const void> pin) { release_pin(std::move(pin)); },
                     .more_metrics = {}});
    console::add_routes(router_);
    api_->add_routes(router_);
    gateway::add_routes(router_, local_models_->models());
    http::ServerOptions options{.host = options_.listen_host, .port = options_.port};
    options.guard =
        api::make_guard({.listen_host = options_.listen_host, .host_names = host_names(), .token = options_.token});
    server_ = std::make_unique<http::Server>(http_loop_, router_, std::move(options));
  }

  // Removes the contents that no deployment names; those of uploads under way are pinned by whoever handles them.
  void collect_payloads(std::set<std::string> wanted) {
    const Status posted = housekeeping_.post([this, wanted = std::move(wanted)] {
      const auto removed = payloads_->collect(wanted);
      if (!removed) spdlog::warn("removing old payloads: {}", removed.error().message());
    });
    if (!posted) spdlog::debug("old payloads stay until the next removal");
  }

  // A collection that was ordered before the deployment was stored does not know its payload: the pin goes after it, by
  // the same way.
  void release_pin(std::shared_ptr<const void> pin) {
    controller_loop_.post([this, pin] { static_cast<void>(housekeeping_.post([pin] {})); });
  }

  io::Task<Status> start_controller() {
    MY_CO_TRY_VOID(runner_server_->start());
    MY_CO_TRY_VOID(co_await controller_->start());
    co_return Status();
  }

  io::Task<void> stop_controller() {
    co_await controller_->stop(options_.keep_models);
    co_await runner_server_->stop(system_clock().now() + kRunnersLeaveWithin);
    co_await launcher_->stop();
  }

  io::Task<Status> serve(const std::function<Status(const std::string& url)>& on_ready) {
    // Before anything starts: a signal that comes early ends a server that has just become ready.
    io::Scope signals(http_loop_.executor());
    io::Event signalled(http_loop_.executor());
    int signal = 0;
    signals.spawn([](int& got, io::Event& event) -> io::Task<void> {
      got = co_await io::wait_for_signal({SIGTERM, SIGINT});
      event.notify_all();
    }(signal, signalled));

    Status status = co_await io::on_loop(controller_loop_.executor(), start_controller());
    if (status) {
      co_await api_->start();
      co_await local_models_->start();
      status = server_->start();
      if (!status) status = fail(std::move(status).error().with_context("--listen"));
      if (status) status = on_ready("http://" + server_->address());
      if (status) spdlog::info("serves http://{}, data in {}", server_->address(), options_.data.string());
      while (status && signal == 0) co_await signalled.wait();
      if (status)
        spdlog::info("{}: stopping, models are {}", signal == SIGINT ? "SIGINT" : "SIGTERM",
                     options_.keep_models ? "kept" : "drained");
      co_await server_->stop(system_clock().now() + kRequestsEndWithin);
      co_await local_models_->stop();
      co_await api_->stop();
    }
    co_await io::on_loop(controller_loop_.executor(), stop_controller());
    co_await signals.stop();
    co_return status;
  }

  const UpOptions& options_;
  std::string socket_;
  std::unique_ptr<registry::EmbeddedRegistry> registry_;
  std::unique_ptr<payloads::PayloadStore> payloads_;
  io::Loop http_loop_;
  io::Loop controller_loop_;
  std::unique_ptr<documents::Store> documents_;
  api::Worker housekeeping_{1024};
  std::unique_ptr<controller::LocalLauncher> launcher_;
  std::unique_ptr<controller::Controller> controller_;
  http::Router runner_router_;
  std::unique_ptr<http::Server> runner_server_;
  http::Router router_;
  std::unique_ptr<LocalModels> local_models_;
  std::unique_ptr<api::Api> api_;
  std::unique_ptr<http::Server> server_;
};

}  // namespace

Status run_up(const UpOptions& options, const std::function<Status(const std::string& url)>& on_ready) {
  // Threads that mostly wait need no heap arena of their own each.
  ::mallopt(M_ARENA_MAX, 2);
  UpServer server(options);
  MY_TRY_VOID(server.open());
  return server.run(on_ready);
}

}  // namespace modelyard::cli
