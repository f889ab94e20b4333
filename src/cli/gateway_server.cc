// SPDX-License-Identifier: Apache-2.0
#include "cli/gateway_server.h"

#include <fmt/format.h>
#include <malloc.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <csignal>

#include "api/endpoint_hub.h"
#include "api/guard.h"
#include "api/render.h"
#include "base/strings.h"
#include "cli/cluster.h"
#include "cli/machine.h"
#include "client/model_client.h"
#include "gateway/gateway.h"
#include "http/client.h"
#include "http/server.h"
#include "io/file.h"
#include "json/tree.h"

namespace modelyard::cli {
namespace {

constexpr size_t kConnectionsPerModel = 256;
constexpr size_t kConnections = 4096;
constexpr seconds kRequestsEndWithin{3};
constexpr milliseconds kCloseWithin{500};

void number(std::string& out, std::string_view name, std::string_view type, std::string_view help, int64_t value) {
  out += fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n{0} {3}\n", name, type, help, value);
}

int64_t resident_bytes() {
  const auto statm = io::read_file("/proc/self/statm", 4096);
  if (!statm) return 0;
  const auto parts = split(*statm, ' ');
  return (parts.size() > 1 ? parse_int(parts[1]).value_or(0) : 0) * ::sysconf(_SC_PAGESIZE);
}

// Members are destroyed in the reverse order: what uses before what is used.
class GatewayServer {
 public:
  explicit GatewayServer(const GatewayOptions& options)
      : options_(options),
        started_(to_iso8601(system_clock().wall())),
        directory_(system_clock(), Random::from_system()),
        http_(loop_, {.connections_per_origin_max = kConnectionsPerModel, .connections_max = kConnections}),
        models_(directory_, http_, system_clock()),
        hub_(loop_.executor()) {}

  Status run(const std::function<Status(const std::string& url)>& on_ready) {
    MY_TRY(session_, open_session(loop_, options_.place));
    feed_ =
        std::make_unique<client::ZookeeperFeed>(loop_, *session_, directory_, options_.place.zk_root, system_clock());
    feed_->on_snapshot([this](const auto& snapshot, const auto& changes) {
      if (!hub_.snapshot()) return hub_.begin(snapshot);
      hub_.take(snapshot, changes);
    });
    feed_->on_calls([this](const std::vector<client::CallReport>& reports) { count(reports); });
    add_routes();
    http::ServerOptions server{.host = options_.listen_host, .port = options_.port};
    server.guard =
        api::make_guard({.listen_host = options_.listen_host, .host_names = host_names(), .token = options_.token});
    server_ = std::make_unique<http::Server>(loop_, router_, std::move(server));
    return io::run_blocking(loop_, serve(on_ready));
  }

 private:
  void add_routes() {
    using http::Response;
    const auto add = [this](std::string_view path, std::function<Response(http::Request&)> answer) {
      router_.add("GET", path, [answer = std::move(answer)](http::Request& request) -> io::Task<Response> {
        co_return answer(request);
      });
    };
    gateway::add_routes(router_, models_);
    add("/healthz", [](http::Request&) { return Response::text(200, "ok\n"); });
    add("/readyz", [this](http::Request&) {
      if (hub_.snapshot()) return Response::text(200, "ready\n");
      return Response::error(503, "unavailable", "the models are not known yet: " + feed_->endpoints().trouble());
    });
    add("/metrics", [this](http::Request&) { return metrics(); });
    add("/api/v1/info", [this](http::Request&) { return info(); });
    add("/api/v1/models", [this](http::Request& request) {
      const api::NameFilter filter{std::string(request.query("name").value_or("")),
                                   std::string(request.query("version").value_or(""))};
      return Response::json(200, api::models_json(*hub_.snapshot(), {}, filter));
    });
    add("/api/v1/watch", [this](http::Request&) {
      return Response::events([this](http::SseStream& stream) { return hub_.watch(stream); });
    });
    // Feeds of other programs tell what their calls found; here it only counts.
    router_.add("POST", "/api/v1/calls", [this](http::Request& request) -> io::Task<Response> {
      const auto reports = api::call_reports_from(request.body);
      if (!reports) co_return Response::error(reports.error());
      for (const auto& report : *reports) {
        told_calls_ += report.calls;
        told_failures_ += report.failures;
      }
      co_return Response::empty();
    });
  }

