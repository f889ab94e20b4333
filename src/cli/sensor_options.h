// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "cli/remote.h"
#include "sensor/sensor.h"

// What the commands of `modelyard sensor` have in common.
namespace modelyard::cli {

// Where models are, and with needs_store the server that stores documents (with --zk the controller that leads).
Result<sensor::ServerAddress> sensor_server(Invocation& invocation, bool needs_store);
pipeline::Stage stage_of(const Invocation& invocation);
Option stage_option();
Option config_option();
// --config; it is required.
Result<std::filesystem::path> config_folder(Invocation& invocation);
// "modelyard: TEXT" on stderr.
void notice(std::string_view text);

}  // namespace modelyard::cli
