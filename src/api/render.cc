// SPDX-License-Identifier: Apache-2.0
#include "api/render.h"

#include <fmt/format.h>

#include <map>

#include "base/clock.h"
#include "base/strings.h"
#include "json/tree.h"
#include "json/writer.h"

namespace modelyard::api {
namespace {

using controller::DeploymentStatus;
using controller::InstanceStatus;

std::string iso(int64_t ms) { return to_iso8601(from_epoch_ms(ms)); }

constexpr size_t kReportsMax = 10'000;
constexpr size_t kBucketsMax = 64;

json::Tree instance_json(const InstanceStatus& status) {
  const registry::Instance& instance = status.instance;
  return {{"id", instance.id},
          {"url", instance.endpoint ? json::Tree(instance.endpoint->url) : json::Tree(nullptr)},
          {"state", std::string(to_string(instance.state))},
          {"host", instance.host},
          {"pid", instance.model_pid > 0 ? json::Tree(instance.model_pid) : json::Tree(nullptr)},
          {"since", iso(instance.since_ms)},
          {"revision", instance.revision},
          {"reason", instance.reason},
          {"restarts", status.restarts},
          {"calls_per_second", status.calls_per_second}};
}

json::Tree revision_json(const registry::Revision& revision) {
  return {{"number", revision.number},
          {"digest", revision.digest},
          {"created", iso(revision.created_ms)},
          {"by", revision.created_by}};
}

void write_endpoint(json::Writer& writer, const registry::Endpoint& endpoint) {
  writer.begin_object();
  writer.key("id");
  writer.string(endpoint.id);
  writer.key("name");
  writer.string(endpoint.name);
  writer.key("version");
  writer.string(endpoint.version);
  writer.key("url");
  writer.string(endpoint.url);
  writer.key("host");
  writer.string(endpoint.host);
  writer.key("functions");
  writer.begin_object();
  for (const auto& [alias, path] : endpoint.functions) {
    writer.key(alias);
    writer.string(path);
  }
  writer.end_object();
  writer.end_object();
}

void write_head(json::Writer& writer, const registry::Snapshot& snapshot) {
  writer.key("epoch");
  writer.number(snapshot.epoch);
  writer.key("revision");
  writer.number(snapshot.revision);
  writer.key("settled");
  writer.boolean(snapshot.settled);
}

}  // namespace

json::Tree deployment_json(const DeploymentStatus& status) {
  const registry::Deployment& deployment = status.deployment;
  json::Tree revisions = json::Tree::array();
  for (const registry::Revision& revision : deployment.revisions) revisions.push_back(revision_json(revision));
  json::Tree instances = json::Tree::array();
  for (const InstanceStatus& instance : status.instances) instances.push_back(instance_json(instance));
  return {{"name", deployment.name},
          {"version", deployment.version},
          {"wanted", status.wanted},
          {"ready", status.ready},
          {"restarts", status.restarts},
          {"state", std::string(to_string(status.state))},
          {"error", status.error.empty() ? json::Tree(nullptr) : json::Tree(status.error)},
          {"memory", deployment.memory_mb},
          {"vcores", deployment.vcores},
          {"revision", status.revision},
          {"revisions", std::move(revisions)},
          {"calls_per_second", status.calls_per_second},
          {"latency_ms", {{"p50", status.latency_p50_ms}, {"p99", status.latency_p99_ms}}},
          {"instances", std::move(instances)}};
}

std::string deployments_json(const std::vector<DeploymentStatus>& statuses, const NameFilter& filter) {
  json::Tree list = json::Tree::array();
  for (const DeploymentStatus& status : statuses) {
    if (filter.matches(status.deployment.name, status.deployment.version)) list.push_back(deployment_json(status));
  }
  return json::dump(list);
}

std::string models_json(const registry::Snapshot& snapshot, const std::vector<DeploymentStatus>& statuses,
                        const NameFilter& filter) {
  std::map<std::string_view, registry::InstanceState> states;
  for (const DeploymentStatus& status : statuses) {
    for (const InstanceStatus& instance : status.instances) states[instance.instance.id] = instance.instance.state;
  }
  json::Tree list = json::Tree::array();
  for (const auto& [name, versions] : snapshot.models) {
    for (const auto& [version, endpoints] : versions) {
      if (!filter.matches(name, version) || endpoints->empty()) continue;
      json::Tree instances = json::Tree::array();
      for (const registry::Endpoint& endpoint : *endpoints) {
        const auto state = states.find(endpoint.id);
        instances.push_back(
            {{"id", endpoint.id},
             {"url", endpoint.url},
             {"state", std::string(to_string(state == states.end() ? registry::InstanceState::kReady : state->second))},
             {"host", endpoint.host}});
      }
      list.push_back({{"name", name}, {"version", version}, {"instances", std::move(instances)}});
    }
  }
  return json::dump(list);
}

std::string events_json(const std::vector<registry::Event>& events) {
  std::string out;
  json::Writer writer(out);
  writer.begin_array();
  for (const registry::Event& event : events) {
    writer.begin_object();
    writer.key("sequence");
    writer.number(event.sequence);
    for (const auto& [key, value] :
         std::initializer_list<std::pair<std::string_view, std::string_view>>{{"name", event.name},
                                                                              {"version", event.version},
                                                                              {"instance", event.instance},
                                                                              {"kind", event.kind},
                                                                              {"text", event.text}}) {
      writer.key(key);
      writer.string(value);
    }
    writer.key("at");
    writer.string(iso(event.at_ms));
    writer.end_object();
  }
  writer.end_array();
  return out;
}

std::string snapshot_json(const registry::Snapshot& snapshot) {
  std::string out;
  json::Writer writer(out);
  writer.begin_object();
  write_head(writer, snapshot);
  writer.key("endpoints");
  writer.begin_array();
  for (const auto& [name, versions] : snapshot.models) {
    for (const auto& [version, endpoints] : versions) {
      for (const registry::Endpoint& endpoint : *endpoints) write_endpoint(writer, endpoint);
    }
  }
  writer.end_array();
  writer.end_object();
  return out;
}

std::string change_json(const registry::Snapshot& snapshot, const std::vector<registry::Change>& changes) {
  std::string out;
  json::Writer writer(out);
  writer.begin_object();
  write_head(writer, snapshot);
  writer.key("changes");
  writer.begin_array();
  for (const registry::Change& change : changes) {
    writer.begin_object();
    writer.key("at");
    writer.string(iso(change.at_ms));
    writer.key("kind");
    writer.string(to_string(change.kind));
    writer.key("name");
    writer.string(change.endpoint.name);
    writer.key("version");
    writer.string(change.endpoint.version);
    writer.key("id");
    writer.string(change.endpoint.id);
    writer.key("url");
    writer.string(change.endpoint.url);
    writer.key("endpoint");
    write_endpoint(writer, change.endpoint);
    writer.end_object();
  }
  writer.end_array();
  writer.end_object();
  return out;
}

Result<std::vector<controller::CallReport>> call_reports_from(std::string_view body) {
  MY_TRY(const json::Tree tree, json::parse(body, {.source = "body"}));
  if (!tree.is_array()) return fail(ErrorCode::kInvalidArgument, "the body must be an array of reports");
  if (tree.size() > kReportsMax)
    return fail(ErrorCode::kResourceExhausted, fmt::format("over {} reports", kReportsMax));
  std::vector<controller::CallReport> reports;
  for (const json::Tree& item : tree) {
    if (!item.is_object()) return fail(ErrorCode::kInvalidArgument, "a report must be an object");
    controller::CallReport report;
    MY_TRY(report.id, json::require_string(item, "id"));
    report.calls = std::max<int64_t>(0, json::get_int(item, "calls"));
    report.failures = std::max<int64_t>(0, json::get_int(item, "failures"));
    if (const auto latency = item.find("latency_us"); latency != item.end() && latency->is_object()) {
      report.latency_sum_us = std::max<int64_t>(0, json::get_int(*latency, "sum"));
      report.latency_max_us = std::max<int64_t>(0, json::get_int(*latency, "max"));
      if (const auto buckets = latency->find("buckets"); buckets != latency->end() && buckets->is_object()) {
        for (const auto& [bound, count] : buckets->items()) {
          const auto microseconds = parse_int(bound);
          if (!microseconds || !count.is_number_integer() || report.latency_buckets.size() >= kBucketsMax) continue;
          report.latency_buckets[*microseconds] = std::max<int64_t>(0, count.get<int64_t>());
        }
      }
    }
    reports.push_back(std::move(report));
  }
  return reports;
}

}  // namespace modelyard::api
