// SPDX-License-Identifier: Apache-2.0
#include "stellar/functions/java_formatter.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "stellar/eval/java_digits.h"
#include "stellar/eval/numbers.h"
#include "stellar/eval/text.h"
#include "stellar/eval/utf16.h"
#include "stellar/functions/dates/calendar.h"
#include "stellar/functions/dates/zones.h"
#include "stellar/json_value.h"

namespace modelyard::stellar {
namespace {

struct FormatError {
  std::string message;
};
[[noreturn]] void refuse(std::string message) { throw FormatError{std::move(message)}; }

struct Specifier {
  int index = 0;          // of the argument, from 1; 0 = the next one
  bool previous = false;  // '<'
  std::string flags;
  int width = -1;
  int precision = -1;
  char conversion = 0;
  char date_letter = 0;
  bool upper = false;

  bool has(char flag) const { return flags.find(flag) != std::string::npos; }
};

std::string to_upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return text;
}

// %[index$][flags][width][.precision]conversion
Specifier read_specifier(std::string_view format, size_t& pos) {
  Specifier s;
  const auto digits = [&] {
    int value = 0;
    size_t count = 0;
    while (pos < format.size() && format[pos] >= '0' && format[pos] <= '9' && count < 9)
      value = value * 10 + (format[pos++] - '0'), ++count;
    return value;
  };
  const size_t start = pos;
  if (pos < format.size() && format[pos] >= '1' && format[pos] <= '9') {
    const int number = digits();
    if (pos < format.size() && format[pos] == '$') {
      s.index = number;
      ++pos;
    } else {
      pos = start;
    }
  } else if (format.substr(pos, 1) == "<") {
    s.previous = true;
    ++pos;
  }
  while (pos < format.size() && std::string_view("-#+ 0,(<").find(format[pos]) != std::string_view::npos) {
    if (format[pos] == '<') {
      s.previous = true;
    } else if (s.has(format[pos])) {
      refuse(fmt::format("the flag '{}' is there twice", format[pos]));
    } else {
      s.flags += format[pos];
    }
    ++pos;
  }
  if (pos < format.size() && format[pos] >= '1' && format[pos] <= '9') s.width = digits();
  if (pos < format.size() && format[pos] == '.') {
    ++pos;
    if (pos >= format.size() || format[pos] < '0' || format[pos] > '9') refuse("a precision needs a number");
    s.precision = digits();
  }
  if (pos >= format.size()) refuse("a conversion is missing after '%'");
  s.conversion = format[pos++];
  if (s.conversion == 't' || s.conversion == 'T') {
    if (pos >= format.size()) refuse("a letter is missing after %t");
    s.date_letter = format[pos++];
  }
  if (std::string_view("BHSCXEGAT").find(s.conversion) != std::string_view::npos) {
    s.upper = true;
    s.conversion = static_cast<char>(s.conversion | 0x20);
  }
  if (std::string_view("bhscdoxefgatn%").find(s.conversion) == std::string_view::npos)
    refuse(fmt::format("there is no conversion %{}", s.conversion));
  if ((s.has('-') || s.has('0')) && s.width < 0 && s.conversion != 'n') refuse("the flags '-' and '0' need a width");
  if ((s.has('-') && s.has('0')) || (s.has('+') && s.has(' '))) refuse("these flags exclude each other");
  return s;
}

void group(std::string& digits) {
  const size_t whole = std::min(digits.find('.'), digits.size());
  for (size_t i = whole; i > 3; i -= 3) digits.insert(i - 3, 1, ',');
}

// Sign, grouping, zero padding of the digits of a number.
std::string dress(const Specifier& s, std::string digits, bool negative, bool zero_pads = true) {
  if (s.has(',')) group(digits);
  std::string before = negative ? (s.has('(') ? "(" : "-") : s.has('+') ? "+" : s.has(' ') ? " " : "";
  const std::string after = negative && s.has('(') ? ")" : "";
  if (s.has('0') && zero_pads) {
    const size_t taken = before.size() + digits.size() + after.size();
    if (static_cast<int>(taken) < s.width) digits.insert(0, static_cast<size_t>(s.width) - taken, '0');
  }
  return before + digits + after;
}

std::string whole_number(const Specifier& s, Value value) {
  if (!value.is_integral())
    refuse(fmt::format("%{} takes a whole number, not a {}", s.conversion, to_string(value.kind())));
  if (s.precision >= 0) refuse("a whole number has no precision");
  const int64_t number = value.as_integral();
  if (s.conversion == 'd') {
    if (s.has('#')) refuse("%d has no flag '#'");
    return dress(s, fmt::format("{}", number < 0 ? 0 - static_cast<uint64_t>(number) : static_cast<uint64_t>(number)),
                 number < 0);
  }
  if (s.has('+') || s.has(' ') || s.has(',') || s.has('('))
    refuse(fmt::format("%{} takes the flags '-', '#' and '0'", s.conversion));
  uint64_t bits = static_cast<uint64_t>(number);
  if (value.kind() == Kind::kInteger) bits &= 0xFFFFFFFF;
  if (value.kind() == Kind::kShort) bits &= 0xFFFF;
  if (value.kind() == Kind::kByte) bits &= 0xFF;
  std::string digits = s.conversion == 'x' ? fmt::format("{:x}", bits) : fmt::format("{:o}", bits);
  const std::string prefix = s.has('#') ? (s.conversion == 'x' ? "0x" : "0") : "";
  if (s.has('0') && static_cast<int>(digits.size() + prefix.size()) < s.width) {
    digits.insert(0, static_cast<size_t>(s.width) - digits.size() - prefix.size(), '0');
  }
  return prefix + digits;
}

// The decimal digits 0.DIGITS x 10^exponent cut to `keep` digits, halves up.
void round_digits(std::string& digits, int& exponent, int keep) {
  if (keep < 0) {
    digits = "0";
    exponent = 1;
    return;
  }
  if (static_cast<int>(digits.size()) <= keep) return;
  const bool up = digits[static_cast<size_t>(keep)] >= '5';
  digits.resize(static_cast<size_t>(keep));
  if (up) {
    size_t i = digits.size();
    while (i > 0 && digits[i - 1] == '9') digits[--i] = '0';
    if (i == 0) {
      digits.insert(0, 1, '1');
      ++exponent;
    } else {
      ++digits[i - 1];
    }
  }
}

std::string fixed(std::string digits, int exponent, int precision) {
  round_digits(digits, exponent, exponent + precision);
  if (digits.empty() || digits == "0") {
    digits.clear();
    exponent = 0;
  }
  std::string whole = exponent > 0 ? digits.substr(0, static_cast<size_t>(exponent)) : "0";
  if (exponent > static_cast<int>(whole.size())) whole.append(static_cast<size_t>(exponent) - whole.size(), '0');
  std::string fraction = exponent < 0 ? std::string(static_cast<size_t>(-exponent), '0') : "";
  if (exponent < static_cast<int>(digits.size()))
    fraction += digits.substr(exponent > 0 ? static_cast<size_t>(exponent) : 0);
  fraction.resize(static_cast<size_t>(precision), '0');
  return precision > 0 ? whole + "." + fraction : whole;
}

std::string scientific(std::string digits, int exponent, int precision, bool zero) {
  round_digits(digits, exponent, precision + 1);
  std::string fraction = digits.substr(1);
  fraction.resize(static_cast<size_t>(precision), '0');
  const int shown = zero ? 0 : exponent - 1;
  return fmt::format("{}{}{}e{}{:02}", digits[0], precision > 0 ? "." : "", fraction, shown < 0 ? '-' : '+',
                     std::abs(shown));
}

std::string hexadecimal_float(double value) {
  std::string text = fmt::format("{:a}", value);
  if (text.find('.') == std::string::npos) text.insert(text.find('p'), ".0");
  if (const size_t plus = text.find("p+"); plus != std::string::npos) text.erase(plus + 1, 1);
  return text;
}

std::string real_number(const Specifier& s, Value value) {
  if (!value.is_floating())
    refuse(fmt::format("%{} takes a Float or Double, not a {}", s.conversion, to_string(value.kind())));
  const double number = value.as_double();
  if (std::isnan(number)) return "NaN";
  const bool negative = std::signbit(number);
  if (std::isinf(number)) return dress(s, "Infinity", negative, false);
  if (s.conversion == 'a') return dress(s, hexadecimal_float(std::fabs(number)), negative);
  constexpr int kPrecisionMax = 1000;
  int precision = s.precision < 0 ? 6 : std::min(s.precision, kPrecisionMax);
  std::string digits = "0";
  int exponent = 1;
  if (number != 0) {
    const JavaDigits made = java_digits(std::fabs(number));
    digits.assign(made.digits, static_cast<size_t>(made.count));
    exponent = made.exponent;
  }
  if (s.conversion == 'f') return dress(s, fixed(digits, exponent, precision), negative);
  if (s.conversion == 'e') return dress(s, scientific(digits, exponent, precision, number == 0), negative);
  if (s.has('#')) refuse("%g has no flag '#'");
  if (precision == 0) precision = 1;
  if (number == 0) return dress(s, fixed("0", 1, precision - 1), negative);
  std::string rounded = digits;
  int rounded_exponent = exponent;
  round_digits(rounded, rounded_exponent, precision);
  const bool plain = rounded_exponent > -4 && rounded_exponent <= precision;
  return dress(s,
               plain ? fixed(digits, exponent, std::max(0, precision - rounded_exponent))
                     : scientific(digits, exponent, precision - 1, false),
               negative);
}

std::string character(const Specifier& s, Value value) {
  if (s.precision >= 0) refuse("%c has no precision");
  std::string out;
  if (value.kind() == Kind::kCharacter) {
    append_unit(out, static_cast<char16_t>(value.as_integral()));
  } else if (value.is_integral() && value.kind() != Kind::kLong) {
    if (value.as_integral() < 0 || value.as_integral() > 0x10FFFF) refuse("%c: no such character");
    append_character(out, static_cast<char32_t>(value.as_integral()));
  } else {
    refuse(fmt::format("%c takes a character, not a {}", to_string(value.kind())));
  }
  return out;
}

std::string date_time(const Specifier& s, Value value) {
  if (value.kind() != Kind::kLong) refuse(fmt::format("%t takes a Long, not a {}", to_string(value.kind())));
  if (s.precision >= 0) refuse("%t has no precision");
  static constexpr std::string_view kMonths[] = {"January", "February", "March",     "April",   "May",      "June",
                                                 "July",    "August",   "September", "October", "November", "December"};
  static constexpr std::string_view kDays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                               "Thursday", "Friday", "Saturday"};
  const int64_t ms = value.as_integral();
  const auto zone = default_zone();
  const int64_t offset = zone->offset_ms(ms);
  const CalendarFields f = fields_of(ms + offset);
  const int hour12 = f.hour % 12 == 0 ? 12 : f.hour % 12;
  const std::string_view half = f.hour < 12 ? "am" : "pm";
  const int64_t minutes = std::abs(offset) / 60000;
  const std::string zone_text = fmt::format("{}{:02}{:02}", offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
  const std::string_view month = kMonths[f.month - 1];
  const std::string_view day = kDays[f.day_of_week - 1];
  switch (s.date_letter) {
    case 'H': return fmt::format("{:02}", f.hour);
    case 'I': return fmt::format("{:02}", hour12);
    case 'k': return fmt::format("{}", f.hour);
    case 'l': return fmt::format("{}", hour12);
    case 'M': return fmt::format("{:02}", f.minute);
    case 'S': return fmt::format("{:02}", f.second);
    case 'L': return fmt::format("{:03}", f.millisecond);
    case 'N': return fmt::format("{:03}000000", f.millisecond);
    case 'p': return std::string(half);
    case 'z': return zone_text;
    case 'Z': return zone->short_name(ms);
    case 's': return fmt::format("{}", ms / 1000);
    case 'Q': return fmt::format("{}", ms);
    case 'B': return std::string(month);
    case 'b':
    case 'h': return std::string(month.substr(0, 3));
    case 'A': return std::string(day);
    case 'a': return std::string(day.substr(0, 3));
    case 'C': return fmt::format("{:02}", f.year_of_era / 100);
    case 'Y': return fmt::format("{:04}", f.year_of_era);
    case 'y': return fmt::format("{:02}", f.year_of_era % 100);
    case 'j': return fmt::format("{:03}", f.day_of_year);
    case 'm': return fmt::format("{:02}", f.month);
    case 'd': return fmt::format("{:02}", f.day);
    case 'e': return fmt::format("{}", f.day);
    case 'R': return fmt::format("{:02}:{:02}", f.hour, f.minute);
    case 'T': return fmt::format("{:02}:{:02}:{:02}", f.hour, f.minute, f.second);
    case 'r': return fmt::format("{:02}:{:02}:{:02} {}", hour12, f.minute, f.second, f.hour < 12 ? "AM" : "PM");
    case 'D': return fmt::format("{:02}/{:02}/{:02}", f.month, f.day, f.year_of_era % 100);
    case 'F': return fmt::format("{}-{:02}-{:02}", f.year_of_era, f.month, f.day);
    case 'c':
      return fmt::format("{} {} {:02} {:02}:{:02}:{:02} {} {}", day.substr(0, 3), month.substr(0, 3), f.day, f.hour,
                         f.minute, f.second, zone->short_name(ms), f.year_of_era);
    default: refuse(fmt::format("there is no conversion %t{}", s.date_letter));
  }
}

std::string general(const Specifier& s, Value value) {
  std::string text;
  if (s.conversion == 'b') {
    text = value.is_null() ? "false" : value.is_boolean() ? (value.as_boolean() ? "true" : "false") : "true";
  } else if (s.conversion == 'h' && !value.is_null()) {
    text = fmt::format("{:x}", java_hash_code(value));
  } else {
    if (s.conversion == 's' && s.has('#')) refuse("%s takes the flag '#' for no value of this language");
    append_text(text, value);
  }
  if (s.precision >= 0 && utf16_length(text) > static_cast<size_t>(s.precision))
    text = utf16_substring(text, 0, static_cast<size_t>(s.precision));
  return text;
}

std::string convert(const Specifier& s, Value value) {
  switch (s.conversion) {
    case 's':
    case 'b':
    case 'h':
      if (s.has('+') || s.has(' ') || s.has('0') || s.has(',') || s.has('('))
        refuse(fmt::format("%{} takes the flag '-' alone", s.conversion));
      return general(s, value);
    default: break;
  }
  if (value.is_null()) {
    std::string text = "null";
    if (s.precision >= 0 && s.precision < 4) text.resize(static_cast<size_t>(s.precision));
    return text;
  }
  switch (s.conversion) {
    case 'd':
    case 'o':
    case 'x': return whole_number(s, value);
    case 'c': return character(s, value);
    case 't': return date_time(s, value);
    default: return real_number(s, value);
  }
}

}  // namespace

