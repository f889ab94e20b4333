// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "api/render.h"
#include "cli/cluster.h"
#include "cli/remote.h"
#include "json/tree.h"

namespace modelyard::cli {
namespace {

// The members that scripts rely on, whatever else the server tells.
json::Tree listed(const json::Tree& model) {
  json::Tree instances = json::Tree::array();
  for (const json::Tree& instance : objects_in(model, "instances")) {
    instances.push_back({{"id", json::get_string(instance, "id")},
                         {"url", json::get_string(instance, "url")},
                         {"state", json::get_string(instance, "state")},
                         {"host", json::get_string(instance, "host")}});
  }
  return {{"name", json::get_string(model, "name")},
          {"version", json::get_string(model, "version")},
          {"instances", instances}};
}

Result<json::Tree> read_models(Invocation& invocation, const ModelName& wanted) {
  MY_TRY(const auto cluster_place, cluster_address(invocation));
  if (cluster_place) {
    MY_TRY(Cluster cluster, Cluster::open(invocation, *cluster_place));
    MY_TRY(const auto snapshot, cluster.endpoints());
    return json::parse(api::models_json(*snapshot, {}, {wanted.name, wanted.version}));
  }
  MY_TRY(Remote remote, Remote::open(invocation));
  return remote.get_list(target_with("/api/v1/models", {{"name", wanted.name}, {"version", wanted.version}}));
}

Status run(Invocation& invocation) {
  ModelName wanted;
  if (const std::string text = invocation.arguments().positional(0); !text.empty()) {
    MY_TRY(wanted, model_name(invocation, text));
  } else if (invocation.arguments().has("version")) {
    return invocation.wrong_usage("--version needs a name before it");
  }
  MY_TRY(const json::Tree models, read_models(invocation, wanted));
  if (invocation.wants_json()) {
    json::Tree out = json::Tree::array();
    for (const json::Tree& model : models) out.push_back(listed(model));
    invocation.out().json(out);
    return {};
  }
  for (const json::Tree& model : models) {
    invocation.out().line(
        fmt::format("Model {} @ {}", json::get_string(model, "name"), json::get_string(model, "version")));
    for (const json::Tree& instance : objects_in(model, "instances")) {
      invocation.out().line(
          fmt::format("  {}  {}", json::get_string(instance, "url"), json::get_string(instance, "id")));
    }
  }
  if (models.empty() && invocation.out().is_terminal()) invocation.out().line("No model is registered.");
  return {};
}

}  // namespace

void register_list(CommandSet& commands) {
  commands.add(
      {.name = "list",
       .group = "Look",
       .summary = "show the registered models and where they answer",
       .text =
           "Prints what clients can call now: each model and version, and under it one line per instance with its "
           "url. `modelyard status` shows what is wanted and what is true of it. With --zk no controller needs to run.",
       .positionals = {{.name = "N[@V]", .text = "only this model", .required = false}},
       .options = std::vector<Option>{version_option(), output_option()} + server_options(),
       .examples = {{"modelyard list", "all models"}, {"modelyard list dga@1.0 -o json", "one version, for a program"}},
       .run = run});
}

}  // namespace modelyard::cli
