// SPDX-License-Identifier: Apache-2.0
#include "cli/help.h"

#include <fmt/format.h>

#include <filesystem>

#include "cli/invocation.h"
#include "io/file.h"

namespace modelyard::cli {
namespace {

Status write_manual(const CommandSet& commands, const std::filesystem::path& folder) {
  MY_TRY_VOID(io::make_folder(folder, 0755));
  MY_TRY_VOID(io::write_file_atomic(folder / "modelyard.1", manual_page(commands), 0644));
  for (const Command& command : commands.all()) {
    if (!command.hidden) MY_TRY_VOID(io::write_file_atomic(folder / manual_name(command), manual_page(command), 0644));
  }
  return {};
}

Status run(Invocation& invocation) {
  const CommandSet& commands = invocation.commands();
  const Arguments& arguments = invocation.arguments();
  Output& out = invocation.out();
  if (const auto folder = arguments.text("man")) return write_manual(commands, *folder);
  if (arguments.has("markdown")) {
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
  commands.add(
      {.name = "help",
       .group = "Help",
       .summary = "show what a command does",
       .text = "The same as --help. The options make the manual page, the shell completion and the reference in docs/.",
       .positionals = {{.name = "COMMAND", .text = "one of the commands", .required = false, .repeatable = true}},
       .options = {{.name = "man",
                    .value = "FOLDER",
                    .text = "write the manual pages, modelyard.1 and one for each command, there"},
                   {.name = "markdown", .kind = Option::Kind::kFlag, .text = "print the reference of all commands"},
                   {.name = "completion",
                    .value = "SHELL",
                    .text = "print the completion script of a shell",
                    .choices = {"bash"}}},
       .examples = {{"modelyard help deploy", "how is a model deployed?"},
                    {"modelyard help --completion bash > /etc/bash_completion.d/modelyard",
                     "complete with the tab key"}},
       .run = run});
}

}  // namespace modelyard::cli
