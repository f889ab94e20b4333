// SPDX-License-Identifier: Apache-2.0
#include "cli/sensor_options.h"

namespace modelyard::cli {
namespace {

Status run(Invocation& invocation) {
  const Arguments& arguments = invocation.arguments();
  sensor::RunOptions options;
  options.sensor = arguments.positional(0);
  invocation.doing("sensor run " + options.sensor);
  MY_TRY(options.config, config_folder(invocation));
  const auto source = arguments.text("source");
  if (!source) return invocation.wrong_usage("--source is missing: file:PATH or stdin");
  options.source = *source;
  options.sink = *arguments.text("sink");
  MY_TRY(options.server, sensor_server(invocation, options.sink == "store"));
  options.once = arguments.has("once");
  options.stage = stage_of(invocation);
  Progress progress;
  options.on_notice = [&](std::string_view text) {
    progress.clear();
    notice(text);
  };
  options.on_progress = [&](const sensor::Summary& summary) { progress.show(sensor::describe(summary)); };
  MY_TRY(const sensor::Summary summary, sensor::run(options));
  progress.clear();
  notice(sensor::describe(summary));
  return {};
}

}  // namespace

void register_run_sensor(CommandSet& commands) {
  commands.add(
      {.name = "sensor run",
       .group = "Stream",
       .summary = "run a stream of events through a sensor's configuration into a sink",
       .text = "Each record is parsed, transformed, enriched, scored and stored. A line that fails becomes an error "
               "document. "
               "How far the source was read is stored with the documents, so that after any end the next run goes on "
               "there, "
               "and a file that is run again adds nothing. Without --once a file is followed until ^C.",
       .positionals = {{.name = "SENSOR", .text = "the name of DIR/parsers/SENSOR.json"}},
       .options =
           std::vector<Option>{
               config_option(),
               {.name = "source", .value = "SOURCE", .text = "file:PATH or stdin"},
               {.name = "sink", .value = "SINK", .text = "store (of the server) or stdout", .fallback = "store"},
               {.name = "once", .kind = Option::Kind::kFlag, .text = "stop at the end of the source"},
               stage_option()} +
           server_options(),
       .examples =
           {{"modelyard sensor run squid --config config/zookeeper --source file:/var/log/squid/access.log --once",
             "what is in the log now, into the store"},
            {"tail -F access.log | modelyard sensor run squid --config config/zookeeper --source stdin --sink stdout",
             "a live stream, to standard output"}},
       .run = run});
}

}  // namespace modelyard::cli
