// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "cli/help.h"
#include "cli/invocation.h"

namespace modelyard::cli {

int exit_code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNotFound: return kNoSuchThing;
    case ErrorCode::kUnavailable:
    case ErrorCode::kDeadline: return kNotReachable;
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kAlreadyExists:
    case ErrorCode::kConflict:
    case ErrorCode::kProtocol:
    case ErrorCode::kUnauthenticated:
    case ErrorCode::kPermissionDenied:
    case ErrorCode::kResourceExhausted:
    case ErrorCode::kFailed:
    case ErrorCode::kDataLoss:
    case ErrorCode::kUnsupported:
    case ErrorCode::kCancelled:
    case ErrorCode::kInternal: return kFailed;
  }
  return kFailed;
}

Invocation::Invocation(const Command& command, const CommandSet& commands, Arguments arguments, Output& output,
                       Environment environment)
    : command_(command),
      commands_(commands),
      arguments_(std::move(arguments)),
      output_(output),
      environment_(std::move(environment)),
      doing_(command.name) {}

tl::unexpected<Error> Invocation::wrong_usage(std::string message) {
  exit_code_ = kWrongUsage;
  return fail(ErrorCode::kInvalidArgument, std::move(message));
}

namespace {

void tell(std::string_view what, std::string_view why, std::string_view next) {
  fmt::print(stderr, "modelyard: {}: {}\n", what, printable(why));
  if (!next.empty()) fmt::print(stderr, "{}\n", next);
}

std::string default_next_step(const Command& command, ErrorCode code) {
  const bool talks = std::ranges::any_of(command.options, [](const Option& option) { return option.name == "server"; });
  switch (code) {
    case ErrorCode::kUnavailable:
      return talks ? "Start a server with `modelyard up`, or name a running one with --server URL or $MODELYARD_SERVER."
                   : "";
    case ErrorCode::kUnauthenticated: return "Give the server's token with --token-file FILE or in $MODELYARD_TOKEN.";
    case ErrorCode::kNotFound: return talks ? "`modelyard status` shows what there is." : "";
    case ErrorCode::kInternal: return "This is a mistake in modelyard; please report it with the command line.";
    default: return "";
  }
}

int tell_failure(const Invocation& invocation, const Error& error) {
  const int code = invocation.forced_exit_code().value_or(exit_code_of(error.code()));
  std::string next = invocation.what_next();
  if (next.empty()) next = invocation.advice(error.code());
  if (next.empty() && code == kWrongUsage) next = fmt::format("See `modelyard {} --help`.", invocation.command().name);
  if (next.empty()) next = default_next_step(invocation.command(), error.code());
  tell(invocation.what(), error.message(), next);
  return code;
}

int run_command(const Command& command, const CommandSet& commands, const std::vector<std::string>& words,
                Output& output, const Invocation::Environment& environment) {
  auto arguments = parse_arguments(command, words);
  if (!arguments) {
    tell(command.name, arguments.error().message(), fmt::format("See `modelyard {} --help`.", command.name));
    return kWrongUsage;
  }
  if (arguments->wants_help()) {
    output.write(command_help(command));
    return kDone;
  }
  Invocation invocation(command, commands, std::move(*arguments), output, environment);
  const Status status = command.run(invocation);
  if (!status) {
    static_cast<void>(output.flush());
    return tell_failure(invocation, status.error());
  }
  return invocation.forced_exit_code().value_or(kDone);
}

int unknown_command(const CommandSet& commands, const std::string& shown) {
  std::vector<std::string> names{"help"};
  for (const Command& command : commands.all()) {
    if (!command.hidden) names.push_back(command.name);
  }
  const auto near = did_you_mean(shown, names);
  tell(shown, near ? fmt::format("unknown command; did you mean `modelyard {}`?", *near) : "unknown command",
       "`modelyard --help` lists the commands.");
  return kWrongUsage;
}

int dispatch(const CommandSet& commands, const std::vector<std::string>& words, Output& output,
             const Invocation::Environment& environment) {
  if (words.empty()) {
    fmt::print(stderr, "modelyard: no command given: say what to do\n`modelyard --help` lists the commands.\n");
    return kWrongUsage;
  }
  const std::string& first = words[0];
  if (first == "--help" || first == "-h") {
    output.write(overview(commands));
    return kDone;
  }
  if (first == "--version" || first == "-V") return dispatch(commands, {"version"}, output, environment);
  const auto after = [&](size_t count) {
    return std::vector<std::string>(words.begin() + static_cast<ptrdiff_t>(count), words.end());
  };
  if (words.size() > 1) {
    if (const Command* command = commands.find(first + " " + words[1])) {
      return run_command(*command, commands, after(2), output, environment);
    }
  }
  if (const Command* command = commands.find(first))
    return run_command(*command, commands, after(1), output, environment);
  if (const auto below = commands.below(first); !below.empty()) {
    if (words.size() > 1 && (words[1] == "--help" || words[1] == "-h")) {
      output.write(group_help(first, below));
      return kDone;
    }
    if (words.size() > 1) return unknown_command(commands, first + " " + words[1]);
    tell(first, "it needs one more word", group_help(first, below));
    return kWrongUsage;
  }
  return unknown_command(commands, first);
}

}  // namespace

int run_program(const CommandSet& commands, const std::vector<std::string>& words, Output& output,
                const Invocation::Environment& environment) {
  const int code = dispatch(commands, words, output, environment);
  if (const Status flushed = output.flush(); !flushed) {
    tell("output", flushed.error().message(), "");
    return code == kDone ? kFailed : code;
  }
  return code;
}

}  // namespace modelyard::cli
