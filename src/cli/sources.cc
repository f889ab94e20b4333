// SPDX-License-Identifier: Apache-2.0
#include "cli/sources.h"

#include <fmt/format.h>
#include <unistd.h>

#include "registry/instance_folder.h"

namespace modelyard::cli {

Result<payloads::Source> source_of(Invocation& invocation, const std::string& word) {
  const auto& rest = invocation.arguments().rest();
  if (rest && !word.empty())
    return invocation.wrong_usage(fmt::format("'{}' and a command after -- are two sources", word));
  if (rest && rest->empty()) return invocation.wrong_usage("no command follows --");
  if (rest) return payloads::command_source(*rest);
  return payloads::parse_source(word);
}

Result<std::map<std::string, std::string>> added_environment(Invocation& invocation) {
  std::map<std::string, std::string> added;
  for (const std::string& pair : invocation.arguments().all("env")) {
    const size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0)
      return invocation.wrong_usage(fmt::format("--env needs K=V, not '{}'", pair));
    added[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return added;
}

std::map<std::string, std::string> inherited_environment() {
  std::map<std::string, std::string> inherited;
  for (char** variable = ::environ; *variable != nullptr; ++variable) {
    const std::string_view pair = *variable;
    const size_t equals = pair.find('=');
    if (equals == std::string_view::npos || equals == 0) continue;
    if (registry::is_inherited_variable(pair.substr(0, equals)))
      inherited.emplace(pair.substr(0, equals), pair.substr(equals + 1));
  }
  return inherited;
}

}  // namespace modelyard::cli
