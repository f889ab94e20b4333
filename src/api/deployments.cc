// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "api/impl.h"
#include "base/strings.h"
#include "json/tree.h"

namespace modelyard::api {
namespace {

using controller::Controller;
using http::Response;

constexpr int64_t kInstancesMax = 10'000;
constexpr int64_t kMemoryMax = int64_t{1} << 30;
constexpr int64_t kVcoresMax = 4096;
constexpr int kUploadsMax = 8;

std::string shown(const NameFilter& filter) {
  return filter.version.empty() ? filter.name : fmt::format("{}@{}", filter.name, filter.version);
}

Result<std::map<std::string, std::string>> variables_of(const http::Request& request, std::string_view key) {
  std::map<std::string, std::string> variables;
  for (const auto& [name, pair] : request.query()) {
    if (name != key) continue;
    const size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0 || pair.find('\0') != std::string::npos) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("{}={} must be {}=K=V", key, to_valid_utf8(pair), key));
    }
    variables[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return variables;
}

// All of the request but its body; checked before a byte of the body is taken.
Result<controller::DeployRequest> deploy_request_of(const http::Request& request) {
  MY_TRY(const NameFilter filter, filter_of(request));
  if (filter.name.empty()) return fail(ErrorCode::kInvalidArgument, "name= is missing");
  controller::DeployRequest wanted;
  wanted.name = filter.name;
  wanted.version = filter.version.empty() ? "1" : filter.version;
  MY_TRY(const int64_t instances, query_number(request, "instances", 1, 0, kInstancesMax));
  wanted.instances = static_cast<int>(instances);
  MY_TRY(wanted.memory_mb, query_number(request, "memory", 0, 0, kMemoryMax));
  MY_TRY(const int64_t vcores, query_number(request, "vcores", 1, 1, kVcoresMax));
  wanted.vcores = static_cast<int>(vcores);
  MY_TRY(wanted.env, variables_of(request, "env"));
  MY_TRY(wanted.inherited_env, variables_of(request, "inherit"));
  wanted.health_path = request.query("health_path").value_or("");
  wanted.protocol = request.query("protocol").value_or("get-query");
  wanted.owner = to_valid_utf8(request.query("owner").value_or(""));
  if (wanted.protocol.empty()) wanted.protocol = "get-query";
  return wanted;
}

}  // namespace

Api::Impl::Answer Api::Impl::models(http::Request& request) {
  const auto filter = filter_of(request);
  if (!filter) co_return Response::error(filter.error());
  struct Both {
    std::shared_ptr<const registry::Snapshot> snapshot;
    std::vector<controller::DeploymentStatus> statuses;
  };
  const auto read = [](Controller& controller) -> io::Task<Both> {
    co_return Both{controller.snapshot(), controller.statuses()};
  };
  const Both both = co_await io::on_loop(parts_.controller_loop.executor(), read(parts_.controller));
  co_return Response::json(200, models_json(*both.snapshot, both.statuses, *filter));
}

Api::Impl::Answer Api::Impl::deployments(http::Request& request) {
  const auto filter = filter_of(request);
  if (!filter) co_return Response::error(filter.error());
  const auto all = co_await statuses();
  co_return Response::json(200, deployments_json(all, *filter));
}

Api::Impl::Answer Api::Impl::deployment(http::Request& request) {
  const auto filter = filter_of(request);
  if (!filter) co_return Response::error(filter.error());
  const auto all = co_await statuses();
  for (const auto& status : all) {
    if (filter->matches(status.deployment.name, status.deployment.version)) {
      co_return Response::json(200, json::dump(deployment_json(status)));
    }
  }
  co_return Response::error(Error(ErrorCode::kNotFound, fmt::format("no deployment of {}", shown(*filter))));
}

Api::Impl::Answer Api::Impl::watch_deployments(http::Request&) {
  co_return Response::events([this](http::SseStream& stream) { return hub_.watch_deployments(stream); });
}

io::Task<Result<payloads::StoredPayload>> Api::Impl::receive_payload(http::Request& request) {
  MY_CO_TRY(std::shared_ptr<payloads::PayloadUpload> upload, parts_.payloads.begin_upload());
  while (true) {
    MY_CO_TRY(const std::string chunk, co_await request.read_chunk());
    if (chunk.empty()) break;
    MY_CO_TRY_VOID(upload->append(chunk));
  }
  // The upload belongs to the job: a request that is cancelled meanwhile leaves nothing half done.
  std::function<Result<payloads::StoredPayload>()> finish = [upload] { return upload->finish(); };
  co_return co_await run_on(payload_worker_, parts_.loop, std::move(finish));
}

