// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

#include "stellar/syntax/lexer.h"

namespace modelyard::stellar {

// The diagnostic for the token at `position` that fits nowhere, with what to write instead where a known trap was
// stepped in: "2-1", "a?b:c", "True", "//" at a line's end.
Diagnostic describe_unexpected(std::string_view text, const std::vector<Token>& tokens, size_t position,
                               std::string_view expected);

// "if" for "If": the word of the language that a name was surely meant to be; empty for other names.
std::string_view misspelt_keyword(std::string_view name);

}  // namespace modelyard::stellar
