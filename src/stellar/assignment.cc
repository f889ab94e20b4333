// SPDX-License-Identifier: Apache-2.0
#include "stellar/assignment.h"

namespace modelyard::stellar {
namespace {
std::string_view trim(std::string_view text) {
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') text.remove_prefix(1);
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  return text;
}
}  // namespace

bool is_assignment(std::string_view statement) {
  return statement.find(":=") != std::string_view::npos && !trim(statement).starts_with('%');
}

Assignment split_assignment(std::string_view statement) {
  const size_t first = statement.find(":=");
  if (first == std::string_view::npos) return {std::nullopt, std::string(trim(statement))};
  return {std::string(trim(statement.substr(0, first))),
          std::string(trim(statement.substr(statement.rfind(":=") + 2)))};
}

}  // namespace modelyard::stellar
