// SPDX-License-Identifier: Apache-2.0
#include "stellar/eval/conversions.h"

#include <unicode/uchar.h>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "base/strings.h"
#include "stellar/eval/numbers.h"
#include "stellar/eval/utf16.h"

namespace modelyard::stellar {
namespace {

std::string_view trim_java(std::string_view text) {
  while (!text.empty() && static_cast<uint8_t>(text.front()) <= ' ') text.remove_prefix(1);
  while (!text.empty() && static_cast<uint8_t>(text.back()) <= ' ') text.remove_suffix(1);
  return text;
}

Value first_of(Value collection) {
  if (collection.is_list()) return collection.list().size > 0 ? collection.list().items[0] : Value::null();
  for (const auto& entry : entries_of(collection.map())) return entry.key;
  return {};
}

// Long.parseLong after trimming: a sign, then decimal digits of any script.
std::optional<int64_t> parse_long(std::string_view text) {
  text = trim_java(text);
  bool negative = false;
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  if (text.empty()) return std::nullopt;
  __int128 value = 0;
  for (size_t pos = 0; pos < text.size();) {
    const char32_t character = next_character(text, pos);
    const int digit = character < 0x80 ? (character >= '0' && character <= '9' ? static_cast<int>(character - '0') : -1)
                                       : (character < 0x10000 ? u_charDigitValue(static_cast<UChar32>(character)) : -1);
    if (digit < 0) return std::nullopt;
    value = value * 10 + digit;
    if (value > static_cast<__int128>(std::numeric_limits<int64_t>::max()) + 1) return std::nullopt;
  }
  if (negative) value = -value;
  if (value > std::numeric_limits<int64_t>::max()) return std::nullopt;
  return static_cast<int64_t>(value);
}

template <typename T>
std::optional<T> hexadecimal_float(std::string_view text) {
  const std::string copy(text);
  char* end = nullptr;
  T value;
  if constexpr (std::is_same_v<T, float>) {
    value = std::strtof(copy.c_str(), &end);
  } else {
    value = std::strtod(copy.c_str(), &end);
  }
  if (end != copy.c_str() + copy.size() || copy.find_first_of("pP") == std::string::npos) return std::nullopt;
  return value;
}

template <typename T>
std::optional<T> parse_java(std::string_view text) {
  text = trim_java(text);
  std::string_view body = text;
  const bool negative = !body.empty() && body.front() == '-';
  if (!body.empty() && (body.front() == '-' || body.front() == '+')) body.remove_prefix(1);
  if (body == "NaN") return std::numeric_limits<T>::quiet_NaN();
  if (body == "Infinity") return negative ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::infinity();
  if (!body.empty() && (body.back() == 'f' || body.back() == 'F' || body.back() == 'd' || body.back() == 'D')) {
    const bool hex = body.size() > 1 && (body[1] == 'x' || body[1] == 'X');
    if (!hex || body.find_first_of("pP") != std::string_view::npos) body.remove_suffix(1);
  }
  if (body.size() > 2 && body[0] == '0' && (body[1] == 'x' || body[1] == 'X')) {
    auto value = hexadecimal_float<T>(body);
    if (value && negative) value = -*value;
    return value;
  }
  size_t i = 0;
  size_t digits = 0;
  while (i < body.size() && body[i] >= '0' && body[i] <= '9') ++i, ++digits;
  if (i < body.size() && body[i] == '.') ++i;
  while (i < body.size() && body[i] >= '0' && body[i] <= '9') ++i, ++digits;
  if (digits == 0) return std::nullopt;
  if (i < body.size() && (body[i] == 'e' || body[i] == 'E')) {
    ++i;
    if (i < body.size() && (body[i] == '+' || body[i] == '-')) ++i;
    const size_t start = i;
    while (i < body.size() && body[i] >= '0' && body[i] <= '9') ++i;
    if (i == start) return std::nullopt;
  }
  if (i != body.size()) return std::nullopt;
  T value;
  if constexpr (std::is_same_v<T, float>) {
    value = parse_decimal_float(body);
  } else {
    value = parse_decimal(body);
  }
  return negative ? -value : value;
}

}  // namespace

std::optional<bool> to_boolean(Value value) {
  if (value.is_boolean()) return value.as_boolean();
  if (value.is_integral()) {
    if (value.as_integral() == 1) return true;
    if (value.as_integral() == 0) return false;
    return std::nullopt;
  }
  if (value.kind() == Kind::kCharacter) {
    const auto c = value.as_integral() | 0x20;
    if (value.as_integral() == '1' || c == 'y') return true;
    if (value.as_integral() == '0' || c == 'n') return false;
    return std::nullopt;
  }
  if (!value.is_string() || value.text().size() > 5) return std::nullopt;
  const std::string text = to_lower_ascii(value.text());
  if (text == "true" || text == "yes" || text == "y" || text == "on" || text == "1") return true;
  if (text == "false" || text == "no" || text == "n" || text == "off" || text == "0") return false;
  return std::nullopt;
}

std::optional<int64_t> to_long(Value value) {
  switch (value.kind()) {
    case Kind::kBoolean: return value.as_boolean() ? 1 : 0;
    case Kind::kByte:
    case Kind::kShort:
    case Kind::kInteger:
    case Kind::kLong: return value.as_integral();
    case Kind::kFloat:
    case Kind::kDouble: return to_int64_saturating(value.as_double());
    case Kind::kCharacter: {
      std::string text;
      append_unit(text, static_cast<char16_t>(value.as_integral()));
      return parse_long(text);
    }
    case Kind::kString: return parse_long(value.text());
    case Kind::kList:
    case Kind::kSet: {
      const Value first = first_of(value);
      return first.is_collection() ? std::nullopt : to_long(first);
    }
    default: return std::nullopt;
  }
}

std::optional<int32_t> to_integer(Value value) {
  const std::optional<int64_t> wide = to_long(value);
  if (!wide || *wide > std::numeric_limits<int32_t>::max() || *wide < std::numeric_limits<int32_t>::min())
    return std::nullopt;
  return static_cast<int32_t>(*wide);
}

double number_of(Value number) {
  return number.is_floating() ? number.as_double() : static_cast<double>(number.as_integral());
}

std::optional<double> to_double(Value value) {
  if (value.is_number()) return number_of(value);
  switch (value.kind()) {
    case Kind::kBoolean: return value.as_boolean() ? 1.0 : 0.0;
    case Kind::kString: return parse_java_double(value.text());
    case Kind::kCharacter: {
      std::string text;
      append_unit(text, static_cast<char16_t>(value.as_integral()));
      return parse_java_double(text);
    }
    case Kind::kList:
    case Kind::kSet: {
      const Value first = first_of(value);
      return first.is_collection() ? std::nullopt : to_double(first);
    }
    default: return std::nullopt;
  }
}

std::optional<float> to_float(Value value) {
  if (value.is_number()) {
    const double number = number_of(value);
    if (std::isnan(number)) return static_cast<float>(number);
    if (number > std::numeric_limits<float>::max() || number < -std::numeric_limits<float>::max()) return std::nullopt;
    return static_cast<float>(number);
  }
  if (value.is_string()) return parse_java_float(value.text());
  if (value.is_collection()) {
    const Value first = first_of(value);
    return first.is_collection() ? std::nullopt : to_float(first);
  }
  const std::optional<double> wide = to_double(value);
  if (!wide) return std::nullopt;
  return static_cast<float>(*wide);
}

std::optional<double> parse_java_double(std::string_view text) { return parse_java<double>(text); }
std::optional<float> parse_java_float(std::string_view text) { return parse_java<float>(text); }

}  // namespace modelyard::stellar
