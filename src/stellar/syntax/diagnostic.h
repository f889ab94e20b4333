// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace modelyard::stellar {

// What is wrong with a text and where. Data; rendered once, by render().
struct Diagnostic {
  size_t offset = 0;     // bytes from the start of the text
  size_t length = 1;     // bytes the caret line marks
  size_t line = 1;       // 1-based
  size_t column = 1;     // 1-based, in characters
  std::string message;   // "unexpected '-1'"
  std::string expected;  // "an operator or the end of the expression"; may be empty
  std::string hint;      // what to write instead; may be empty
  bool warning = false;  // works, but hardly as meant

  // "1:2: unexpected '-1', expected …\n  2-1\n   ^~\n  hint: …"
  std::string render(std::string_view text) const;
};

// Sets line and column from the offset.
void locate(Diagnostic& diagnostic, std::string_view text);

// One after the other, as Diagnostic::render().
std::string render(const std::vector<Diagnostic>& diagnostics, std::string_view text);

}  // namespace modelyard::stellar
