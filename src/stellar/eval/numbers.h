// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace modelyard::stellar {

// Decimal text ("-1.5e3", no blanks, no suffix) to the nearest number; too big is infinite, too small is zero.
double parse_decimal(std::string_view text);
float parse_decimal_float(std::string_view text);

// Java's Double.toString and Float.toString: 1.0, 100.0, 1.0E10, NaN, Infinity.
void append_double(std::string& out, double value);
void append_float(std::string& out, float value);

// Java's (int) and (long) of a double: truncated, saturating, NaN is 0.
int32_t to_int32_saturating(double value);
int64_t to_int64_saturating(double value);

}  // namespace modelyard::stellar
