// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "cli/remote.h"
#include "json/tree.h"

namespace modelyard::cli {
namespace {

// The members that scripts rely on, whatever else the server tells.
json::Tree listed(const json::Tree& model) {
  json::Tree instances = json::Tree::array();
  for (const json::Tree& instance : model.value("instances", json::Tree::array())) {
    instances.push_back({{"id", instance.value("id", "")},
                         {"url", instance.value("url", "")},
                         {"state", instance.value("state", "")},
                         {"host", instance.value("host", "")}});
  }
  return {{"name", model.value("name", "")}, {"version", model.value("version", "")}, {"instances", instances}};
}

Status run(Invocation& invocation) {
  ModelName wanted;
  if (const std::string text = invocation.arguments().positional(0); !text.empty()) {
    MY_TRY(wanted, model_name(invocation, text));
  } else if (invocation.arguments().has("version")) {
    return invocation.wrong_usage("--version needs a name before it");
  }
  MY_TRY(Remote remote, Remote::open(invocation));
  MY_TRY(const json::Tree models,
         remote.get(target_with("/api/v1/models", {{"name", wanted.name}, {"version", wanted.version}})));
  if (invocation.wants_json()) {
    json::Tree out = json::Tree::array();
    for (const json::Tree& model : models) out.push_back(listed(model));
    invocation.out().json(out);
    return {};
  }
  for (const json::Tree& model : models) {
    invocation.out().line(fmt::format("Model {} @ {}", model.value("name", ""), model.value("version", "")));
    for (const json::Tree& instance : model.value("instances", json::Tree::array())) {
      invocation.out().line(fmt::format("  {}  {}", instance.value("url", ""), instance.value("id", "")));
    }
  }
  if (models.empty() && invocation.out().is_terminal()) invocation.out().line("No model is registered.");
  return {};
}

}  // namespace

void register_list(CommandSet& commands) {
  commands.add({.name = "list",
                .group = "Look",
                .summary = "show the registered models and where they answer",
                .text = "Prints what clients can call now: each model and version, and under it one line per instance with its "
                        "url. `modelyard status` shows what is wanted and what is true of it.",
                .positionals = {{.name = "N[@V]", .text = "only this model", .required = false}},
                .options = std::vector<Option>{version_option(), output_option()} + server_options(),
                .examples = {{"modelyard list", "all models"}, {"modelyard list dga@1.0 -o json", "one version, for a program"}},
                .run = run});
}

}  // namespace modelyard::cli
