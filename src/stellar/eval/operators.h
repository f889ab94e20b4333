// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "stellar/compile/code.h"
#include "stellar/value.h"

namespace modelyard::stellar {

// Each sets *error and returns null or false where the operands do not fit; *error stays untouched otherwise.
Value arithmetic(Op op, Value left, Value right, std::string* error);
bool compare(Op op, Value left, Value right, std::string* error);  // < <= > >=

// == : numbers after promotion, all else as equals().
bool loosely_equal(Value left, Value right);
// x in y.
bool contains(Value x, Value y);

// Java's compareTo of two strings: by UTF-16 units.
int compare_utf16(std::string_view a, std::string_view b);

}  // namespace modelyard::stellar
