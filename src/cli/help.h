// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"

// Everything that is told about the commands, made from their structs: nothing is written twice.
namespace modelyard::cli {

std::string overview(const CommandSet& commands);                                         // modelyard --help
std::string command_help(const Command& command);                                         // modelyard deploy --help
std::string group_help(std::string_view word, const std::vector<const Command*>& below);  // modelyard sensor --help
std::string usage_line(const Command& command);  // "modelyard deploy SOURCE [options]"

// In roff (man(7) macros). modelyard(1) names all commands; each has a page of its own, modelyard-deploy(1),
// modelyard-sensor-run(1).
std::string manual_page(const CommandSet& commands);
std::string manual_page(const Command& command);
// "modelyard-sensor-run.1"
std::string manual_name(const Command& command);
// A bash completion script; zsh reads it through bashcompinit.
std::string bash_completion(const CommandSet& commands);
// docs/cli/commands.md.
std::string markdown_reference(const CommandSet& commands);

}  // namespace modelyard::cli
