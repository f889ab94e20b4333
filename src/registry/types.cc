// SPDX-License-Identifier: Apache-2.0
#include "registry/types.h"

#include <array>
#include <utility>

#include "base/clock.h"
#include "registry/json_fields.h"

namespace modelyard::registry {
namespace {

using internal::Fields;

constexpr std::array<std::pair<InstanceState, std::string_view>, 9> kInstanceStates{{
    {InstanceState::kRequested, "requested"},
    {InstanceState::kLocalizing, "localizing"},
    {InstanceState::kStarting, "starting"},
    {InstanceState::kReady, "ready"},
    {InstanceState::kUnhealthy, "unhealthy"},
    {InstanceState::kUnreachable, "unreachable"},
    {InstanceState::kDraining, "draining"},
    {InstanceState::kFailed, "failed"},
    {InstanceState::kGone, "gone"},
}};

constexpr std::array<std::pair<DeploymentState, std::string_view>, 7> kDeploymentStates{{
    {DeploymentState::kStarting, "starting"},
    {DeploymentState::kReady, "ready"},
    {DeploymentState::kDegraded, "degraded"},
    {DeploymentState::kCrashLoop, "crash-loop"},
    {DeploymentState::kWaiting, "waiting"},
    {DeploymentState::kUpdateFailed, "update-failed"},
    {DeploymentState::kRemoving, "removing"},
}};

template <typename Table, typename Value>
std::string_view name_in(const Table& table, Value value) {
  for (const auto& [known, name] : table) {
    if (known == value) return name;
  }
  return "?";
}

template <typename Value, typename Table>
std::optional<Value> value_in(const Table& table, std::string_view text) {
  for (const auto& [known, name] : table) {
    if (name == text) return known;
  }
  return std::nullopt;
}

template <typename Record, typename Reader>
void read_list(Fields& fields, std::string_view key, std::vector<Record>& out, Reader reader) {
  const json::Tree* list = fields.find(key);
  if (list == nullptr) return;
  if (!list->is_array()) return fields.fail(std::string(key) + " must be an array");
  for (const json::Tree& member : *list) {
    auto record = reader(member);
    if (!record) return fields.fail(record.error());
    out.push_back(std::move(*record));
  }
}

}  // namespace

std::string_view to_string(InstanceState state) { return name_in(kInstanceStates, state); }
std::optional<InstanceState> instance_state_from(std::string_view text) {
  return value_in<InstanceState>(kInstanceStates, text);
}
std::string_view to_string(DeploymentState state) { return name_in(kDeploymentStates, state); }
std::optional<DeploymentState> deployment_state_from(std::string_view text) {
  return value_in<DeploymentState>(kDeploymentStates, text);
}

json::Tree to_json(const Endpoint& endpoint) {
  return {{"id", endpoint.id},   {"name", endpoint.name}, {"version", endpoint.version},
          {"url", endpoint.url}, {"host", endpoint.host}, {"functions", endpoint.functions}};
}

Result<Endpoint> endpoint_from_json(const json::Tree& tree) {
  Fields fields(tree, "endpoint");
  Endpoint endpoint;
  fields.require("id", endpoint.id);
  fields.require("name", endpoint.name);
  fields.require("version", endpoint.version);
  fields.require("url", endpoint.url);
  fields.read("host", endpoint.host);
  fields.read("functions", endpoint.functions);
  MY_TRY_VOID(fields.status());
  return endpoint;
}

json::Tree to_json(const Revision& revision) {
  return {{"number", revision.number},
          {"digest", revision.digest},
          {"memory_mb", revision.memory_mb},
          {"vcores", revision.vcores},
          {"env", revision.env},
          {"inherited_env", revision.inherited_env},
          {"health_path", revision.health_path},
          {"created_ms", revision.created_ms},
          {"created_by", revision.created_by}};
}

Result<Revision> revision_from_json(const json::Tree& tree) {
  Fields fields(tree, "revision");
  Revision revision;
  fields.read("number", revision.number);
  fields.require("digest", revision.digest);
  fields.read("memory_mb", revision.memory_mb);
  fields.read("vcores", revision.vcores);
  fields.read("env", revision.env);
  fields.read("inherited_env", revision.inherited_env);
  fields.read("health_path", revision.health_path);
  fields.read("created_ms", revision.created_ms);
  fields.read("created_by", revision.created_by);
  MY_TRY_VOID(fields.status());
  return revision;
}

json::Tree to_json(const Deployment& deployment) {
  json::Tree revisions = json::Tree::array();
  for (const Revision& revision : deployment.revisions) revisions.push_back(to_json(revision));
  return {{"name", deployment.name},
          {"version", deployment.version},
          {"generation", deployment.generation},
          {"instances", deployment.instances},
          {"memory_mb", deployment.memory_mb},
          {"vcores", deployment.vcores},
          {"env", deployment.env},
          {"inherited_env", deployment.inherited_env},
          {"health_path", deployment.health_path},
          {"protocol", deployment.protocol},
          {"owner", deployment.owner},
          {"removing", deployment.removing},
          {"revisions", std::move(revisions)},
          {"rejected_revision", deployment.rejected_revision},
          {"rejected_reason", deployment.rejected_reason},
          {"last_revision", deployment.last_revision},
          {"restarts", deployment.restarts},
          {"created_ms", deployment.created_ms}};
}

Result<Deployment> deployment_from_json(const json::Tree& tree) {
  Fields fields(tree, "deployment");
  Deployment deployment;
  fields.require("name", deployment.name);
  fields.require("version", deployment.version);
  fields.read("generation", deployment.generation);
  fields.read("instances", deployment.instances);
  fields.read("memory_mb", deployment.memory_mb);
  fields.read("vcores", deployment.vcores);
  fields.read("env", deployment.env);
  fields.read("inherited_env", deployment.inherited_env);
  fields.read("health_path", deployment.health_path);
  fields.read("protocol", deployment.protocol);
  fields.read("owner", deployment.owner);
  fields.read("removing", deployment.removing);
  read_list(fields, "revisions", deployment.revisions, revision_from_json);
  fields.read("rejected_revision", deployment.rejected_revision);
  fields.read("rejected_reason", deployment.rejected_reason);
  fields.read("last_revision", deployment.last_revision);
  fields.read("restarts", deployment.restarts);
  fields.read("created_ms", deployment.created_ms);
  MY_TRY_VOID(fields.status());
  return deployment;
}

json::Tree to_json(const Instance& instance) {
  json::Tree tree = {{"id", instance.id},
                     {"incarnation", instance.incarnation},
                     {"name", instance.name},
                     {"version", instance.version},
                     {"revision", instance.revision},
                     {"state", to_string(instance.state)},
                     {"host", instance.host},
                     {"container", instance.container},
                     {"log_url", instance.log_url},
                     {"runner_pid", instance.runner_pid},
                     {"model_pid", instance.model_pid},
                     {"boot_id", instance.boot_id},
                     {"runner_start_ticks", instance.runner_start_ticks},
                     {"reason", instance.reason},
                     {"log_tail", instance.log_tail},
                     {"since_ms", instance.since_ms},
                     {"started_ms", instance.started_ms},
                     {"created_ms", instance.created_ms},
                     {"ready_ms", instance.ready_ms},
                     {"restarts", instance.restarts},
                     {"failures", instance.failures}};
  if (instance.endpoint) tree["endpoint"] = to_json(*instance.endpoint);
  return tree;
}

Result<Instance> instance_from_json(const json::Tree& tree) {
  Fields fields(tree, "instance");
  Instance instance;
  std::string state(to_string(instance.state));
  fields.require("id", instance.id);
  fields.read("incarnation", instance.incarnation);
  fields.require("name", instance.name);
  fields.require("version", instance.version);
  fields.read("revision", instance.revision);
  fields.read("state", state);
  fields.read("host", instance.host);
  fields.read("container", instance.container);
  fields.read("log_url", instance.log_url);
  fields.read("runner_pid", instance.runner_pid);
  fields.read("model_pid", instance.model_pid);
  fields.read("boot_id", instance.boot_id);
  fields.read("runner_start_ticks", instance.runner_start_ticks);
  fields.read("reason", instance.reason);
  fields.read("log_tail", instance.log_tail);
  fields.read("since_ms", instance.since_ms);
  fields.read("started_ms", instance.started_ms);
  fields.read("created_ms", instance.created_ms);
  fields.read("ready_ms", instance.ready_ms);
  fields.read("restarts", instance.restarts);
  fields.read("failures", instance.failures);
  if (const auto known = instance_state_from(state)) {
    instance.state = *known;
  } else {
    fields.fail("unknown state '" + state + "'");
  }
  if (const json::Tree* endpoint = fields.find("endpoint")) {
    auto read = endpoint_from_json(*endpoint);
    if (read) {
      instance.endpoint = std::move(*read);
    } else {
      fields.fail(read.error());
    }
  }
  MY_TRY_VOID(fields.status());
  return instance;
}

json::Tree to_json(const Event& event) {
  return {{"sequence", event.sequence}, {"at", to_iso8601(from_epoch_ms(event.at_ms))},
          {"name", event.name},         {"version", event.version},
          {"instance", event.instance}, {"kind", event.kind},
          {"text", event.text}};
}

}  // namespace modelyard::registry
