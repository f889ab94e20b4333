// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include "api/impl.h"
#include "base/strings.h"
#include "io/file.h"

namespace modelyard::api {
namespace {

// One family of the Prometheus text format, version 0.0.4.
void family(std::string& out, std::string_view name, std::string_view type, std::string_view help) {
  out += fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n", name, type, help);
}

void number(std::string& out, std::string_view name, std::string_view type, std::string_view help, double value) {
  family(out, name, type, help);
  out += fmt::format("{} {}\n", name, value);
}

double resident_bytes() {
  const auto statm = io::read_file("/proc/self/statm", 4096);
  if (!statm) return 0;
  const auto parts = split(*statm, ' ');
  const auto pages = parts.size() > 1 ? parse_int(parts[1]) : std::nullopt;
  return static_cast<double>(pages.value_or(0) * ::sysconf(_SC_PAGESIZE));
}

void controller_metrics(std::string& out, const controller::ControllerNumbers& numbers) {
  number(out, "modelyard_settled", "gauge", "1 once every instance of before the restart is accounted for.",
         numbers.settled ? 1 : 0);
  number(out, "modelyard_reconciles_total", "counter", "Rounds of the reconcile loop.",
         static_cast<double>(numbers.reconciles));
  number(out, "modelyard_launches_total", "counter", "Instances started.", static_cast<double>(numbers.launches));
  number(out, "modelyard_launch_failures_total", "counter", "Instances that could not be started.",
         static_cast<double>(numbers.launch_failures));
  number(out, "modelyard_restarts_total", "counter", "Instances started again after they ended unasked.",
         static_cast<double>(numbers.restarts));
  number(out, "modelyard_registry_failures_total", "counter", "Writes that the registry refused.",
         static_cast<double>(numbers.registry_failures));
  number(out, "modelyard_subscribers", "gauge", "Followers of the endpoints.", numbers.subscribers);
  family(out, "modelyard_instances", "gauge", "Instances by state.");
  for (const auto& [state, count] : numbers.instances) {
    out += fmt::format("modelyard_instances{{state=\"{}\"}} {}\n", to_string(state), count);
  }
  family(out, "modelyard_deployments", "gauge", "Deployments by state.");
  for (const auto& [state, count] : numbers.deployments) {
    out += fmt::format("modelyard_deployments{{state=\"{}\"}} {}\n", to_string(state), count);
  }
}

// Names and versions hold nothing that a label would have to escape (why_bad_name).
void model_metrics(std::string& out, const std::vector<controller::DeploymentStatus>& statuses) {
  const auto each = [&](std::string_view name, std::string_view help, auto value) {
    family(out, name, "gauge", help);
    for (const auto& status : statuses) {
      out += fmt::format("{}{{name=\"{}\",version=\"{}\"}} {}\n", name, status.deployment.name,
                         status.deployment.version, value(status));
    }
  };
  using Status = controller::DeploymentStatus;
  each("modelyard_model_wanted", "Wanted instances.", [](const Status& s) { return s.wanted; });
  each("modelyard_model_ready", "Ready instances.", [](const Status& s) { return s.ready; });
  each("modelyard_model_restarts", "Restarts of this deployment.", [](const Status& s) { return s.restarts; });
  each("modelyard_model_calls_per_second", "Calls that clients told of.",
       [](const Status& s) { return s.calls_per_second; });
  each("modelyard_model_latency_p99_seconds", "99th percentile of the last minute's calls.",
       [](const Status& s) { return s.latency_p99_ms / 1000; });
}

void document_metrics(std::string& out, const documents::Store::Statistics& statistics) {
  number(out, "modelyard_documents", "gauge", "Stored documents.", static_cast<double>(statistics.documents));
  number(out, "modelyard_documents_bytes", "gauge", "Bytes of the document files.",
         static_cast<double>(statistics.bytes));
  number(out, "modelyard_documents_days", "gauge", "Days that are kept.", statistics.days);
  number(out, "modelyard_documents_stored_total", "counter", "Documents stored since the start.",
         static_cast<double>(statistics.stored));
  number(out, "modelyard_documents_already_total", "counter", "Documents that were there before.",
         static_cast<double>(statistics.already));
}

}  // namespace

Api::Impl::Answer Api::Impl::metrics(http::Request&) {
  struct Both {
    controller::ControllerNumbers numbers;
    std::vector<controller::DeploymentStatus> statuses;
  };
  const auto read = [](controller::Controller& controller) -> io::Task<Both> {
    co_return Both{controller.numbers(), controller.statuses()};
  };
  const Both both = co_await io::on_loop(parts_.controller_loop.executor(), read(parts_.controller));
  std::string out;
  family(out, "modelyard_info", "gauge", "The version that runs.");
  out += fmt::format("modelyard_info{{version=\"{}\"}} 1\n", options_.version);
  controller_metrics(out, both.numbers);
  model_metrics(out, both.statuses);
  if (parts_.documents != nullptr) document_metrics(out, parts_.documents->statistics());
  number(out, "modelyard_api_requests_total", "counter", "Requests to the API.", static_cast<double>(requests_));
  number(out, "modelyard_watchers", "gauge", "Watchers of the endpoints over HTTP.", hub_.endpoint_watchers());
  number(out, "process_resident_memory_bytes", "gauge", "Resident memory.", resident_bytes());
  if (options_.more_metrics) options_.more_metrics(out);
  auto response = http::Response::text(200, std::move(out));
  response.headers.set("content-type", "text/plain; version=0.0.4; charset=utf-8");
  co_return response;
}

}  // namespace modelyard::api