Api::Impl::Answer Api::Impl::deploy(http::Request& request) {
  if (auto elsewhere = co_await redirect(request)) co_return *std::move(elsewhere);
  auto wanted = deploy_request_of(request);
  if (!wanted) co_return Response::error(wanted.error());
  if (uploads_ >= kUploadsMax) {
    co_return Response::error(
        Error(ErrorCode::kUnavailable, fmt::format("{} payloads are being uploaded; try again", kUploadsMax)));
  }
  struct Count {
    int& value;
    explicit Count(int& v) : value(v) { ++value; }
    ~Count() { --value; }
  };
  const Count counted(uploads_);
  const auto payload = co_await receive_payload(request);
  if (!payload) co_return Response::error(payload.error());
  wanted->digest = payload->digest;
  const std::string name = wanted->name;
  const std::string version = wanted->version;
  const auto store = [](Controller& controller,
                        controller::DeployRequest r) -> io::Task<Result<controller::DeployOutcome>> {
    return controller.deploy(std::move(r));
  };
  const auto outcome =
      co_await io::on_loop(parts_.controller_loop.executor(), store(parts_.controller, std::move(*wanted)));
  if (!outcome) co_return Response::error(outcome.error());
  if (options_.on_deployed) options_.on_deployed(payload->pin);
  const json::Tree answer{
      {"name", name}, {"version", version}, {"revision", outcome->revision}, {"changed", outcome->changed}};
  co_return Response::json(outcome->created ? 201 : 200, json::dump(answer));
}

Api::Impl::Answer Api::Impl::scale(http::Request& request) {
  if (auto elsewhere = co_await redirect(request)) co_return *std::move(elsewhere);
  const auto filter = filter_of(request);
  if (!filter) co_return Response::error(filter.error());
  const auto body = json::parse(request.body, {.source = "body"});
  if (!body) co_return Response::error(body.error());
  const auto instances = json::require_int(*body, "instances");
  if (!instances) co_return Response::error(instances.error());
  if (*instances < 0 || *instances > kInstancesMax) {
    co_return Response::error(
        Error(ErrorCode::kInvalidArgument, fmt::format("instances must be from 0 to {}", kInstancesMax)));
  }
  const auto change = [](Controller& controller, NameFilter f, int count) -> io::Task<Result<void>> {
    return controller.scale(f.name, f.version, count);
  };
  const auto done = co_await io::on_loop(parts_.controller_loop.executor(),
                                         change(parts_.controller, *filter, static_cast<int>(*instances)));
  if (!done) co_return Response::error(done.error());
  const json::Tree answer{{"name", filter->name}, {"version", filter->version}, {"wanted", *instances}};
  co_return Response::json(200, json::dump(answer));
}

Api::Impl::Answer Api::Impl::remove(http::Request& request) {
  if (auto elsewhere = co_await redirect(request)) co_return *std::move(elsewhere);
  const auto filter = filter_of(request);
  if (!filter) co_return Response::error(filter.error());
  const auto count = query_number(request, "instances", 0, 1, kInstancesMax);
  if (!count) co_return Response::error(count.error());
  if (*count > 0 && filter->version.empty()) {
    co_return Response::error(Error(ErrorCode::kInvalidArgument, "instances= needs a version in the path"));
  }
  const auto end = [](Controller& controller, NameFilter f, int64_t n) -> io::Task<Result<controller::RemoveOutcome>> {
    return controller.remove(f.name, f.version.empty() ? std::nullopt : std::optional(f.version),
                             n > 0 ? std::optional(static_cast<int>(n)) : std::nullopt);
  };
  const auto outcome = co_await io::on_loop(parts_.controller_loop.executor(), end(parts_.controller, *filter, *count));
  if (!outcome) co_return Response::error(outcome.error());
  const json::Tree answer{{"deployments", outcome->deployments}, {"instances", outcome->instances}};
  co_return Response::json(200, json::dump(answer));
}

Api::Impl::Answer Api::Impl::events(http::Request& request) {
  const auto filter = filter_of(request);
  if (!filter) co_return Response::error(filter.error());
  const auto limit = query_number(request, "limit", 200, 1, 10'000);
  if (!limit) co_return Response::error(limit.error());
  const auto read = [](Controller& controller, NameFilter f, int n) -> io::Task<Result<std::vector<registry::Event>>> {
    return controller.events(f.name, f.version, n);
  };
  const auto events = co_await io::on_loop(parts_.controller_loop.executor(),
                                           read(parts_.controller, *filter, static_cast<int>(*limit)));
  if (!events) co_return Response::error(events.error());
  co_return Response::json(200, events_json(*events));
}

Api::Impl::Answer Api::Impl::calls(http::Request& request) {
  auto reports = call_reports_from(request.body);
  if (!reports) co_return Response::error(reports.error());
  auto shared = std::make_shared<const std::vector<controller::CallReport>>(std::move(*reports));
  parts_.controller_loop.post([&controller = parts_.controller, shared] { controller.note_calls(*shared); });
  co_return Response::empty();
}

}  // namespace modelyard::api
