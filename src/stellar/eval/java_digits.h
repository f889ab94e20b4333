// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace modelyard::stellar {

// The decimal digits that Java up to 18 prints for a number. They read back as the same number but are not always the
// fewest (2.0E-44 and the like differ from today's shortest form), and stored documents hold them, so the old procedure
// is followed: digits are made one by one from exact fractions until what is left is within half a step to the
// neighbours.
struct JavaDigits {
  char digits[24];
  int count;     // 1..17
  int exponent;  // the number is 0.DIGITS x 10^exponent
};

// Positive and finite.
JavaDigits java_digits(double value);
JavaDigits java_digits(float value);

}  // namespace modelyard::stellar
