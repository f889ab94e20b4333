// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/command.h"

namespace modelyard::cli {

// A command line after parsing: options known, numbers checked, the counts of positionals right. Immutable.
class Arguments {
 public:
  bool has(std::string_view option) const { return options_.contains(option); }
  // The last value given, else the option's default, else nothing.
  std::optional<std::string> text(std::string_view option) const;
  std::optional<int64_t> integer(std::string_view option) const;
  std::vector<std::string> all(std::string_view option) const;
  // True for `--wait` and `--wait=60`; integer("wait") has a value for the second, or the default.
  const std::vector<std::string>& positionals() const { return positionals_; }
  // "" when it was not given.
  std::string positional(size_t index) const {
    return index < positionals_.size() ? positionals_[index] : std::string();
  }
  // What followed `--`, for commands that give it a meaning of its own; nothing = there was no `--`.
  const std::optional<std::vector<std::string>>& rest() const { return rest_; }
  bool wants_help() const { return help_; }

 private:
  friend class ArgumentParser;
  std::map<std::string, std::vector<std::string>, std::less<>> options_;
  std::map<std::string, std::string, std::less<>> fallbacks_;
  std::vector<std::string> positionals_;
  std::optional<std::vector<std::string>> rest_;
  bool help_ = false;
};

// Parses what follows the command's name. Every error is kInvalidArgument, exit 2:
//   --name V, --name=V    -n V, -nV, and flags together: -fp    options and positionals in any order    `--` ends
//   options
Result<Arguments> parse_arguments(const Command& command, const std::vector<std::string>& words);

// The candidate that a mistyped word most likely means, if one is near enough.
std::optional<std::string> did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace modelyard::cli
