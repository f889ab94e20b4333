// SPDX-License-Identifier: Apache-2.0
#include "stellar/functions/dates/date_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <list>

#include "base/strings.h"
#include "stellar/functions/dates/calendar.h"

namespace modelyard::stellar {
namespace {

constexpr std::string_view kLetters = "GyMwWDdFEaHkKhmsSzZYuXL";
constexpr std::string_view kMonths[] = {"January", "February", "March",     "April",   "May",      "June",
                                        "July",    "August",   "September", "October", "November", "December"};
constexpr std::string_view kDays[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
constexpr int64_t kMinuteMs = 60'000;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

void pad(std::string& out, int64_t value, int width) {
  if (value < 0) out += '-';
  const std::string digits = std::to_string(value < 0 ? -value : value);
  if (static_cast<int>(digits.size()) < width) out.append(static_cast<size_t>(width) - digits.size(), '0');
  out += digits;
}

void append_offset(std::string& out, int64_t offset, char letter, int count) {
  if (letter == 'X' && offset == 0) {
    out += 'Z';
    return;
  }
  const int64_t minutes = std::abs(offset) / kMinuteMs;
  out += offset < 0 ? '-' : '+';
  pad(out, minutes / 60, 2);
  if (letter == 'X' && count == 1) return;
  if (letter == 'X' && count == 3) out += ':';
  pad(out, minutes % 60, 2);
}

// The longest of the names, or of their first three letters, that the text starts with; -1: none.
template <size_t N>
int match_name(const std::string_view (&names)[N], std::string_view text, size_t& length) {
  int best = -1;
  length = 0;
  for (size_t i = 0; i < N; ++i) {
    for (const std::string_view name : {names[i], names[i].substr(0, 3)}) {
      if (name.size() > length && text.size() >= name.size() &&
          equal_ignoring_case_ascii(text.substr(0, name.size()), name)) {
        best = static_cast<int>(i);
        length = name.size();
      }
    }
  }
  return best;
}

// hh, hmm, hhmm, hh:mm after a sign. `colon`: which forms are good.
std::optional<int64_t> parse_offset(std::string_view text, size_t& length, bool needs_colon, bool may_colon,
                                    bool hours_alone) {
  size_t pos = 1;
  int64_t hours = 0;
  size_t digits = 0;
  while (digits < 2 && pos < text.size() && is_digit(text[pos])) hours = hours * 10 + (text[pos++] - '0'), ++digits;
  if (digits == 0 || hours > 23) return std::nullopt;
  int64_t minutes = 0;
  const bool colon = pos < text.size() && text[pos] == ':';
  if ((needs_colon && !colon) || (colon && !may_colon)) {
    if (!hours_alone) return std::nullopt;
  } else if (!hours_alone) {
    if (colon) ++pos;
    if (pos + 1 < text.size() + 0 && pos + 2 <= text.size() && is_digit(text[pos]) && is_digit(text[pos + 1])) {
      minutes = (text[pos] - '0') * 10 + (text[pos + 1] - '0');
      pos += 2;
    } else {
      return std::nullopt;
    }
    if (minutes > 59) return std::nullopt;
  }
  length = pos;
  const int64_t offset = (hours * 60 + minutes) * kMinuteMs;
  return text[0] == '-' ? -offset : offset;
}

std::optional<int64_t> parse_zone(char letter, int count, std::string_view text, size_t& length) {
  if (text.empty()) return std::nullopt;
  const bool sign = text[0] == '+' || text[0] == '-';
  if (letter == 'X') {
    if (text[0] == 'Z') return length = 1, 0;
    if (!sign) return std::nullopt;
    return parse_offset(text, length, count == 3, count == 3, count == 1);
  }
  if (sign) return parse_offset(text, length, false, false, false);
  if (text.size() > 4 && equal_ignoring_case_ascii(text.substr(0, 3), "GMT") && (text[3] == '+' || text[3] == '-')) {
    const auto offset = parse_offset(text.substr(3), length, false, true, false);
    length += 3;
    return offset;
  }
  const auto named = parse_zone_name(text);
  if (!named) return std::nullopt;
  length = named->length;
  return named->offset_ms;
}

bool is_numeric(char letter, int count) {
  if (letter == 'M' || letter == 'L') return count <= 2;
  return std::string_view("ywWDdFHkKhmsSYu").find(letter) != std::string_view::npos;
}

}  // namespace

Result<std::shared_ptr<const DateFormat>> DateFormat::compile(std::string_view pattern) {
  std::shared_ptr<DateFormat> made(new DateFormat);
  std::vector<Part>& parts = made->parts_;
  const auto literal = [&](char c) {
    if (parts.empty() || parts.back().letter != 0) parts.emplace_back();
    parts.back().literal += c;
  };
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\'') {
      if (i + 1 < pattern.size() && pattern[i + 1] == '\'') {
        literal('\'');
        ++i;
        continue;
      }
      bool closed = false;
      for (++i; i < pattern.size(); ++i) {
        if (pattern[i] != '\'') {
          literal(pattern[i]);
        } else if (i + 1 < pattern.size() && pattern[i + 1] == '\'') {
          literal('\'');
          ++i;
        } else {
          closed = true;
          break;
        }
      }
      if (!closed)
        return fail(ErrorCode::kInvalidArgument, fmt::format("date pattern '{}': a quote is not closed", pattern));
      continue;
    }
    if (!is_letter(c)) {
      literal(c);
      continue;
    }
    if (kLetters.find(c) == std::string_view::npos) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("date pattern '{}': the letter {} means nothing", pattern, c));
    }
    if (!parts.empty() && parts.back().letter == c && i > 0 && pattern[i - 1] == c) {
      ++parts.back().count;
    } else {
      parts.push_back({c, 1, {}});
    }
    if (c == 'X' && parts.back().count > 3)
      return fail(ErrorCode::kInvalidArgument, fmt::format("date pattern '{}': at most three X in a row", pattern));
  }
  return std::shared_ptr<const DateFormat>(std::move(made));
}

