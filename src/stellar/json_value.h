// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "json/json.h"
#include "stellar/value.h"

namespace modelyard::stellar {

// JSON text -> value in `arena`, numbers as the reference reads them: an integer is Integer if it fits 32 bits, else
// Long, else (beyond 64 bits) a Double; anything with a point or an exponent is Double. Lone \udXXX escapes are kept.
// kInvalidArgument with the place; depth at most 200.
Result<Value> value_from_json(Arena& arena, std::string_view text);
Value value_from_tree(Arena& arena, const json::Tree& tree);
json::Tree tree_from_value(Value value);

// Appends compact JSON. Numbers that JSON cannot say (NaN, infinities) and lambdas are null, a Character is a string,
// keys that are no strings become their text, an opaque object is {"$opaque":kind}.
void append_json(std::string& out, Value value);

// Java's toString: "[1, a, null]", "{k=v}", 1.0E10. A null is "null".
void append_text(std::string& out, Value value);

}  // namespace modelyard::stellar
