// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "cli/remote.h"
#include "json/tree.h"

namespace modelyard::cli {
namespace {

Status run(Invocation& invocation) {
  MY_TRY(const ModelName model, model_name(invocation, invocation.arguments().positional(0)));
  const auto instances = invocation.arguments().integer("instances");
  if (instances && model.version.empty()) return invocation.wrong_usage("--instances needs --version V or N@V");
  MY_TRY(Remote remote, Remote::open(invocation));
  std::string path = "/api/v1/deployments/" + segment(model.name);
  if (!model.version.empty()) path += "/" + segment(model.version);
  MY_TRY(const json::Tree answer,
         remote.send("DELETE", target_with(path, {{"instances", instances ? std::to_string(*instances) : ""}})));
  if (invocation.wants_json()) {
    invocation.out().json({{"name", model.name},
                           {"version", model.version.empty() ? json::Tree(nullptr) : json::Tree(model.version)},
                           {"removed", true}});
    return {};
  }
  const std::string shown = model.version.empty() ? model.name : model.name + "@" + model.version;
  invocation.out().line(instances ? fmt::format("{}: {} instances fewer wanted", shown, *instances)
                                  : fmt::format("{}: removed; its instances finish their calls and stop", shown));
  return {};
}

}  // namespace

void register_remove(CommandSet& commands) {
  commands.add(
      {.name = "remove",
       .group = "Models",
       .summary = "end a deployment, or some of its instances",
       .text = "Without a version all versions end. Instances are taken out of the registry first, finish the calls in "
               "flight and are stopped then. With --instances, so many fewer are wanted; at none the deployment ends.",
       .positionals = {{.name = "N[@V]", .text = "the model"}},
       .options = std::vector<Option>{version_option(),
                                      {.name = "instances",
                                       .kind = Option::Kind::kInteger,
                                       .value = "K",
                                       .text = "only so many instances",
                                       .least = 1,
                                       .most = 10'000},
                                      output_option()} +
                  server_options(),
       .examples = {{"modelyard remove dga@1.0", "end version 1.0"},
                    {"modelyard remove dga", "end all versions of dga"},
                    {"modelyard remove dga@1.0 --instances 1", "one instance fewer"}},
       .run = run});
}

}  // namespace modelyard::cli
