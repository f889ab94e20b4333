// SPDX-License-Identifier: Apache-2.0
#include "grok/pattern_set.h"

#include <algorithm>

#include "grok/common_patterns.h"

namespace modelyard::grok {
namespace {

bool is_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\v' || c == '\f'; }

}  // namespace

const PatternSet& PatternSet::common() {
  static const PatternSet set = [] {
    PatternSet made;
    made.add(kCommonPatterns, "built-in");
    return made;
  }();
  return set;
}

void PatternSet::add(std::string_view text, std::string_view source) {
  for (int number = 1; !text.empty(); ++number) {
    const size_t end = text.find_first_of("\r\n");
    const std::string_view line = text.substr(0, end);
    if (end == std::string_view::npos) {
      text = {};
    } else {
      text.remove_prefix(end + (text.substr(end, 2) == "\r\n" ? 2 : 1));
    }
    const auto name_end = std::find_if_not(line.begin(), line.end(), is_name);
    const auto regex = std::find_if_not(name_end, line.end(), is_blank);
    if (name_end == line.begin() || regex == name_end) continue;
    add_definition({line.begin(), name_end}, {regex, line.end()}, source, number);
  }
}

void PatternSet::add_definition(std::string_view name, std::string_view regex, std::string_view source, int line) {
  definitions_.insert_or_assign(std::string(name), Definition{std::string(regex), std::string(source), line});
}

const PatternSet::Definition* PatternSet::find(std::string_view name) const {
  const auto found = definitions_.find(name);
  return found == definitions_.end() ? nullptr : &found->second;
}

std::vector<std::string> PatternSet::names() const {
  std::vector<std::string> all;
  for (const auto& [name, definition] : definitions_) all.push_back(name);
  return all;
}

}  // namespace modelyard::grok
