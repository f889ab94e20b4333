// SPDX-License-Identifier: Apache-2.0
#include "stellar/eval/numbers.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "stellar/eval/java_digits.h"

namespace modelyard::stellar {
namespace {

// from_chars leaves the value alone when it is out of range: the exponent's sign and the digits tell which end.
template <typename T>
T parse(std::string_view text) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc::result_out_of_range) return value;
  const bool negative = text.front() == '-';
  // Where the first significant digit stands, as a power of ten.
  size_t i = negative ? 1 : 0;
  int64_t magnitude = -1;
  bool point = false;
  bool significant = false;
  for (; i < text.size() && text[i] != 'e' && text[i] != 'E'; ++i) {
    if (text[i] == '.') {
      point = true;
      continue;
    }
    significant = significant || text[i] != '0';
    if (!point && significant) ++magnitude;
    if (point && !significant) --magnitude;
  }
  int64_t exponent = 0;
  bool exponent_negative = false;
  for (++i; i < text.size(); ++i) {
    if (text[i] == '-') exponent_negative = true;
    if (text[i] >= '0' && text[i] <= '9' && exponent < 100000000) exponent = exponent * 10 + (text[i] - '0');
  }
  const bool big = magnitude + (exponent_negative ? -exponent : exponent) > 0;
  const T edge = big ? std::numeric_limits<T>::infinity() : T{0};
  return negative ? -edge : edge;
}

// Digits and decimal exponent as Java prints them: plain between 1e-3 and 1e7, scientific outside.
template <typename T>
void append(std::string& out, T value) {
  if (std::isnan(value)) {
    out += "NaN";
    return;
  }
  if (std::signbit(value)) out += '-';
  value = std::fabs(value);
  if (std::isinf(value)) {
    out += "Infinity";
    return;
  }
  if (value == 0) {
    out += "0.0";
    return;
  }
  const JavaDigits made = java_digits(value);
  const std::string_view digits(made.digits, static_cast<size_t>(made.count));
  if (made.exponent > 0 && made.exponent < 8) {
    const auto whole = static_cast<size_t>(made.exponent);
    out += digits.substr(0, whole);
    if (digits.size() < whole) out.append(whole - digits.size(), '0');
    out += '.';
    out += digits.size() > whole ? digits.substr(whole) : std::string_view("0");
  } else if (made.exponent <= 0 && made.exponent > -3) {
    out += "0.";
    out.append(static_cast<size_t>(-made.exponent), '0');
    out += digits;
  } else {
    out += digits[0];
    out += '.';
    out += digits.size() > 1 ? digits.substr(1) : std::string_view("0");
    out += 'E';
    out += std::to_string(made.exponent - 1);
  }
}

}  // namespace

double parse_decimal(std::string_view text) { return parse<double>(text); }
float parse_decimal_float(std::string_view text) { return parse<float>(text); }

void append_double(std::string& out, double value) { append(out, value); }
void append_float(std::string& out, float value) { append(out, value); }

int32_t to_int32_saturating(double value) {
  if (std::isnan(value)) return 0;
  if (value >= 2147483647.0) return std::numeric_limits<int32_t>::max();
  if (value <= -2147483648.0) return std::numeric_limits<int32_t>::min();
  return static_cast<int32_t>(value);
}

int64_t to_int64_saturating(double value) {
  if (std::isnan(value)) return 0;
  if (value >= 9223372036854775807.0) return std::numeric_limits<int64_t>::max();
  if (value <= -9223372036854775808.0) return std::numeric_limits<int64_t>::min();
  return static_cast<int64_t>(value);
}

}  // namespace modelyard::stellar
