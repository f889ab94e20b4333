// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "stellar/value.h"

namespace modelyard::stellar {

// Java's toString of a value: a view of it where it is a string, else built in the arena. A null is "null".
std::string_view text_of(Arena& arena, Value value);

// Java's hashCode.
uint32_t java_hash_code(Value value);

}  // namespace modelyard::stellar
