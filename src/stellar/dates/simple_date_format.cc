// SPDX-License-Identifier: Apache-2.0
#include "stellar/dates/simple_date_format.h"

#include <date/tz.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "base/strings.h"

namespace modelyard::stellar {
namespace {

constexpr std::array<std::string_view, 12> kMonths{"January", "February", "March",     "April",   "May",      "June",
                                                   "July",    "August",   "September", "October", "November", "December"};
constexpr std::array<std::string_view, 7> kDays{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};

struct ZoneName {
  std::string_view name;
  int hours;
};
// Abbreviations that logs carry; Java knows hundreds, many of them ambiguous.
constexpr std::array<ZoneName, 27> kZoneNames{{{"UTC", 0},  {"GMT", 0},   {"UT", 0},   {"WET", 0},   {"WEST", 1}, {"BST", 1},  {"CET", 1},
                                               {"CEST", 2}, {"EET", 2},   {"EEST", 3}, {"MSK", 3},   {"EST", -5}, {"EDT", -4}, {"CST", -6},
                                               {"CDT", -5}, {"MST", -7},  {"MDT", -6}, {"PST", -8},  {"PDT", -7}, {"AKST", -9},
                                               {"AKDT", -8}, {"HST", -10}, {"JST", 9},  {"KST", 9},   {"SGT", 8},  {"AEST", 10}, {"AEDT", 11}}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool starts_ignoring_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && equal_ignoring_case_ascii(text.substr(0, prefix.size()), prefix);
}

struct Fields {
  int64_t year = 1970;
  int64_t month = 1;
  int64_t day = 1;
  std::optional<int64_t> day_of_year;
  int64_t hour = 0;
  std::optional<int64_t> hour12;
  bool pm = false;
  bool bc = false;
  int64_t minute = 0;
  int64_t second = 0;
  int64_t millisecond = 0;
  std::optional<int> offset_s;
};

// Reads one text along the items.
class Reader {
 public:
  Reader(std::string_view text, WallTime now) : text_(text), now_(now) {}

  bool read(const SimpleDateFormat::Item& item) {
    if (item.letter == 0) return literal(item.literal);
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
    switch (item.letter) {
      case 'G': return era();
      case 'y': return year(item);
      case 'M':
      case 'L':
        if (item.count >= 3) return name(kMonths, fields.month);
        return number(item, fields.month);
      case 'd': return number(item, fields.day);
      case 'D': return number(item, fields.day_of_year.emplace());
      case 'H':
      case 'k':
        if (!number(item, fields.hour)) return false;
        if (item.letter == 'k' && fields.hour == 24) fields.hour = 0;
        return true;
      case 'K':
      case 'h': {
        int64_t& hour = fields.hour12.emplace();
        if (!number(item, hour)) return false;
        if (item.letter == 'h' && hour == 12) hour = 0;
        return true;
      }
      case 'm': return number(item, fields.minute);
      case 's': return number(item, fields.second);
      case 'S': return number(item, fields.millisecond);
      case 'a': return half_day();
      case 'E': {
        int64_t ignored = 0;
        return name(kDays, ignored);
      }
      case 'u': {
        int64_t ignored = 0;
        return number(item, ignored);
      }
      case 'X': return iso_zone(item);
      default: return zone();
    }
  }

  Fields fields;

 private:
  std::string_view rest() const { return text_.substr(at_); }

  bool literal(std::string_view wanted) {
    if (rest().substr(0, wanted.size()) != wanted) return false;
    at_ += wanted.size();
    return true;
  }

  // How many digits were read, 0 when none could be.
  size_t digits(const SimpleDateFormat::Item& item, int64_t& value) {
    const size_t most = item.abuts ? static_cast<size_t>(item.count) : 10;
    size_t count = 0;
    value = 0;
    while (count < most && at_ + count < text_.size() && is_digit(text_[at_ + count])) {
      value = value * 10 + (text_[at_ + count] - '0');
      ++count;
    }
    if (item.abuts && at_ + most > text_.size()) return 0;
    if (value > std::numeric_limits<int32_t>::max()) return 0;
    if (!item.abuts && count == most && at_ + count < text_.size() && is_digit(text_[at_ + count])) return 0;
    at_ += count;
    return count;
  }
  bool number(const SimpleDateFormat::Item& item, int64_t& value) { return digits(item, value) > 0; }