Result<std::shared_ptr<const DateFormat>> DateFormat::cached(std::string_view pattern) {
  constexpr size_t kCached = 64;
  thread_local std::list<std::pair<std::string, std::shared_ptr<const DateFormat>>> cache;
  for (auto it = cache.begin(); it != cache.end(); ++it) {
    if (it->first != pattern) continue;
    cache.splice(cache.begin(), cache, it);
    return cache.front().second;
  }
  auto made = compile(pattern);
  if (!made) return made;
  cache.emplace_front(pattern, *made);
  if (cache.size() > kCached) cache.pop_back();
  return made;
}

std::string DateFormat::format(int64_t utc_ms, const Zone& zone) const {
  const int64_t offset = zone.offset_ms(utc_ms);
  const CalendarFields f = fields_of(utc_ms + offset);
  std::string out;
  for (const Part& part : parts_) {
    switch (part.letter) {
      case 0: out += part.literal; break;
      case 'G': out += f.before_christ ? "BC" : "AD"; break;
      case 'y':
      case 'Y': {
        const int64_t year = part.letter == 'Y' ? f.week_year : f.year_of_era;
        part.count == 2 ? pad(out, year % 100, 2) : pad(out, year, part.count);
        break;
      }
      case 'M':
      case 'L':
        if (part.count >= 4) {
          out += kMonths[f.month - 1];
        } else if (part.count == 3) {
          out += kMonths[f.month - 1].substr(0, 3);
        } else {
          pad(out, f.month, part.count);
        }
        break;
      case 'w': pad(out, f.week_of_year, part.count); break;
      case 'W': pad(out, f.week_of_month, part.count); break;
      case 'D': pad(out, f.day_of_year, part.count); break;
      case 'd': pad(out, f.day, part.count); break;
      case 'F': pad(out, f.day_of_week_in_month, part.count); break;
      case 'E': out += part.count >= 4 ? kDays[f.day_of_week - 1] : kDays[f.day_of_week - 1].substr(0, 3); break;
      case 'u': pad(out, f.day_of_week == 1 ? 7 : f.day_of_week - 1, part.count); break;
      case 'a': out += f.hour < 12 ? "AM" : "PM"; break;
      case 'H': pad(out, f.hour, part.count); break;
      case 'k': pad(out, f.hour == 0 ? 24 : f.hour, part.count); break;
      case 'K': pad(out, f.hour % 12, part.count); break;
      case 'h': pad(out, f.hour % 12 == 0 ? 12 : f.hour % 12, part.count); break;
      case 'm': pad(out, f.minute, part.count); break;
      case 's': pad(out, f.second, part.count); break;
      case 'S': pad(out, f.millisecond, part.count); break;
      case 'z': out += part.count >= 4 ? zone.long_name(utc_ms) : zone.short_name(utc_ms); break;
      default: append_offset(out, offset, part.letter, part.count);
    }
  }
  return out;
}

