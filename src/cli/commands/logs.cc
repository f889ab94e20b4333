// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "cli/remote.h"
#include "json/tree.h"

namespace modelyard::cli {
namespace {

Status run(Invocation& invocation) {
  const Arguments& arguments = invocation.arguments();
  MY_TRY(const ModelName model, model_name(invocation, arguments.positional(0)));
  MY_TRY(Remote remote, Remote::open(invocation));
  std::string path = "/api/v1/logs/" + segment(model.name);
  if (!model.version.empty()) path += "/" + segment(model.version);
  const bool follow = arguments.has("follow");
  if (follow) stop_quietly_on_signals();
  const bool as_json = invocation.wants_json();
  Output& out = invocation.out();
  const auto print = [&](std::string_view line) {
    if (as_json) {
      out.line(line);
    } else {
      const auto record = json::parse(line);
      if (!record) return true;  // a line cut by a server that ended
      const std::string stream = json::get_string(*record, "stream") == "stderr" ? "err" : "out";
      out.line(fmt::format("{} {}| {}", json::get_string(*record, "instance"), stream,
                           printable(json::get_string(*record, "line"))));
    }
    if (follow) static_cast<void>(out.flush());
    return true;
  };
  return remote.read_lines(target_with(path, {{"instance", arguments.text("instance").value_or("")},
                                              {"stream", arguments.text("stream").value_or("")},
                                              {"tail", arguments.text("tail").value_or("")},
                                              {"follow", follow ? "1" : ""},
                                              {"previous", arguments.has("previous") ? "1" : ""}}),
                           print);
}

}  // namespace

void register_logs(CommandSet& commands) {
  commands.add(
      {.name = "logs",
       .group = "Look",
       .summary = "print what a model's instances wrote to stdout and stderr",
       .text = "Prints the last lines of each instance, `INSTANCE out| LINE` or `INSTANCE err| LINE`; with -o json one "
               "JSON "
               "object a line. --previous prints those of the runs before the last restart and of instances that "
               "failed. --follow goes on until ^C.",
       .positionals = {{.name = "N[@V]", .text = "the model"}},
       .options =
           std::vector<Option>{
               version_option(),
               {.name = "instance", .value = "ID", .text = "only this instance"},
               {.name = "stream",
                .value = "NAME",
                .text = "only stdout or only stderr",
                .choices = {"stdout", "stderr"}},
               {.name = "tail",
                .kind = Option::Kind::kInteger,
                .value = "K",
                .text = "the last K lines of each file",
                .fallback = "200",
                .most = 100'000},
               {.name = "follow", .letter = 'f', .kind = Option::Kind::kFlag, .text = "go on as lines come"},
               {.name = "previous", .letter = 'p', .kind = Option::Kind::kFlag, .text = "the logs of former runs"},
               output_option()} +
           server_options(),
       .examples = {{"modelyard logs dga --follow", "what is it doing?"},
                    {"modelyard logs dga@1.0 --previous --stream stderr", "why did it fail?"}},
       .run = run});
}

}  // namespace modelyard::cli
