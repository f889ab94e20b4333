// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "stellar/syntax/lexer.h"
#include "stellar/value.h"

namespace modelyard::stellar {

// The value of a number as the lexer took it; nothing when it does not fit its type's bits.
std::optional<Value> read_number(TokenKind kind, std::string_view text);

// The text of a literal with its quotes: a view of it, or built in the arena where it holds escapes.
Value read_string(Arena& arena, std::string_view literal);

}  // namespace modelyard::stellar