  bool year(const SimpleDateFormat::Item& item) {
    const size_t count = digits(item, fields.year);
    if (count == 0) return false;
    if (item.count > 2 || count != 2) return true;
    // The century that puts the year into the 100 years that begin 80 years ago. (Java looks at day and time of that first year too.)
    const auto today = date::year_month_day(date::floor<date::days>(now_));
    const int first = static_cast<int>(today.year()) - 80;
    fields.year += first - first % 100;
    if (fields.year < first) fields.year += 100;
    return true;
  }

  template <size_t N>
  bool name(const std::array<std::string_view, N>& names, int64_t& value) {
    for (const bool whole : {true, false}) {
      for (size_t i = 0; i < N; ++i) {
        const std::string_view candidate = whole ? names[i] : names[i].substr(0, 3);
        if (!starts_ignoring_case(rest(), candidate)) continue;
        at_ += candidate.size();
        value = static_cast<int64_t>(i) + 1;
        return true;
      }
    }
    return false;
  }

  bool era() {
    if (!starts_ignoring_case(rest(), "AD") && !starts_ignoring_case(rest(), "BC")) return false;
    fields.bc = starts_ignoring_case(rest(), "BC");
    at_ += 2;
    return true;
  }

  bool half_day() {
    if (!starts_ignoring_case(rest(), "AM") && !starts_ignoring_case(rest(), "PM")) return false;
    fields.pm = starts_ignoring_case(rest(), "PM");
    at_ += 2;
    return true;
  }

  std::optional<int> two_digits() {
    if (at_ + 2 > text_.size() || !is_digit(text_[at_]) || !is_digit(text_[at_ + 1])) return std::nullopt;
    const int value = (text_[at_] - '0') * 10 + (text_[at_ + 1] - '0');
    at_ += 2;
    return value;
  }

  // +hh, +hhmm, +hh:mm; at_ on the sign.
  bool offset(bool minutes_needed, std::optional<bool> colon) {
    const int sign = text_[at_] == '-' ? -1 : 1;
    ++at_;
    const std::optional<int> hours = two_digits();
    if (!hours || *hours > 23) return false;
    int minutes = 0;
    const bool has_colon = at_ < text_.size() && text_[at_] == ':';
    if (minutes_needed) {
      if (colon && *colon != has_colon) return false;
      if (has_colon) ++at_;
      const std::optional<int> read = two_digits();
      if (!read || *read > 59) return false;
      minutes = *read;
    }
    fields.offset_s = sign * (*hours * 3600 + minutes * 60);
    return true;
  }

