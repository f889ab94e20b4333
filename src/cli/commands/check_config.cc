// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "cli/sensor_options.h"
#include "configuration/folder.h"
#include "json/tree.h"
#include "pipeline/pipeline.h"
#include "stellar/functions/registry.h"

namespace modelyard::cli {
namespace {

struct Checked {
  std::vector<std::string> sensors;
  configuration::Problems problems;
};

// The documents by themselves, then each sensor compiled as a run would: patterns, expressions, functions.
Result<Checked> check(const std::filesystem::path& folder) {
  Checked checked;
  MY_TRY(checked.problems, configuration::check_folder(folder));
  MY_TRY(checked.sensors, configuration::list_sensors(folder));
  for (const std::string& sensor : checked.sensors) {
    const auto config = configuration::load_sensor(folder, sensor);
    if (!config) continue;  // told by check_folder
    const auto pipeline = pipeline::Pipeline::compile(*config, stellar::FunctionRegistry::standard());
    if (pipeline) continue;
    const std::string& text = pipeline.error().message();
    if (std::ranges::find(checked.problems.errors, text) == checked.problems.errors.end())
      checked.problems.errors.push_back(text);
  }
  return checked;
}

Status run(Invocation& invocation) {
  const std::filesystem::path folder = invocation.arguments().positional(0);
  invocation.doing("config check " + folder.string());
  MY_TRY(const Checked checked, check(folder));
  const auto& [errors, warnings] = checked.problems;
  if (invocation.wants_json()) {
    invocation.out().json(
        {{"good", errors.empty()}, {"sensors", checked.sensors}, {"errors", errors}, {"warnings", warnings}});
    if (!errors.empty()) invocation.exit_with(kFailed);
    return {};
  }
  for (const std::string& warning : warnings) fmt::print(stderr, "warning: {}\n", printable(warning));
  for (const std::string& error : errors) fmt::print(stderr, "{}\n", printable(error));
  if (!errors.empty()) {
    invocation.next_step("Nothing of a sensor runs before its configuration is right.");
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} {} wrong", errors.size(), errors.size() == 1 ? "thing is" : "things are"));
  }
  invocation.out().line(
      fmt::format("{}: good ({})", folder.string(),
                  checked.sensors.empty() ? "no sensors" : fmt::format("{}", fmt::join(checked.sensors, ", "))));
  return {};
}

}  // namespace

void register_check_config(CommandSet& commands) {
  commands.add(
      {.name = "config check",
       .group = "Stream",
       .summary = "validate a configuration folder: every document, pattern and expression",
       .text = "Tells all that is wrong with file:line:column, the line and a caret; exit 1 if anything is.",
       .positionals = {{.name = "DIR",
                        .text = "the folder with global.json, parsers/, enrichments/, indexing/ and patterns/"}},
       .options = {output_option()},
       .examples = {{"modelyard config check config/zookeeper", "is everything right?"}},
       .run = run});
}

}  // namespace modelyard::cli
