// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "cli/registrations.h"
#include "json/tree.h"

namespace modelyard::cli {
namespace {

// N, N@V, N/ID, the id alone, or the node's path.
bool is_named(const registry::zookeeper::Registration& registration, const std::string& name) {
  const registry::Endpoint& endpoint = registration.endpoint;
  return name == endpoint.name || name == endpoint.name + "@" + endpoint.version || name == endpoint.id ||
         name == endpoint.name + "/" + endpoint.id || name == registration.path;
}

Result<std::vector<const JudgedRegistration*>> chosen(Invocation& invocation,
                                                      const std::vector<JudgedRegistration>& all) {
  const auto& names = invocation.arguments().positionals();
  std::vector<const JudgedRegistration*> found;
  for (const std::string& name : names) {
    if (std::ranges::none_of(all, [&](const auto& one) { return is_named(one.registration, name); }))
      return fail(ErrorCode::kNotFound, fmt::format("no persistent registration is called {}", name));
  }
  for (const JudgedRegistration& one : all) {
    const auto named = [&](const std::string& name) { return is_named(one.registration, name); };
    const bool stale = invocation.arguments().has("all-stale") && !one.answers;
    if (stale || std::ranges::any_of(names, named)) found.push_back(&one);
  }
  return found;
}

void show(Invocation& invocation, const std::vector<JudgedRegistration>& all) {
  if (invocation.wants_json()) {
    json::Tree list = json::Tree::array();
    for (const JudgedRegistration& one : all) {
      list.push_back({{"path", one.registration.path},
                      {"name", one.registration.endpoint.name},
                      {"version", one.registration.endpoint.version},
                      {"id", one.registration.endpoint.id},
                      {"url", one.registration.endpoint.url},
                      {"answers", one.answers},
                      {"why", one.why_not}});
    }
    return invocation.out().json(list);
  }
  if (all.empty()) return invocation.out().line("No persistent registration: nothing is left of a reference master.");
  Table table({"MODEL", "ID", "URL", "ANSWERS"});
  for (const JudgedRegistration& one : all) {
    const registry::Endpoint& endpoint = one.registration.endpoint;
    table.row({endpoint.version.empty() ? endpoint.name : endpoint.name + "@" + endpoint.version, endpoint.id,
               endpoint.url.empty() ? "-" : printable(endpoint.url),
               one.answers ? "yes" : "no: " + printable(one.why_not)});
  }
  invocation.out().write(table.str());
}

Status run(Invocation& invocation) {
  const Arguments& arguments = invocation.arguments();
  MY_TRY(const client::ZookeeperAddress place, required_cluster(invocation));
  const bool removes = !arguments.positionals().empty() || arguments.has("all-stale");
  if (arguments.has("force") && arguments.positionals().empty())
    return invocation.wrong_usage("--force needs the names of what it is to remove");
  MY_TRY(Cluster cluster, Cluster::open(invocation, place));
  MY_TRY(const std::vector<JudgedRegistration> all, judge_registrations(cluster));
  if (!removes) {
    show(invocation, all);
    return {};
  }
  MY_TRY(const auto wanted, chosen(invocation, all));
  size_t kept = 0;
  for (const JudgedRegistration* one : wanted) {
    if (one->answers && !arguments.has("force")) {
      ++kept;
      invocation.out().line(text_of(*one) + ": kept, it answers");
      continue;
    }
    if (!arguments.has("dry-run")) MY_TRY_VOID(remove_registration(cluster, *one));
    invocation.out().line(text_of(*one) + (arguments.has("dry-run") ? ": would be removed" : ": removed"));
  }
  if (wanted.empty()) invocation.out().line("No stale registration.");
  if (kept == 0) return {};
  invocation.next_step("End what serves there first; --force removes the registration all the same.");
  return fail(ErrorCode::kConflict, fmt::format("{} of {} registrations answer and were kept", kept, wanted.size()));
}

}  // namespace

void register_prune(CommandSet& commands) {
  commands.add(
      {.name = "prune",
       .group = "Server",
       .summary = "list and remove registrations that a reference master left behind",
       .text =
           "Registrations of Modelyard go with the process behind them; those of the reference stay in ZooKeeper for "
           "ever. Lists the persistent ones and whether their url answers. Removes those that are named and do not "
           "answer; nothing is ever removed that was not named, or was not stale with --all-stale.",
       .positionals = {{.name = "N[@V]|N/ID",
                        .text = "a model, or one registration of it",
                        .required = false,
                        .repeatable = true}},
       .options =
           std::vector<Option>{
               {.name = "all-stale", .kind = Option::Kind::kFlag, .text = "remove every one that does not answer"},
               {.name = "dry-run", .kind = Option::Kind::kFlag, .text = "say what would be removed"},
               {.name = "force", .kind = Option::Kind::kFlag, .text = "remove those named although they answer"},
               output_option()} +
           cluster_options(),
       .examples = {{"modelyard prune --zk node1:2181", "what did the old master leave?"},
                    {"modelyard prune --zk node1:2181 --all-stale", "clear away what nobody stands behind"}},
       .run = run});
}

}  // namespace modelyard::cli