  bool at_sign() const { return at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-'); }

  // z and Z read the same things: +hhmm, GMT+hh:mm, a name.
  bool zone() {
    if (at_sign()) return offset(true, false);
    const ZoneName* best = nullptr;
    for (const ZoneName& one : kZoneNames) {
      if (starts_ignoring_case(rest(), one.name) && (best == nullptr || one.name.size() > best->name.size())) best = &one;
    }
    if (best == nullptr) return false;
    at_ += best->name.size();
    if (best->name == "GMT" && at_sign()) return offset(true, true);
    fields.offset_s = best->hours * 3600;
    return true;
  }

  bool iso_zone(const SimpleDateFormat::Item& item) {
    if (at_ < text_.size() && text_[at_] == 'Z') {
      ++at_;
      fields.offset_s = 0;
      return true;
    }
    return at_sign() && offset(item.count > 1, item.count == 3);
  }

  std::string_view text_;
  WallTime now_;
  size_t at_ = 0;
};

// Wall-clock milliseconds as if the zone were UTC; every field rolls over.
int64_t local_ms(const Fields& fields) {
  const int64_t year = fields.bc ? 1 - fields.year : fields.year;
  const int64_t months = year * 12 + (fields.day_of_year ? 0 : fields.month - 1);
  const int64_t floor_year = months >= 0 ? months / 12 : (months - 11) / 12;
  const auto first = date::year(static_cast<int>(std::clamp<int64_t>(floor_year, -32767, 32767))) /
                     static_cast<int>(months - floor_year * 12 + 1) / 1;
  const int64_t days = date::sys_days(first).time_since_epoch().count() + (fields.day_of_year ? *fields.day_of_year : fields.day) - 1;
  const int64_t hour = fields.hour12 ? *fields.hour12 + (fields.pm ? 12 : 0) : fields.hour;
  return (((days * 24 + hour) * 60 + fields.minute) * 60 + fields.second) * 1000 + fields.millisecond;
}

// "GMT+2", "GMT-5:30", "GMT+0530".
std::optional<int> custom_zone(std::string_view zone) {
  if (zone.size() < 5 || zone.substr(0, 3) != "GMT" || (zone[3] != '+' && zone[3] != '-')) return std::nullopt;
  std::string digits;
  for (const char c : zone.substr(4)) {
    if (c != ':') digits.push_back(c);
  }
  const auto value = parse_int(digits);
  if (!value || digits.size() > 4) return std::nullopt;
  const int64_t minutes = digits.size() > 2 ? *value / 100 * 60 + *value % 100 : *value * 60;
  return static_cast<int>((zone[3] == '-' ? -1 : 1) * minutes * 60);
}

}  // namespace

Result<SimpleDateFormat> SimpleDateFormat::compile(std::string_view pattern, std::string_view zone) {
  SimpleDateFormat out;
  const auto literal = [&out](char c) {
    if (out.items_.empty() || out.items_.back().letter != 0) out.items_.emplace_back();
    out.items_.back().literal.push_back(c);
  };
  for (size_t at = 0; at < pattern.size();) {
    const char c = pattern[at];
    if (c == '\'') {
      if (pattern.substr(at, 2) == "''") {
        literal('\'');
        at += 2;
        continue;
      }
      for (++at;; ++at) {
        if (at >= pattern.size()) return fail(ErrorCode::kInvalidArgument, fmt::format("the date pattern {} has an open quote", pattern));
        if (pattern.substr(at, 2) == "''") {
          ++at;
        } else if (pattern[at] == '\'') {
          break;
        }
        literal(pattern[at]);
      }
      ++at;
    } else if (is_letter(c)) {
      if (std::string_view("YwWF").find(c) != std::string_view::npos) {
        return fail(ErrorCode::kUnsupported, fmt::format("the date pattern {} counts weeks ('{}'), which is not supported", pattern, c));
      }
      if (std::string_view("GyMLdDHkKhmsSaEuzZX").find(c) == std::string_view::npos) {
        return fail(ErrorCode::kInvalidArgument, fmt::format("the date pattern {} has the unknown letter '{}'", pattern, c));
      }
      const size_t end = std::min(pattern.find_first_not_of(c, at), pattern.size());
      Item item{.letter = c, .count = static_cast<int>(end - at), .abuts = false, .literal = {}};
      item.abuts = end < pattern.size() && is_letter(pattern[end]);
      out.items_.push_back(std::move(item));
      at = end;
    } else {
      literal(c);
      ++at;
    }
  }
  out.fixed_offset_s_ = custom_zone(zone);
  if (zone == "UTC" || zone == "GMT") out.fixed_offset_s_ = 0;
  if (!out.fixed_offset_s_) {
    try {
      out.zone_ = date::locate_zone(std::string(zone));
    } catch (const std::exception&) {
      out.fixed_offset_s_ = 0;
    }
  }
  return out;
}

std::optional<int64_t> SimpleDateFormat::parse(std::string_view text, WallTime now) const {
  Reader reader(text, now);
  for (const Item& item : items_) {
    if (!reader.read(item)) return std::nullopt;
  }
  const int64_t local = local_ms(reader.fields);
  if (reader.fields.offset_s) return local - int64_t{*reader.fields.offset_s} * 1000;
  if (fixed_offset_s_) return local - int64_t{*fixed_offset_s_} * 1000;
  // A time that occurs twice is the later one (standard time); one that is skipped counts with the offset before the gap.
  const auto* zone = static_cast<const date::time_zone*>(zone_);
  const date::local_time<std::chrono::milliseconds> wall{std::chrono::milliseconds(local)};
  const date::local_info info = zone->get_info(wall);
  const auto offset = info.result == date::local_info::ambiguous ? info.second.offset : info.first.offset;
  return local - std::chrono::duration_cast<std::chrono::milliseconds>(offset).count();
}

}  // namespace modelyard::stellar
