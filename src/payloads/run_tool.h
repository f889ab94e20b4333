// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace modelyard::payloads {

struct ToolOutput {
  int exit_code = 0;  // 128 + signal when killed
  std::string text;   // stdout and stderr together, at most 64 KiB
};

// Runs a program found in PATH with these words, its standard input empty, and waits. kNotFound: no such program;
// kDeadline: killed after the time. Blocks.
Result<ToolOutput> run_tool(std::vector<std::string> words, std::chrono::milliseconds time_max);

// The program's path as a shell would find it: with a '/' as it is, else in PATH. Nothing when there is none that may
// be executed.
std::optional<std::string> find_program(std::string_view name);

}  // namespace modelyard::payloads
