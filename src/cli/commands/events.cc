// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "cli/remote.h"
#include "json/tree.h"

namespace modelyard::cli {
namespace {

Status run(Invocation& invocation) {
  ModelName wanted;
  if (const std::string text = invocation.arguments().positional(0); !text.empty()) {
    MY_TRY(wanted, model_name(invocation, text));
  }
  MY_TRY(Remote remote, Remote::open(invocation));
  const int64_t limit = invocation.arguments().integer("limit").value_or(200);
  MY_TRY(
      const json::Tree events,
      remote.get_list(target_with(
          "/api/v1/events", {{"name", wanted.name}, {"version", wanted.version}, {"limit", std::to_string(limit)}})));
  if (invocation.wants_json()) {
    invocation.out().json(events);
    return {};
  }
  Table table({"AT", "MODEL", "INSTANCE", "WHAT", "WHY"});
  for (const json::Tree& event : events) {
    const std::string version = json::get_string(event, "version");
    const std::string instance = json::get_string(event, "instance");
    table.row({json::get_string(event, "at"), json::get_string(event, "name") + (version.empty() ? "" : "@" + version),
               instance.empty() ? "-" : instance, json::get_string(event, "kind"),
               printable(json::get_string(event, "text"))});
  }
  invocation.out().write(table.str());
  return {};
}

}  // namespace

void register_events(CommandSet& commands) {
  commands.add(
      {.name = "events",
       .group = "Look",
       .summary = "show what happened to a model and why, newest last",
       .text =
           "Prints the recorded events: deployed, started, ready, failed, restarted, drained and so on, each with its "
           "reason.",
       .positionals = {{.name = "N[@V]", .text = "only of this model", .required = false}},
       .options = std::vector<Option>{version_option(),
                                      {.name = "limit",
                                       .kind = Option::Kind::kInteger,
                                       .value = "K",
                                       .text = "at most so many, the newest",
                                       .fallback = "200",
                                       .least = 1,
                                       .most = 10'000},
                                      output_option()} +
                  server_options(),
       .examples = {{"modelyard events dga", "why was it restarted?"}},
       .run = run});
}

}  // namespace modelyard::cli
