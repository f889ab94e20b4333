// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

#include "stellar/functions/registry.h"
#include "stellar/syntax/diagnostic.h"

namespace modelyard::stellar {

// What can be said about an expression before it runs: syntax errors, functions that do not exist (with the nearest
// name), too few arguments; as warnings: too many arguments, names such as True that read like words of the language.
// Empty = nothing to say.
std::vector<Diagnostic> check(std::string_view text, const FunctionRegistry& registry);

}  // namespace modelyard::stellar
