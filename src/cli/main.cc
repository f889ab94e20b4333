// SPDX-License-Identifier: Apache-2.0
#include <csignal>
#include <cstdlib>

#include "cli/invocation.h"

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a peer that went away is an error value, not the end of the process
  modelyard::cli::CommandSet commands;
  modelyard::cli::register_all_commands(commands);
  modelyard::cli::Output output;
  return modelyard::cli::run_program(commands, {argv + 1, argv + argc}, output,
                                     [](const std::string& name) -> std::optional<std::string> {
                                       const char* value = std::getenv(name.c_str());
                                       return value && *value ? std::optional<std::string>(value) : std::nullopt;
                                     });
}
