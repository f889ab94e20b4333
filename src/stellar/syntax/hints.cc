// SPDX-License-Identifier: Apache-2.0
#include "stellar/syntax/hints.h"

#include <fmt/format.h>

#include "base/strings.h"

namespace modelyard::stellar {
namespace {

std::string_view text_of(std::string_view text, const Token& token) { return text.substr(token.offset, token.length); }

bool is_number(TokenKind kind) {
  return kind == TokenKind::kInteger || kind == TokenKind::kLong || kind == TokenKind::kDouble ||
         kind == TokenKind::kFloat;
}

std::string hint_for(std::string_view text, const std::vector<Token>& tokens, size_t position) {
  const Token& token = tokens[position];
  const std::string_view word = text_of(text, token);
  if (position > 0 && is_number(token.kind) && word.front() == '-') {
    return fmt::format("the minus belongs to the number: write - {} with a blank between for a difference",
                       word.substr(1));
  }
  if (token.kind == TokenKind::kSlash && position > 0 && tokens[position - 1].kind == TokenKind::kSlash) {
    return "a comment needs at least one character after its //";
  }
  if (token.kind == TokenKind::kSlash && text.substr(token.offset, 2) == "//")
    return "a comment needs at least one character after its //";
  if (token.kind == TokenKind::kExponent)
    return fmt::format("'{}' is the exponent of a number and cannot be a name", word);
  if (token.kind == TokenKind::kMinus) return "a minus sign belongs to a literal alone: write 0 - x";
  if (token.kind == TokenKind::kNot) return "write x not in y with exactly one blank, or not(x)";
  for (size_t back = 0; back <= 1 && back <= position; ++back) {
    const Token& near = tokens[position - back];
    if (near.kind != TokenKind::kIdentifier) continue;
    const std::string_view name = text_of(text, near);
    if (const std::string_view keyword = misspelt_keyword(name); !keyword.empty()) {
      return fmt::format("words of the language are all lower or all upper case: {}", keyword);
    }
  }
  // Names hold ':', so the one of "?:" or of a map may have become part of one.
  for (size_t back = 0; back < 4 && back <= position; ++back) {
    const Token& near = tokens[position - back];
    const std::string_view name = text_of(text, near);
    const size_t colon = name.find(':');
    if (near.kind == TokenKind::kIdentifier && colon != std::string_view::npos) {
      return fmt::format("'{}' is one name: write {} : {} with blanks", name, name.substr(0, colon),
                         name.substr(colon + 1));
    }
  }
  return {};
}

}  // namespace

std::string_view misspelt_keyword(std::string_view word) {
  for (const std::string_view keyword :
       {"in", "and", "or", "not", "true", "false", "if", "then", "else", "null", "match", "default", "exists"}) {
    if (word != keyword && equal_ignoring_case_ascii(word, keyword)) return keyword;
  }
  return {};
}

Diagnostic describe_unexpected(std::string_view text, const std::vector<Token>& tokens, size_t position,
                               std::string_view expected) {
  const Token& token = tokens[position];
  Diagnostic d;
  d.offset = token.offset;
  d.length = token.length;
  d.expected = expected;
  d.hint = hint_for(text, tokens, position);
  if (token.kind == TokenKind::kEnd) {
    d.message = "the expression ends too early";
    if (position == 0) {
      d.message = "there is nothing to evaluate";
      d.hint = "a comment takes at least one character after its //, a line end too";
    }
  } else {
    constexpr size_t kShown = 40;
    d.message =
        fmt::format("unexpected '{}{}'", text_of(text, token).substr(0, kShown), token.length > kShown ? "..." : "");
  }
  return d;
}

}  // namespace modelyard::stellar
