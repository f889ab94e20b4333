// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include "base/strings.h"
#include "controller/core.h"

namespace modelyard::controller {
namespace {

using registry::Deployment;
using registry::Revision;
using registry::Write;

constexpr int kInstancesMax = 10'000;
constexpr size_t kRevisionsKept = 5;

Status check_name(std::string_view what, std::string_view text) {
  const std::string why = why_bad_name(text);
  if (why.empty()) return {};
  return fail(ErrorCode::kInvalidArgument, std::string(what) + " '" + to_valid_utf8(text) + "': " + why);
}

Status check_count(int instances) {
  if (instances >= 0 && instances <= kInstancesMax) return {};
  return fail(ErrorCode::kInvalidArgument,
              "instances is " + std::to_string(instances) + ": it must be 0 to " + std::to_string(kInstancesMax));
}

Status check_environment(const std::map<std::string, std::string>& env) {
  for (const auto& [key, value] : env) {
    const bool bad = key.empty() || key.find('=') != std::string::npos || key.find('\0') != std::string::npos ||
                     value.find('\0') != std::string::npos;
    if (bad)
      return fail(ErrorCode::kInvalidArgument,
                  "env '" + to_valid_utf8(key) + "': write NAME=VALUE, without a NUL byte");
  }
  return {};
}

Status check(const DeployRequest& request) {
  MY_TRY_VOID(check_name("name", request.name));
  MY_TRY_VOID(check_name("version", request.version));
  MY_TRY_VOID(check_count(request.instances));
  MY_TRY_VOID(check_environment(request.env));
  if (request.memory_mb < 0 || request.memory_mb > (int64_t{1} << 40)) {
    return fail(ErrorCode::kInvalidArgument,
                "memory is " + std::to_string(request.memory_mb) + ": it is a number of MiB, 0 for no limit");
  }
  if (request.vcores < 1 || request.vcores > 100'000) {
    return fail(ErrorCode::kInvalidArgument, "vcores is " + std::to_string(request.vcores) + ": it must be at least 1");
  }
  static constexpr std::string_view kProtocols[] = {"get-query", "post-json", "mlflow", "oip-v2"};
  if (std::find(std::begin(kProtocols), std::end(kProtocols), request.protocol) == std::end(kProtocols)) {
    return fail(ErrorCode::kInvalidArgument, "protocol '" + to_valid_utf8(request.protocol) +
                                                 "' is unknown: get-query, post-json, mlflow or oip-v2");
  }
  if (!request.health_path.empty() && request.health_path.front() != '/') {
    return fail(ErrorCode::kInvalidArgument,
                "health path '" + to_valid_utf8(request.health_path) + "' must begin with /");
  }
  if (request.digest.empty()) return fail(ErrorCode::kInvalidArgument, "the payload's digest is missing");
  return {};
}

// The deployer's environment is no part of it: the same command in another terminal is not an update.
bool same_content(const Revision& a, const Revision& b) {
  return a.digest == b.digest && a.memory_mb == b.memory_mb && a.vcores == b.vcores && a.env == b.env &&
         a.health_path == b.health_path;
}

Revision revision_of(const DeployRequest& request, int64_t number, int64_t wall_ms) {
  Revision revision;
  revision.number = number;
  revision.digest = request.digest;
  revision.memory_mb = request.memory_mb;
  revision.vcores = request.vcores;
  revision.env = request.env;
  for (const auto& [key, value] : request.inherited_env) {
    if (registry::is_inherited_variable(key) && check_environment({{key, value}}))
      revision.inherited_env.emplace(key, value);
  }
  revision.health_path = request.health_path;
  revision.created_ms = wall_ms;
  revision.created_by = request.owner;
  return revision;
}

void take_newest(Deployment& deployment) {
  const Revision& newest = deployment.revisions.back();
  deployment.memory_mb = newest.memory_mb;
  deployment.vcores = newest.vcores;
  deployment.env = newest.env;
  deployment.inherited_env = newest.inherited_env;
  deployment.health_path = newest.health_path;
}

void append_put(Core::Batch& batch, Deployment deployment, std::string kind, std::string text, int64_t wall_ms) {
  batch.writes.push_back(
      Write::append({0, wall_ms, deployment.name, deployment.version, "", std::move(kind), std::move(text)}));
  ++deployment.generation;
  batch.writes.push_back(Write::put(deployment));
  batch.actions.push_back({.kind = Action::Kind::kPutDeployment, .deployment = std::move(deployment)});
}

std::string title(const std::string& name, const std::string& version) {
  return "'" + name + "' version '" + version + "'";
}

tl::unexpected<Error> no_such(const std::string& name, const std::optional<std::string>& version) {
  return fail(ErrorCode::kNotFound, "no deployment " + (version ? title(name, *version) : "'" + name + "'"));
}

}  // namespace

Result<Core::Batch> Core::deploy(const DeployRequest& request, int64_t wall_ms, DeployOutcome& outcome) const {
  MY_TRY_VOID(check(request));
  const auto known = desired_.deployments.find({request.name, request.version});
  Deployment next;
  if (known != desired_.deployments.end()) {
    next = known->second;
  } else {
    next.name = request.name;
    next.version = request.version;
    next.created_ms = wall_ms;
  }
  // Deployed again before the last of it was gone: it stays.
  next.removing = false;
  outcome.created = known == desired_.deployments.end();
  const int64_t newest = next.revisions.empty() ? 0 : next.revisions.back().number;
  Revision revision = revision_of(request, next.last_revision + 1, wall_ms);
  const Revision* wanted = wanted_revision(next);
  if (wanted != nullptr && same_content(*wanted, revision)) {
    // What runs is what is asked for; a newer one that was rejected is given up.
    if (wanted->number != newest) next.revisions.pop_back();
  } else {
    next.last_revision = revision.number;
    next.revisions.push_back(std::move(revision));
  }
  if (next.revisions.back().number != next.rejected_revision || newest != next.revisions.back().number) {
    next.rejected_revision = 0;
    next.rejected_reason.clear();
  }
  // An instance may still run by an older one: those stay until nothing does.
  std::set<int64_t> running;
  for (const auto& [id, entry] : observed_.instances) {
    if (entry.record.name == next.name && entry.record.version == next.version) running.insert(entry.record.revision);
  }
  while (next.revisions.size() > kRevisionsKept && !running.contains(next.revisions.front().number)) {
    next.revisions.erase(next.revisions.begin());
  }
  take_newest(next);
  next.instances = request.instances;
  next.protocol = request.protocol;
  next.owner = request.owner.empty() ? next.owner : request.owner;
  outcome.revision = next.revisions.back().number;
  Batch batch;
  outcome.changed = outcome.created || !(next == known->second);
  if (!outcome.changed) return batch;
  const bool rolls = !outcome.created && outcome.revision != newest;
  std::string text = "revision " + std::to_string(outcome.revision) + ", " + std::to_string(next.instances) +
                     " wanted" + (next.owner.empty() ? "" : ", by " + next.owner);
  append_put(batch, std::move(next), rolls ? "rolled" : "deployed", std::move(text), wall_ms);
  return batch;
}

Result<Core::Batch> Core::add(DeployRequest request, int64_t wall_ms) const {
  MY_TRY_VOID(check_count(request.instances));
  const auto known = desired_.deployments.find({request.name, request.version});
  if (known != desired_.deployments.end()) {
    const Deployment& stored = known->second;
    if (!stored.removing) request.instances += stored.instances;
    request.vcores = stored.vcores;
    request.env = stored.env;
    request.inherited_env = stored.inherited_env;
    request.health_path = stored.health_path;
    request.protocol = stored.protocol;
  }
  DeployOutcome outcome;
  return deploy(request, wall_ms, outcome);
}

Result<Core::Batch> Core::scale(const std::string& name, const std::string& version, int instances,
                                int64_t wall_ms) const {
  MY_TRY_VOID(check_count(instances));
  const auto known = desired_.deployments.find({name, version});
  if (known == desired_.deployments.end()) return no_such(name, version);
  if (known->second.removing) return fail(ErrorCode::kConflict, title(name, version) + " is being removed");
  Batch batch;
  if (known->second.instances == instances) return batch;
  Deployment next = known->second;
  next.instances = instances;
  append_put(batch, std::move(next), "scaled",
             "from " + std::to_string(known->second.instances) + " to " + std::to_string(instances), wall_ms);
  return batch;
}

Result<Core::Batch> Core::remove(const std::string& name, const std::optional<std::string>& version,
                                 std::optional<int> instances, int64_t wall_ms, RemoveOutcome& outcome) const {
  if (instances && *instances < 1) {
    return fail(ErrorCode::kInvalidArgument, "instances is " + std::to_string(*instances) + ": it must be at least 1");
  }
  Batch batch;
  bool found = false;
  for (const auto& [key, deployment] : desired_.deployments) {
    if (key.first != name || (version && key.second != *version)) continue;
    found = true;
    if (deployment.removing) continue;
    Deployment next = deployment;
    const int fewer = std::min(instances.value_or(deployment.instances), deployment.instances);
    outcome.instances += fewer;
    next.instances -= fewer;
    next.removing = !instances || next.instances == 0;
    outcome.deployments += next.removing ? 1 : 0;
    std::string text =
        next.removing ? "all of it" : std::to_string(fewer) + " instances, " + std::to_string(next.instances) + " stay";
    const std::string kind = next.removing ? "removing" : "scaled";
    append_put(batch, std::move(next), kind, std::move(text), wall_ms);
  }
  if (!found) return no_such(name, version);
  return batch;
}

Result<Core::Batch> Core::placed(const std::string& id, int64_t incarnation, const Placement& placement,
                                 int64_t wall_ms) const {
  MY_TRY_VOID(admit(id, incarnation));
  const ObservedInstance* known = find(id);
  const bool wanted = known->record.state == registry::InstanceState::kRequested && known->facts.launching &&
                      !known->facts.killing && !desired_.shutting_down;
  if (!wanted) return fail(ErrorCode::kConflict, "instance '" + id + "' is not to be started any more");
  registry::Instance record = known->record;
  record.container = placement.container;
  record.host = placement.host;
  record.log_url = placement.log_url;
  Batch batch;
  batch.writes.push_back(Write::put(record));
  std::string text = "on " + placement.host;
  if (!placement.container.empty()) text += " in " + placement.container;
  batch.writes.push_back(Write::append({0, wall_ms, record.name, record.version, id, "placed", std::move(text)}));
  batch.actions.push_back({.kind = Action::Kind::kPlaced, .instance = std::move(record)});
  return batch;
}

}  // namespace modelyard::controller
