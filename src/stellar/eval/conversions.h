// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "stellar/value.h"

namespace modelyard::stellar {

// The conversions of and/or/not, TO_* and many functions. Nothing = the value cannot be converted (null in the
// language).

// true, yes, y, on, 1 and false, no, n, off, 0 by their text, whatever the case.
std::optional<bool> to_boolean(Value value);
// Whole numbers truncate toward zero; text is trimmed decimal digits with a sign; a Boolean is 1 or 0; a collection
// counts by its first element.
std::optional<int32_t> to_integer(Value value);
std::optional<int64_t> to_long(Value value);
// Text by Java's parseDouble grammar, trimmed.
std::optional<double> to_double(Value value);
std::optional<float> to_float(Value value);

// Java's Double.parseDouble: trimmed; 1e3, NaN, Infinity, 1f, .5, 5., 0x1p3. Nothing = NumberFormatException.
std::optional<double> parse_java_double(std::string_view text);
std::optional<float> parse_java_float(std::string_view text);

// Any number as a double.
double number_of(Value number);

// What a condition makes of a value: null and empty collections are false, Booleans themselves; nothing for anything
// else.
inline std::optional<bool> condition_of(Value value) {
  if (value.is_boolean()) return value.as_boolean();
  if (value.is_null()) return false;
  if (value.is_list() && value.list().size == 0) return false;
  if ((value.is_map() || value.is_set()) && value.map().count == 0) return false;
  return std::nullopt;
}

}  // namespace modelyard::stellar
