// SPDX-License-Identifier: Apache-2.0
#include "cli/controller_host.h"

#include <fmt/format.h>
#include <malloc.h>
#include <spdlog/spdlog.h>

#include <csignal>
#include <thread>

#include "api/guard.h"
#include "base/clock.h"
#include "cli/machine.h"
#include "console/page.h"
#include "controller/local_launcher.h"
#include "gateway/gateway.h"

namespace modelyard::cli {
namespace {

constexpr seconds kRequestsEndWithin{3};
// A list of wanted payloads that is older than this may be a deposed leader's: the present one may have stored others.
constexpr seconds kListHolds{5};

}  // namespace

std::unique_ptr<controller::Launcher> make_local_launcher(io::Loop& controller_loop, const std::filesystem::path& data,
                                                          const std::filesystem::path& runner,
                                                          std::vector<std::string> runner_environment) {
  return std::make_unique<controller::LocalLauncher>(
      controller_loop.executor(),
      controller::LocalLauncherOptions{
          .instances = data / "instances", .runner = runner, .runner_environment = std::move(runner_environment)});
}

io::Task<void> stop_local_launcher(controller::Launcher& launcher) {
  return static_cast<controller::LocalLauncher&>(launcher).stop();
}

ControllerHost::ControllerHost(HostOptions options) : options_(std::move(options)) {
  // Threads that mostly wait need no heap arena of their own each.
  ::mallopt(M_ARENA_MAX, 2);
  ended_ = std::make_unique<io::Event>(http_loop_.executor());
}

ControllerHost::~ControllerHost() = default;

Status ControllerHost::run(Parts parts, const std::function<Status(const std::string& url)>& on_ready) {
  parts_.emplace(std::move(parts));
  make_server();
  std::thread controller_thread([this] { controller_loop_.run(); });
  Status ended = io::run_blocking(http_loop_, serve(on_ready));
  controller_loop_.stop();
  controller_thread.join();
  return ended;
}

void ControllerHost::make_server() {
  console::add_routes(router_);
  http::ServerOptions options{.host = options_.listen_host, .port = options_.port};
  options.guard = [this, guard = api::make_guard({.listen_host = options_.listen_host,
                                                  .host_names = host_names(),
                                                  .token = options_.token})](const http::Request& request) {
    auto refusal = guard(request);
    if (!refusal && !serving_)
      refusal = http::Response::error(Error(ErrorCode::kUnavailable, "the controller is starting or stopping"));
    return refusal;
  };
  server_ = std::make_unique<http::Server>(http_loop_, router_, std::move(options));
}

// As reached from elsewhere, where it can be.
std::string ControllerHost::url() const {
  if (api::is_loopback_host(options_.listen_host)) return "http://" + server_->address();
  return fmt::format("http://{}:{}", host_names().front(), server_->port());
}

controller::PayloadHooks ControllerHost::payload_hooks() {
  controller::PayloadHooks hooks;
  hooks.find = [this](const std::string& digest) { return parts_->payloads.find(digest); };
  hooks.collect = [this](std::set<std::string> wanted) { collect_payloads(std::move(wanted)); };
  if (!parts_->fetch) return hooks;
  hooks.fetch = [this](std::string path) -> io::Task<Result<controller::FetchedPayload>> {
    auto fetched = co_await parts_->fetch(std::move(path));
    // As with an upload: a collection that is under way does not know of it yet.
    if (fetched) fetched->pin = held_until_collected(std::move(fetched->pin));
    co_return fetched;
  };
  return hooks;
}

void ControllerHost::make_controller(registry::Registry& registry) {
  launcher_ = parts_->make_launcher(controller_loop_);
  controller::ControllerOptions options = parts_->controller;
  options.data = options_.data;
  controller_ =
      std::make_unique<controller::Controller>(controller::Controller::Parts{.executor = controller_loop_.executor(),
                                                                             .registry = registry,
                                                                             .launcher = *launcher_,
                                                                             .clock = system_clock(),
                                                                             .random = Random::from_system(),
                                                                             .payloads = payload_hooks()},
                                               std::move(options));
  controller_->on_refused([this](const Error& error) { end_with(error); });
}

void ControllerHost::end_with(Error why) {
  http_loop_.post([this, why = std::move(why)] {
    refused_ = why;
    ended_->notify_all();
  });
}

void ControllerHost::make_api() {
  local_models_ = std::make_unique<LocalModels>(http_loop_, controller_loop_, *controller_);
  api_ = std::make_unique<api::Api>(
      api::Parts{http_loop_, controller_loop_, *controller_, parts_->payloads, parts_->documents, system_clock()},
      api::Options{.data = options_.data,
                   .version = options_.version,
                   .host = host_names().front(),
                   .on_deployed = [this](std::shared_ptr<const void> pin) { release_pin(std::move(pin)); },
                   .more_metrics = {}});
  api_->add_routes(router_);
  gateway::add_routes(router_, local_models_->models());
}

// Removes the contents that no deployment names; those of uploads under way are pinned by whoever handles them.
void ControllerHost::collect_payloads(std::set<std::string> wanted) {
  const SteadyTime listed = system_clock().now();
  const Status posted = housekeeping_.post([this, listed, wanted = std::move(wanted)] {
    if (system_clock().now() > listed + kListHolds) return;
    const auto removed = parts_->payloads.collect(wanted);
    if (!removed) spdlog::warn("removing old payloads: {}", removed.error().message());
  });
  if (!posted) spdlog::debug("old payloads stay until the next removal");
}

// A collection that was ordered before the deployment was stored does not know its payload: the pin goes after it, by
// the same way.
void ControllerHost::release_pin(std::shared_ptr<const void> pin) {
  controller_loop_.post([this, pin] { static_cast<void>(housekeeping_.post([pin] {})); });
}

std::shared_ptr<const void> ControllerHost::held_until_collected(std::shared_ptr<const void> pin) {
  const void* const what = pin.get();
  return std::shared_ptr<const void>(
      what, [this, pin = std::move(pin)](const void*) mutable { release_pin(std::move(pin)); });
}

// On the controller's loop.
io::Task<Status> ControllerHost::open() {
  MY_CO_TRY(registry::Registry* const registry, co_await parts_->open(url()));
  make_controller(*registry);
  if (parts_->on_made) MY_CO_TRY_VOID(parts_->on_made(*controller_));
  co_return co_await controller_->start();
}

io::Task<Status> ControllerHost::begin(const std::function<Status(const std::string& url)>& on_ready) {
  Status listening = server_->start();
  if (!listening) co_return fail(std::move(listening).error().with_context("--listen"));
  MY_CO_TRY_VOID(co_await io::on_loop(controller_loop_.executor(), open()));
  make_api();
  co_await api_->start();
  co_await local_models_->start();
  serving_ = true;
  MY_CO_TRY_VOID(on_ready("http://" + server_->address()));
  spdlog::info("serves http://{}, data in {}", server_->address(), options_.data.string());
  co_return Status();
}

io::Task<void> ControllerHost::end_controller() {
  if (controller_) co_await controller_->stop(options_.keep_models);
  if (parts_->on_stopped) co_await parts_->on_stopped();
  if (launcher_) co_await parts_->stop_launcher(*launcher_);
  if (parts_->close) co_await parts_->close();
}

io::Task<void> ControllerHost::end() {
  co_await server_->stop(system_clock().now() + kRequestsEndWithin);
  if (local_models_) co_await local_models_->stop();
  if (api_) co_await api_->stop();
  co_await io::on_loop(controller_loop_.executor(), end_controller());
}

io::Task<Status> ControllerHost::serve(const std::function<Status(const std::string& url)>& on_ready) {
  // Before anything starts: a signal that comes early ends a server that has just become ready.
  io::Scope signals(http_loop_.executor());
  signals.spawn([](ControllerHost& host) -> io::Task<void> {
    host.signal_ = co_await io::wait_for_signal({SIGTERM, SIGINT});
    host.ended_->notify_all();
  }(*this));
  Status status = co_await begin(on_ready);
  while (status && signal_ == 0 && !refused_) co_await ended_->wait();
  if (status && refused_) status = fail(*refused_);
  if (status)
    spdlog::info("{}: stopping, models are {}", signal_ == SIGINT ? "SIGINT" : "SIGTERM",
                 options_.keep_models ? "kept" : "drained");
  co_await end();
  co_await signals.stop();
  co_return status;
}

}  // namespace modelyard::cli
