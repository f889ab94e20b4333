// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/output.h"

namespace modelyard::cli {

// Exit codes; the one table from ErrorCode is exit_code_of().
inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kWrongUsage = 2;
inline constexpr int kNoSuchThing = 3;
inline constexpr int kNotReachable = 4;
int exit_code_of(ErrorCode code);

// What a command gets: its arguments, its output, its environment. Lives for one run.
class Invocation {
 public:
  using Environment = std::function<std::optional<std::string>(const std::string&)>;

  Invocation(const Command& command, const CommandSet& commands, Arguments arguments, Output& output,
             Environment environment);

  const Command& command() const { return command_; }
  const CommandSet& commands() const { return commands_; }
  const Arguments& arguments() const { return arguments_; }
  Output& out() { return output_; }
  std::optional<std::string> environment(const std::string& name) const { return environment_(name); }
  bool wants_json() const { return arguments_.text("output") == "json"; }

  // How a failure is told: "modelyard: WHAT: why". The default is the command's name.
  void doing(std::string what) { doing_ = std::move(what); }
  const std::string& what() const { return doing_; }
  // The line after the error, what to do now. A failure without one gets the default of its code.
  void next_step(std::string text) { next_step_ = std::move(text); }
  const std::string& what_next() const { return next_step_; }
  // The same for failures of one code alone, in place of that code's default.
  void advise(ErrorCode code, std::string text) { advice_[code] = std::move(text); }
  std::string advice(ErrorCode code) const {
    const auto at = advice_.find(code);
    return at == advice_.end() ? std::string() : at->second;
  }
  // Overrides the exit code of the error's code: a model that is not ready in time is 1, not 4.
  void exit_with(int code) { exit_code_ = code; }
  std::optional<int> forced_exit_code() const { return exit_code_; }
  // An error of the command line itself, exit 2.
  tl::unexpected<Error> wrong_usage(std::string message);

 private:
  const Command& command_;
  const CommandSet& commands_;
  Arguments arguments_;
  Output& output_;
  Environment environment_;
  std::string doing_;
  std::string next_step_;
  std::map<ErrorCode, std::string> advice_;
  std::optional<int> exit_code_;
};

// Runs one command line (words after the program's name) and returns the exit code. Errors go to stderr.
int run_program(const CommandSet& commands, const std::vector<std::string>& words, Output& output,
                const Invocation::Environment& environment);

}  // namespace modelyard::cli
