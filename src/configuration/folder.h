// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "configuration/types.h"

namespace modelyard::configuration {

// A configuration folder has the reference's layout:
//
//   DIR/global.json  DIR/parsers/SENSOR.json  DIR/enrichments/SENSOR.json  DIR/indexing/SENSOR.json  DIR/patterns/NAME
//
// All but the parser's document may be missing. A DIR that holds a folder zookeeper/ with parsers/ in it and no
// parsers/ of its own stands for DIR/zookeeper; without DIR/patterns the patterns are those of the folder beside DIR
// (config/zookeeper and config/patterns).

struct PatternFile {
  std::string name;  // "squid"
  std::string file;  // where it was read
  std::string text;
};

// Everything that is configured for one sensor. A value.
struct SensorConfig {
  std::string sensor;
  GlobalConfig global;
  ParserConfig parser;
  EnrichmentConfig enrichment;
  IndexingConfig indexing;
  std::vector<PatternFile> patterns;  // of the patterns folder, by name
  std::string patterns_folder;        // "" = there is none
  std::vector<std::string> warnings;
};

// kNotFound: no such folder or sensor (the message lists the sensors). kInvalidArgument: all that is wrong in the
// sensor's documents, each with file:line:column, the line and a caret.
Result<SensorConfig> load_sensor(const std::filesystem::path& folder, std::string_view sensor);

// Sorted names of the sensors with a parser document.
Result<std::vector<std::string>> list_sensors(const std::filesystem::path& folder);

// Reads every document of the folder and tells all that is wrong. The error is the folder's itself.
Result<Problems> check_folder(const std::filesystem::path& folder);

}  // namespace modelyard::configuration
