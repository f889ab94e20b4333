// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "base/strings.h"
#include "cli/remote.h"
#include "json/tree.h"

namespace modelyard::cli {
namespace {

std::string memory_text(int64_t megabytes) { return megabytes == 0 ? "unlimited" : fmt::format("{} MB", megabytes); }

void print_instances(Output& out, const json::Tree& deployment) {
  Table table({"  INSTANCE", "STATE", "SINCE", "PID", "URL"});
  table.right(3);
  std::string reasons;
  for (const json::Tree& instance : objects_in(deployment, "instances")) {
    const int64_t pid = json::get_int(instance, "pid");
    table.row({"  " + json::get_string(instance, "id"), json::get_string(instance, "state"),
               age_of(json::get_string(instance, "since")), pid > 0 ? std::to_string(pid) : "-",
               json::get_string(instance, "url", "-")});
    if (const std::string reason = json::get_string(instance, "reason"); !reason.empty()) {
      reasons += fmt::format("  {}: {}\n", json::get_string(instance, "id"), printable(reason));
    }
  }
  if (!table.empty()) out.write(table.str());
  out.write(reasons);
}

void print_details(Output& out, const json::Tree& deployment) {
  out.line(fmt::format("{}@{}: {}", json::get_string(deployment, "name"), json::get_string(deployment, "version"),
                       json::get_string(deployment, "state")));
  out.line(fmt::format("  wanted {}, ready {}, restarts {}, memory {}, vcores {}, revision {}",
                       json::get_int(deployment, "wanted"), json::get_int(deployment, "ready"),
                       json::get_int(deployment, "restarts"), memory_text(json::get_int(deployment, "memory")),
                       json::get_int(deployment, "vcores", 1), json::get_int(deployment, "revision", 1)));
  if (const std::string error = json::get_string(deployment, "error"); !error.empty()) {
    for (const std::string_view line : split(error, '\n')) out.line("  ! " + printable(line));
  }
  print_instances(out, deployment);
}

void print_overview(Output& out, const json::Tree& deployments) {
  Table table({"MODEL", "VERSION", "STATE", "READY", "RESTARTS", "MEMORY", "ERROR"});
  table.right(3).right(4);
  for (const json::Tree& deployment : deployments) {
    const std::string error = json::get_string(deployment, "error");
    table.row({json::get_string(deployment, "name"), json::get_string(deployment, "version"),
               json::get_string(deployment, "state"),
               fmt::format("{}/{}", json::get_int(deployment, "ready"), json::get_int(deployment, "wanted")),
               std::to_string(json::get_int(deployment, "restarts")), memory_text(json::get_int(deployment, "memory")),
               printable(split(error, '\n')[0])});
  }
  out.write(table.str());
}

Status run(Invocation& invocation) {
  ModelName wanted;
  if (const std::string text = invocation.arguments().positional(0); !text.empty()) {
    MY_TRY(wanted, model_name(invocation, text));
  } else if (invocation.arguments().has("version")) {
    return invocation.wrong_usage("--version needs a name before it");
  }
  MY_TRY(Remote remote, Remote::open(invocation));
  MY_TRY(const json::Tree deployments,
         remote.get_list(target_with("/api/v1/deployments", {{"name", wanted.name}, {"version", wanted.version}})));
  if (!wanted.name.empty() && deployments.empty()) {
    const std::string version = wanted.version.empty() ? "" : "@" + wanted.version;
    return fail(ErrorCode::kNotFound, fmt::format("no deployment of {}{}", wanted.name, version));
  }
  if (invocation.wants_json()) {
    invocation.out().json(deployments);
  } else if (!wanted.name.empty()) {
    for (const json::Tree& deployment : deployments) print_details(invocation.out(), deployment);
  } else if (deployments.empty()) {
    invocation.out().line("Nothing is deployed. `modelyard deploy SOURCE` starts a model.");
  } else {
    print_overview(invocation.out(), deployments);
  }
  return {};
}

}  // namespace

void register_status(CommandSet& commands) {
  commands.add(
      {.name = "status",
       .group = "Look",
       .summary = "show what is wanted of each deployment and what is true",
       .text =
           "Prints each deployment with how many instances are wanted and ready, its restarts, its state and its last "
           "error. With a name: also each instance with its process and url, and the error with the model's last log "
           "lines.\n"
           "States: starting, ready, degraded (some instances answer), crash-loop, waiting (the error says for what), "
           "update-failed (the former content stays), removing.",
       .positionals = {{.name = "N[@V]", .text = "only this model, in detail", .required = false}},
       .options = std::vector<Option>{version_option(), output_option()} + server_options(),
       .examples = {{"modelyard status", "how are all deployments?"},
                    {"modelyard status dga@1.0", "why does this one not come up?"}},
       .run = run});
}

}  // namespace modelyard::cli
