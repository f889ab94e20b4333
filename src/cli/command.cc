// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"

#include <algorithm>

#include "base/assert.h"
#include "cli/cluster.h"

namespace modelyard::cli {

void CommandSet::add(Command command) {
  MY_ASSERT(!command.summary.empty() && command.run && !find(command.name));
  MY_ASSERT(command.hidden || !command.examples.empty());
  const auto at = std::ranges::lower_bound(commands_, command.name, {}, &Command::name);
  commands_.insert(at, std::move(command));
}

const Command* CommandSet::find(std::string_view name) const {
  const auto at = std::ranges::find(commands_, name, &Command::name);
  return at == commands_.end() ? nullptr : &*at;
}

std::vector<const Command*> CommandSet::below(std::string_view word) const {
  std::vector<const Command*> found;
  for (const Command& command : commands_) {
    if (command.name.size() > word.size() && command.name.starts_with(word) && command.name[word.size()] == ' ') {
      found.push_back(&command);
    }
  }
  return found;
}

Option output_option() {
  return {.name = "output",
          .letter = 'o',
          .value = "FORM",
          .text = "table for people, json for programs",
          .fallback = "table",
          .choices = {"table", "json"}};
}

std::vector<Option> server_options() {
  return std::vector<Option>{
             {.name = "server",
              .value = "URL",
              .text = "the server to talk to; default $MODELYARD_SERVER, else http://127.0.0.1:8800"},
             {.name = "token-file",
              .value = "FILE",
              .text =
                  "file that holds the token of a server off this machine; default: the token in $MODELYARD_TOKEN"}} +
         cluster_options();
}

Option version_option() { return {.name = "version", .value = "V", .text = "the version; the same as N@V"}; }

std::vector<Option> operator+(std::vector<Option> a, std::vector<Option> b) {
  a.insert(a.end(), std::make_move_iterator(b.begin()), std::make_move_iterator(b.end()));
  return a;
}

}  // namespace modelyard::cli
