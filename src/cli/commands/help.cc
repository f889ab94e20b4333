// SPDX-License-Identifier: Apache-2.0
#include "cli/help.h"

#include <fmt/format.h>

#include "cli/invocation.h"

namespace modelyard::cli {
namespace {

Status run(Invocation& invocation) {
  const CommandSet& commands = invocation.commands();
  const Arguments& arguments = invocation.arguments();
  Output& out = invocation.out();
  if (arguments.has("man")) {
    out.write(manual_page(commands));
  } else if (arguments.has("markdown")) {
    out.write(markdown_reference(commands));
  } else if (arguments.text("completion")) {
    out.write(bash_completion(commands));
  } else if (arguments.positionals().empty()) {
    out.write(overview(commands));
  } else {
    const std::string name = fmt::format("{}", fmt::join(arguments.positionals(), " "));
    if (const Command* command = commands.find(name)) {
      out.write(command_help(*command));
    } else if (const auto below = commands.below(name); !below.empty()) {
      out.write(group_help(name, below));
    } else {
      return invocation.wrong_usage(fmt::format("unknown command '{}'", name));
    }
  }
  return {};
}

}  // namespace

void register_help(CommandSet& commands) {
  commands.add({.name = "help",
                .group = "Help",
                .summary = "show what a command does",
                .text = "The same as --help. The options make the manual page, the shell completion and the reference in docs/.",
                .positionals = {{.name = "COMMAND", .text = "one of the commands", .required = false, .repeatable = true}},
                .options = {{.name = "man", .kind = Option::Kind::kFlag, .text = "print the manual page, modelyard(1)"},
                            {.name = "markdown", .kind = Option::Kind::kFlag, .text = "print the reference of all commands"},
                            {.name = "completion",
                             .value = "SHELL",
                             .text = "print the completion script of a shell",
                             .choices = {"bash"}}},
                .examples = {{"modelyard help deploy", "how is a model deployed?"},
                             {"modelyard help --completion bash > /etc/bash_completion.d/modelyard", "complete with the tab key"}},
                .run = run});
}

}  // namespace modelyard::cli
