// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "cli/remote.h"
#include "json/tree.h"

namespace modelyard::cli {
namespace {

// Without a version there must be exactly one to mean.
Result<std::string> only_version(Invocation& invocation, Remote& remote, const std::string& name) {
  MY_TRY(const json::Tree deployments, remote.get_list(target_with("/api/v1/deployments", {{"name", name}})));
  if (deployments.empty()) return fail(ErrorCode::kNotFound, fmt::format("no deployment of {}", name));
  if (deployments.size() == 1) return json::get_string(deployments[0], "version");
  std::string versions;
  for (const json::Tree& deployment : deployments) {
    versions += (versions.empty() ? "" : ", ") + json::get_string(deployment, "version");
  }
  return invocation.wrong_usage(fmt::format("{} has several versions ({}); say which with --version", name, versions));
}

Status run(Invocation& invocation) {
  MY_TRY(ModelName model, model_name(invocation, invocation.arguments().positional(0)));
  const auto instances = invocation.arguments().integer("instances");
  if (!instances) return invocation.wrong_usage("--instances K is missing");
  MY_TRY(Remote remote, Remote::open(invocation));
  if (model.version.empty()) {
    MY_TRY(model.version, only_version(invocation, remote, model.name));
  }
  const std::string target = fmt::format("/api/v1/deployments/{}/{}", segment(model.name), segment(model.version));
  MY_TRY(const json::Tree answer, remote.send("PUT", target, fmt::format(R"({{"instances":{}}})", *instances)));
  if (invocation.wants_json()) {
    invocation.out().json({{"name", model.name}, {"version", model.version}, {"wanted", *instances}});
  } else {
    invocation.out().line(fmt::format("{}@{}: {} wanted", model.name, model.version, *instances));
  }
  return {};
}

}  // namespace

void register_scale(CommandSet& commands) {
  commands.add(
      {.name = "scale",
       .group = "Models",
       .summary = "change how many instances of a model run",
       .text =
           "Sets the wanted number of instances. More are started at once; fewer means that some are taken out of the "
           "registry, finish the calls in flight and stop.",
       .positionals = {{.name = "N[@V]", .text = "the model"}},
       .options = std::vector<Option>{version_option(),
                                      {.name = "instances",
                                       .kind = Option::Kind::kInteger,
                                       .value = "K",
                                       .text = "the wanted number",
                                       .least = 0,
                                       .most = 10'000},
                                      output_option()} +
                  server_options(),
       .examples = {{"modelyard scale dga --version 1.0 --instances 3", "three instances of version 1.0"}},
       .run = run});
}

}  // namespace modelyard::cli