bool DateFormat::parse_part(const Part& part, bool abutting, std::string_view text, size_t& pos, CalendarBuilder& into,
                            int64_t now_ms, bool& two_digits) const {
  using Field = CalendarBuilder::Field;
  while (pos < text.size() && (text[pos] == ' ' || text[pos] == '\t')) ++pos;
  if (pos >= text.size()) return false;
  const std::string_view rest = text.substr(pos);
  size_t length = 0;
  if (part.letter == 'G') {
    if (rest.size() < 2 ||
        (!equal_ignoring_case_ascii(rest.substr(0, 2), "AD") && !equal_ignoring_case_ascii(rest.substr(0, 2), "BC")))
      return false;
    into.set(Field::kEra, (rest[0] | 0x20) == 'a');
    pos += 2;
    return true;
  }
  if (part.letter == 'a') {
    if (rest.size() < 2 || (rest[1] | 0x20) != 'm' || ((rest[0] | 0x20) != 'a' && (rest[0] | 0x20) != 'p'))
      return false;
    into.set(Field::kAmPm, (rest[0] | 0x20) == 'p');
    pos += 2;
    return true;
  }
  if (part.letter == 'z' || part.letter == 'Z' || part.letter == 'X') {
    const auto offset = parse_zone(part.letter, part.count, rest, length);
    if (!offset) return false;
    into.set(Field::kZoneOffset, *offset);
    pos += length;
    return true;
  }
  if (!is_numeric(part.letter, part.count)) {
    const int found = part.letter == 'E' ? match_name(kDays, rest, length) : match_name(kMonths, rest, length);
    if (found < 0) return false;
    part.letter == 'E' ? into.set(Field::kDayOfWeek, found + 1) : into.set(Field::kMonth, found);
    pos += length;
    return true;
  }
  // A number, with a minus where it is not one of several that run together.
  const bool negative = rest[0] == '-' && !abutting;
  size_t digit = negative ? 1 : 0;
  const size_t most = abutting ? static_cast<size_t>(part.count) : rest.size();
  const size_t first = digit;
  int64_t value = 0;
  while (digit < rest.size() && digit < most + (negative ? 1 : 0) && is_digit(rest[digit])) {
    if (value < std::numeric_limits<int32_t>::max()) value = value * 10 + (rest[digit] - '0');
    ++digit;
  }
  if (digit == first || (abutting && digit - first < static_cast<size_t>(part.count) && digit == rest.size()))
    return false;
  value = static_cast<int32_t>(std::min<int64_t>(value, std::numeric_limits<int32_t>::max()));
  if (negative) value = -value;
  pos += digit;
  switch (part.letter) {
    case 'y':
      if (part.count <= 2 && digit == 2 && !negative) {
        // Within 80 years before now and 20 after.
        constexpr int64_t kYearMs = 31'556'952'000;
        const int64_t start = fields_of(now_ms - 80 * kYearMs).year;
        int64_t year = start / 100 * 100 + value;
        if (year < start) year += 100;
        two_digits = value == start % 100;
        value = year;
      }
      into.set(Field::kYear, value);
      return true;
    case 'Y': into.set(Field::kWeekYear, value); return true;
    case 'M':
    case 'L': into.set(Field::kMonth, value - 1); return true;
    case 'w': into.set(Field::kWeekOfYear, value); return true;
    case 'W': into.set(Field::kWeekOfMonth, value); return true;
    case 'D': into.set(Field::kDayOfYear, value); return true;
    case 'd': into.set(Field::kDayOfMonth, value); return true;
    case 'F': into.set(Field::kDayOfWeekInMonth, value); return true;
    case 'u': into.set(Field::kDayOfWeek, value == 7 ? 1 : value + 1); return true;
    case 'H': into.set(Field::kHourOfDay, value); return true;
    case 'k': into.set(Field::kHourOfDay, value == 24 ? 0 : value); return true;
    case 'K': into.set(Field::kHour, value); return true;
    case 'h': into.set(Field::kHour, value == 12 ? 0 : value); return true;
    case 'm': into.set(Field::kMinute, value); return true;
    case 's': into.set(Field::kSecond, value); return true;
    default: into.set(Field::kMillisecond, value); return true;
  }
}

std::optional<int64_t> DateFormat::parse(std::string_view text, const Zone& zone, bool lenient, int64_t now_ms) const {
  CalendarBuilder fields;
  size_t pos = 0;
  bool two_digits = false;
  for (size_t i = 0; i < parts_.size(); ++i) {
    const Part& part = parts_[i];
    if (part.letter == 0) {
      if (text.substr(pos, part.literal.size()) != part.literal) return std::nullopt;
      pos += part.literal.size();
      continue;
    }
    // Numbers that run together take exactly as many digits as the pattern has letters, the last of them all that is
    // left.
    const bool next_numeric =
        i + 1 < parts_.size() && parts_[i + 1].letter != 0 && is_numeric(parts_[i + 1].letter, parts_[i + 1].count);
    const bool abutting = is_numeric(part.letter, part.count) && next_numeric;
    if (!parse_part(part, abutting, text, pos, fields, now_ms, two_digits)) return std::nullopt;
  }
  if (pos == 0) return std::nullopt;
  const auto local = fields.local_ms(lenient);
  if (!local) return std::nullopt;
  if (*local > std::numeric_limits<int64_t>::max() / 2 || *local < std::numeric_limits<int64_t>::min() / 2)
    return std::nullopt;
  const int64_t offset = fields.is_set(CalendarBuilder::kZoneOffset) ? fields.get(CalendarBuilder::kZoneOffset)
                                                                     : zone.offset_of_local_ms(*local);
  int64_t result = *local - offset;
  constexpr int64_t kEightyYearsMs = 80LL * 31'556'952'000;
  if (two_digits && result < now_ms - kEightyYearsMs) {
    const CalendarFields f = fields_of(*local);
    result += (days_of_date(f.year + 100, f.month, f.day) - days_of_date(f.year, f.month, f.day)) * 86'400'000;
  }
  return result;
}

}  // namespace modelyard::stellar
