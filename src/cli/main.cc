// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "base/log.h"
#include "cli/invocation.h"
#include "io/own_program.h"

namespace {

// A caller may have closed one of the three; the next file opened would take its number, and an error text would end in
// a database.
void hold_standard_descriptors() {
  int fd = ::open("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= 2) fd = ::open("/dev/null", O_RDWR);
  if (fd > 2) ::close(fd);
}

}  // namespace

int main(int argc, char** argv) {
  hold_standard_descriptors();
  modelyard::io::take_own_name();
  // Warnings go to stderr: stdout is the command's answer. Servers say later what they want to log.
  modelyard::log::start(modelyard::log::Format::kText, "warn");
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