  void count(const std::vector<client::CallReport>& reports) {
    for (const client::CallReport& report : reports) {
      calls_ += report.calls;
      failures_ += report.failures;
    }
  }

  http::Response info() const {
    return http::Response::json(200, json::dump({{"version", options_.version},
                                                 {"host", host_names().front()},
                                                 {"zookeeper", options_.place.quorum},
                                                 {"started", started_}}));
  }

  http::Response metrics() const {
    std::string out = "# HELP modelyard_info The version that runs.\n# TYPE modelyard_info gauge\n";
    out += fmt::format("modelyard_info{{version=\"{}\"}} 1\n", options_.version);
    int64_t models = 0;
    int64_t endpoints = 0;
    for (const auto& [name, versions] : hub_.snapshot()->models) {
      for (const auto& [version, list] : versions) {
        models += list->empty() ? 0 : 1;
        endpoints += static_cast<int64_t>(list->size());
      }
    }
    number(out, "modelyard_zookeeper_current", "gauge", "1 while what is known is what ZooKeeper holds now.",
           feed_->connected() ? 1 : 0);
    number(out, "modelyard_models", "gauge", "Models, by version, that can be called.", models);
    number(out, "modelyard_endpoints", "gauge", "Instances that can be called.", endpoints);
    number(out, "modelyard_endpoints_malformed", "gauge", "Registrations that cannot be read.",
           static_cast<int64_t>(feed_->endpoints().malformed()));
    number(out, "modelyard_gateway_calls_total", "counter", "Calls of models.", calls_);
    number(out, "modelyard_gateway_call_failures_total", "counter", "Calls of models that failed.", failures_);
    number(out, "modelyard_told_calls_total", "counter", "Calls that other clients told of.", told_calls_);
    number(out, "modelyard_told_call_failures_total", "counter", "Of these, failed.", told_failures_);
    number(out, "modelyard_watchers", "gauge", "Watchers of the endpoints over HTTP.", hub_.watchers());
    number(out, "process_resident_memory_bytes", "gauge", "Resident memory.", resident_bytes());
    auto response = http::Response::text(200, std::move(out));
    response.headers.set("content-type", "text/plain; version=0.0.4; charset=utf-8");
    return response;
  }

  io::Task<Status> serve(const std::function<Status(const std::string& url)>& on_ready) {
    // Before anything starts: a signal that comes early ends a server that has just become ready.
    io::Scope signals(loop_.executor());
    io::Event signalled(loop_.executor());
    int signal = 0;
    signals.spawn([](int& got, io::Event& event) -> io::Task<void> {
      got = co_await io::wait_for_signal({SIGTERM, SIGINT});
      event.notify_all();
    }(signal, signalled));
    const SteadyTime deadline = system_clock().now() + options_.first_within;
    feed_->start();
    Status status = co_await reach(*session_, options_.place.quorum, deadline);
    if (status) status = co_await feed_->wait_for_snapshot(deadline);
    if (status) {
      status = server_->start();
      if (!status) status = fail(std::move(status).error().with_context("--listen"));
    }
    if (status) status = on_ready("http://" + server_->address());
    if (status) spdlog::info("serves http://{}, models from ZooKeeper {}", server_->address(), options_.place.quorum);
    while (status && signal == 0) co_await signalled.wait();
    if (status) spdlog::info("{}: stopping", signal == SIGINT ? "SIGINT" : "SIGTERM");
    hub_.stop();
    co_await server_->stop(system_clock().now() + kRequestsEndWithin);
    co_await feed_->stop();
    co_await session_->close(system_clock().now() + kCloseWithin);
    co_await signals.stop();
    co_return status;
  }

  const GatewayOptions& options_;
  const std::string started_;
  io::Loop loop_;
  client::Directory directory_;
  http::Client http_;
  client::ModelClient models_;
  std::unique_ptr<zookeeper::Client> session_;
  std::unique_ptr<client::ZookeeperFeed> feed_;
  api::EndpointHub hub_;
  http::Router router_;
  std::unique_ptr<http::Server> server_;
  int64_t calls_ = 0;
  int64_t failures_ = 0;
  int64_t told_calls_ = 0;
  int64_t told_failures_ = 0;
};

}  // namespace

Status run_gateway(const GatewayOptions& options, const std::function<Status(const std::string& url)>& on_ready) {
  ::mallopt(M_ARENA_MAX, 2);
  GatewayServer server(options);
  return server.run(on_ready);
}

}  // namespace modelyard::cli
