// SPDX-License-Identifier: Apache-2.0
#include "cli/sensor_options.h"

namespace modelyard::cli {
namespace {

Status run(Invocation& invocation) {
  sensor::TestOptions options;
  options.sensor = invocation.arguments().positional(0);
  invocation.doing("sensor test " + options.sensor);
  MY_TRY(options.config, config_folder(invocation));
  options.stage = stage_of(invocation);
  options.file = invocation.arguments().positional(1);
  MY_TRY(options.server, sensor_server(invocation, false));
  options.on_notice = notice;
  MY_TRY_VOID(sensor::test(options));
  return {};
}

}  // namespace

void register_test_sensor(CommandSet& commands) {
  commands.add(
      {.name = "sensor test",
       .group = "Stream",
       .summary = "print what a sensor's configuration makes of each line",
       .text = "Reads FILE (default: standard input) and prints the documents of each line as JSON, in the order of "
               "the input; "
               "a line that fails gives an error document. Keeps nothing and needs no server, but for models that the "
               "configuration calls.",
       .positionals = {{.name = "SENSOR", .text = "the name of DIR/parsers/SENSOR.json"},
                       {.name = "FILE", .text = "events, one a line; - is standard input", .required = false}},
       .options = std::vector<Option>{config_option(), stage_option()} + server_options(),
       .examples = {{"modelyard sensor test squid --config config/zookeeper --stage parse access.log",
                     "does the pattern match?"}},
       .run = run});
}

}  // namespace modelyard::cli
