// SPDX-License-Identifier: Apache-2.0
#include "stellar/syntax/literals.h"

#include <charconv>

#include "stellar/eval/numbers.h"

namespace modelyard::stellar {

std::optional<Value> read_number(TokenKind kind, std::string_view text) {
  const char* end = text.data() + text.size();
  if (kind == TokenKind::kInteger) {
    int32_t value = 0;
    if (std::from_chars(text.data(), end, value).ec != std::errc()) return std::nullopt;
    return Value::integer(value);
  }
  if (kind == TokenKind::kLong) {
    int64_t value = 0;
    if (std::from_chars(text.data(), end - 1, value).ec != std::errc()) return std::nullopt;
    return Value::long_integer(value);
  }
  const char suffix = text.back();
  if (suffix == 'd' || suffix == 'D' || suffix == 'f' || suffix == 'F') text.remove_suffix(1);
  if (kind == TokenKind::kFloat) return Value::float_number(parse_decimal_float(text));
  return Value::double_number(parse_decimal(text));
}

Value read_string(Arena& arena, std::string_view literal) {
  const std::string_view inner = literal.substr(1, literal.size() - 2);
  if (inner.find('\\') == std::string_view::npos) return Value::string(inner);
  char* out = arena.allocate_array<char>(inner.size());
  size_t size = 0;
  for (size_t i = 0; i < inner.size(); ++i) {
    char c = inner[i];
    if (c == '\\') {
      c = inner[++i];
      if (c == 'n') c = '\n';
      if (c == 'r') c = '\r';
      if (c == 't') c = '\t';
    }
    out[size++] = c;
  }
  return Value::string({out, size});
}

}  // namespace modelyard::stellar
