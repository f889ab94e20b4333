// SPDX-License-Identifier: Apache-2.0
#include "cli/sensor_options.h"

namespace modelyard::cli {
namespace {

Status run(Invocation& invocation) {
  sensor::TapOptions options;
  options.sensor = invocation.arguments().positional(0);
  invocation.doing("sensor tap " + options.sensor);
  options.stage = stage_of(invocation);
  MY_TRY(options.server, sensor_server(invocation, options.stage == pipeline::Stage::kIndex));
  stop_quietly_on_signals();
  return sensor::tap(options, [&](std::string_view document) {
    invocation.out().line(document);
    return invocation.out().flush().has_value();
  });
}

}  // namespace

void register_tap_sensor(CommandSet& commands) {
  commands.add({.name = "sensor tap",
                .group = "Stream",
                .summary = "print a sensor's documents as they are stored",
                .text = "Prints each new document of the sensor, one JSON object a line, until ^C: at stage index as "
                        "the server stores it, at the "
                        "stages before as the sensor that runs for this user on this machine makes it.",
                .positionals = {{.name = "SENSOR", .text = "the sensor's name, as in source.type"}},
                .options = std::vector<Option>{stage_option()} + server_options(),
                .examples = {{"modelyard sensor tap squid | jq -r .url", "the urls as they come"}},
                .run = run});
}

}  // namespace modelyard::cli