Result<std::string> java_format(std::string_view format, std::span<const Value> arguments, size_t bytes_max) {
  std::string out;
  size_t next = 0;
  std::optional<size_t> last;
  try {
    for (size_t pos = 0; pos < format.size();) {
      if (format[pos] != '%') {
        const size_t end = std::min(format.find('%', pos), format.size());
        out += format.substr(pos, end - pos);
        pos = end;
        continue;
      }
      ++pos;
      const Specifier s = read_specifier(format, pos);
      if (s.width > static_cast<int>(std::min<size_t>(bytes_max, INT32_MAX))) throw BoundReached{"result"};
      std::string piece;
      if (s.conversion == 'n') {
        piece = "\n";
      } else if (s.conversion == '%') {
        piece = "%";
      } else {
        if (s.previous && !last) refuse("'<' needs an argument before it");
        const size_t index = s.previous ? *last : s.index > 0 ? static_cast<size_t>(s.index) - 1 : next++;
        if (index >= arguments.size()) refuse(fmt::format("argument {} is missing", index + 1));
        last = index;
        piece = convert(s, arguments[index]);
      }
      if (s.upper) piece = to_upper(std::move(piece));
      const auto length = static_cast<int>(utf16_length(piece));
      if (length < s.width) piece.insert(s.has('-') ? piece.size() : 0, static_cast<size_t>(s.width - length), ' ');
      out += piece;
      if (out.size() > bytes_max) throw BoundReached{"result"};
    }
  } catch (FormatError& error) {
    return fail(ErrorCode::kInvalidArgument, std::move(error.message));
  }
  return out;
}

}  // namespace modelyard::stellar
