// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace modelyard::grok {

// Named regular expressions. A value: filled once, then only read (thread-safe while nobody adds).
//
// A definition is a line `NAME regex`: the name of letters, digits and underscores, blanks, the rest of the line. Every
// other line is a comment. A later definition of a name takes the place of the earlier one.
class PatternSet {
 public:
  struct Definition {
    std::string regex;
    std::string source;  // file name as given to add(), "built-in" for common()
    int line = 0;        // from 1
  };

  // The well-known names (NUMBER, IP, WORD, TIMESTAMP_ISO8601, …): common_patterns.cc.
  static const PatternSet& common();

  void add(std::string_view text, std::string_view source);
  void add_definition(std::string_view name, std::string_view regex, std::string_view source, int line);
  // nullptr = no such name. Valid until the next add.
  const Definition* find(std::string_view name) const;
  std::vector<std::string> names() const;  // sorted

 private:
  std::map<std::string, Definition, std::less<>> definitions_;
};

}  // namespace modelyard::grok
