// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// How a command of `modelyard` is described. One struct carries what the parser checks, what --help, the man pages and
// the shell completion print, and the function that does it. A command is one file in cli/commands/ that defines
// register_STEM().
namespace modelyard::cli {

class Invocation;

struct Option {
  enum class Kind { kFlag, kText, kInteger, kOptionalInteger };

  std::string name;         // "instances": --instances K, --instances=K
  char letter = 0;          // 'o': -o json, -ojson
  Kind kind = Kind::kText;  // kOptionalInteger takes a value by `=` alone: --wait, --wait=60
  std::string value;        // what help calls the value: "K"
  std::string text;         // one or two lines of help
  std::string fallback;     // the default, as typed; "" = none
  bool repeatable = false;
  int64_t least = 0;  // of an integer
  int64_t most = std::numeric_limits<int32_t>::max();
  std::vector<std::string> choices;  // when not empty, the value is one of them
};

struct Positional {
  std::string name;  // "N[@V]"
  std::string text;
  bool required = true;
  bool repeatable = false;  // takes all that is left; only the last may
};

struct Example {
  std::string line;  // a command line as typed
  std::string text;  // what it does
};

struct Command {
  std::string name;     // "deploy", or two words: "sensor run"
  std::string group;    // heading in the overview; see kGroups in help.cc
  std::string summary;  // one line, lower case, no full stop
  std::string text;     // paragraphs for --help and the man page
  std::vector<Positional> positionals;
  std::vector<Option> options;
  std::vector<Example> examples;
  std::string rest;     // what follows `--`: "COMMAND…"; "" = further positionals
  bool hidden = false;  // left out of the overview and the completion
  std::function<Status(Invocation&)> run;
};

// All commands, ordered by name. Filled once at start, then read only.
class CommandSet {
 public:
  void add(Command command);
  const Command* find(std::string_view name) const;
  // Commands "WORD …" of two words.
  std::vector<const Command*> below(std::string_view word) const;
  const std::vector<Command>& all() const { return commands_; }

 private:
  std::vector<Command> commands_;
};

// Generated from the files of cli/commands/.
void register_all_commands(CommandSet& registry);

// Options that several commands share.
Option output_option();                // -o, --output table|json
std::vector<Option> server_options();  // --server, --token-file; --zk and what belongs to it
Option version_option();               // --version V
std::vector<Option> operator+(std::vector<Option> a, std::vector<Option> b);

}  // namespace modelyard::cli
