// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "stellar/syntax/diagnostic.h"

namespace modelyard::stellar {

enum class TokenKind : uint8_t {
  kEnd,
  kIn,
  kNotIn,
  kArrow,
  kComma,
  kAnd,
  kOr,
  kNot,
  kTrue,
  kFalse,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kQuestion,
  kColon,
  kIf,
  kThen,
  kElse,
  kNull,
  kNaN,
  kMatch,
  kDefault,
  kActs,
  kMinus,
  kPlus,
  kSlash,
  kStar,
  kOpenBrace,
  kCloseBrace,
  kOpenBracket,
  kCloseBracket,
  kOpenParen,
  kCloseParen,
  kExists,
  kExponent,
  kInteger,
  kLong,
  kDouble,
  kFloat,
  kIdentifier,
  kString,
};

struct Token {
  TokenKind kind;
  uint32_t offset;
  uint32_t length;
};

// Words of the language, longest match first; ends with one kEnd token. The text is shorter than 4 GiB. Characters that
// begin no word, escapes that do not exist and open quotes are diagnostics.
//
// Words that surprise: the minus of a literal belongs to it (2-1 is two numbers), names hold ':' and '.' (a?b:c reads
// "b:c"), e1 is an exponent and no name, "//" needs one character after it and takes even a line end for that.
tl::expected<std::vector<Token>, Diagnostic> tokenize(std::string_view text);

// For completion, highlighting and hints.
bool is_identifier_start(char c);
bool is_identifier_part(char c);

}  // namespace modelyard::stellar
