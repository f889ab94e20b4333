// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace modelyard::stellar {

// "name := expression", split before anything is parsed: the name is what stands before the first ":=", the expression
// what stands after the last, even inside a text (the reference does so). Not an assignment: no ":=", or it starts with
// '%'.
struct Assignment {
  std::optional<std::string> name;  // nothing: not an assignment
  std::string expression;
};
bool is_assignment(std::string_view statement);
Assignment split_assignment(std::string_view statement);

}  // namespace modelyard::stellar
