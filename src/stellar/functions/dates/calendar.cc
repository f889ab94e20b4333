// SPDX-License-Identifier: Apache-2.0
#include "stellar/functions/dates/calendar.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace modelyard::stellar {
namespace {

constexpr int64_t kCutover = -141427;  // 1582-10-15
constexpr int64_t kDayMs = 86'400'000;

int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a % b < 0) != (b < 0)); }
int64_t floor_mod(int64_t a, int64_t b) { return a - floor_div(a, b) * b; }

// Days before 1 March of a year that starts in March, in either calendar.
int64_t days_from(int64_t year, int month, int64_t day, bool gregorian) {
  const int64_t y = year - (month <= 2);
  const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const int64_t leaps = gregorian ? floor_div(y, 4) - floor_div(y, 100) + floor_div(y, 400) : floor_div(y, 4) - 2;
  return y * 365 + leaps + day_of_year - 719468;
}

CalendarDate date_from(int64_t days, bool gregorian) {
  // A guess that is at most a year off, then corrected.
  int64_t year = 1970 + floor_div(days * 10000, gregorian ? 3652425 : 3652500);
  while (days_from(year + 1, 1, 1, gregorian) <= days) ++year;
  while (days_from(year, 1, 1, gregorian) > days) --year;
  int month = 1;
  while (month < 12 && days_from(year, month + 1, 1, gregorian) <= days) ++month;
  return {year, month, static_cast<int>(days - days_from(year, month, 1, gregorian)) + 1};
}

// The week, from 1, of a day in a period that starts on `first`, the day `first` being in week 1.
int week_of(int64_t days, int64_t first) { return static_cast<int>((days - first + day_of_week(first) - 1) / 7) + 1; }

}  // namespace

int64_t days_of_date(int64_t year, int month, int64_t day) {
  const int64_t months = year * 12 + month - 1;
  year = floor_div(months, 12);
  month = static_cast<int>(floor_mod(months, 12)) + 1;
  const int64_t gregorian = days_from(year, month, day, true);
  return gregorian >= kCutover ? gregorian : days_from(year, month, day, false);
}

CalendarDate date_of_days(int64_t days) { return date_from(days, days >= kCutover); }

int day_of_week(int64_t days) { return static_cast<int>(floor_mod(days + 4, 7)) + 1; }

CalendarFields fields_of(int64_t local_ms) {
  const int64_t days = floor_div(local_ms, kDayMs);
  const auto ms = static_cast<int>(floor_mod(local_ms, kDayMs));
  const CalendarDate date = date_of_days(days);
  CalendarFields f{};
  f.year = date.year;
  f.before_christ = date.year <= 0;
  f.year_of_era = f.before_christ ? 1 - date.year : date.year;
  f.month = date.month;
  f.day = date.day;
  f.day_of_week = day_of_week(days);
  const int64_t first_of_year = days_of_date(date.year, 1, 1);
  f.day_of_year = static_cast<int>(days - first_of_year) + 1;
  f.week_of_year = week_of(days, first_of_year);
  f.week_year = date.year;
  const int64_t next_year = days_of_date(date.year + 1, 1, 1);
  if (days >= next_year - (day_of_week(next_year) - 1)) {
    f.week_of_year = 1;
    ++f.week_year;
  }
  f.week_of_month = week_of(days, days_of_date(date.year, date.month, 1));
  f.day_of_week_in_month = (date.day - 1) / 7 + 1;
  f.hour = ms / 3'600'000;
  f.minute = ms / 60'000 % 60;
  f.second = ms / 1000 % 60;
  f.millisecond = ms % 1000;
  return f;
}

int64_t CalendarBuilder::year() const {
  const int64_t value = is_set(kYear) ? values_[kYear] : is_set(kWeekYear) ? values_[kWeekYear] : 1970;
  return is_set(kEra) && values_[kEra] == 0 ? 1 - value : value;
}

bool CalendarBuilder::in_range() const {
  struct Range {
    Field field;
    int64_t least;
    int64_t most;
  };
  static constexpr Range kRanges[] = {
      {kEra, 0, 1},         {kYear, 1, 292278994}, {kMonth, 0, 11},
      {kWeekOfYear, 1, 53}, {kWeekOfMonth, 0, 6},  {kDayOfMonth, 1, 31},
      {kDayOfYear, 1, 366}, {kDayOfWeek, 1, 7},    {kDayOfWeekInMonth, 1, 6},
      {kAmPm, 0, 1},        {kHour, 0, 11},        {kHourOfDay, 0, 23},
      {kMinute, 0, 59},     {kSecond, 0, 59},      {kMillisecond, 0, 999},
  };
  return std::all_of(std::begin(kRanges), std::end(kRanges), [this](const Range& range) {
    return !is_set(range.field) || (values_[range.field] >= range.least && values_[range.field] <= range.most);
  });
}

// Which of the fields say the day: the combination that was completed last (java.util.Calendar's rule).
int64_t CalendarBuilder::days() const {
  const auto both = [](int a, int b) { return a == 0 || b == 0 ? 0 : std::max(a, b); };
  const int dow = stamps_[kDayOfWeek];
  int dom = stamps_[kDayOfMonth];
  int wom = both(stamps_[kWeekOfMonth], dow);
  int dowim = both(stamps_[kDayOfWeekInMonth], dow);
  const int doy = stamps_[kDayOfYear];
  int woy = both(stamps_[kWeekOfYear], dow);
  int best = std::max({dom, wom, dowim, doy, woy});
  if (best == 0) {
    wom = stamps_[kWeekOfMonth];
    dowim = std::max(stamps_[kDayOfWeekInMonth], dow);
    woy = stamps_[kWeekOfYear];
    best = std::max({wom, dowim, woy});
    if (best == 0) best = dom = stamps_[kMonth];
  }
  const int64_t y = year();
  const bool by_month = best == dom || (best == wom && stamps_[kWeekOfMonth] >= stamps_[kWeekOfYear]) ||
                        (best == dowim && stamps_[kDayOfWeekInMonth] >= stamps_[kWeekOfYear]);
  const int64_t wanted_dow = dow != 0 ? values_[kDayOfWeek] : 1;
  if (by_month) {
    const int64_t months = y * 12 + (is_set(kMonth) ? values_[kMonth] : 0);
    const int64_t month_year = floor_div(months, 12);
    const int month = static_cast<int>(floor_mod(months, 12)) + 1;
    if (best == dom) return days_of_date(month_year, month, 1) + (is_set(kDayOfMonth) ? values_[kDayOfMonth] : 1) - 1;
    const int64_t first = days_of_date(month_year, month, 1);
    if (best == wom && (wom != dowim || stamps_[kWeekOfMonth] >= stamps_[kDayOfWeekInMonth])) {
      return first - (day_of_week(first) - 1) + (values_[kWeekOfMonth] - 1) * 7 + (wanted_dow - 1);
    }
    const int64_t ordinal = is_set(kDayOfWeekInMonth) ? values_[kDayOfWeekInMonth] : 1;
    if (ordinal >= 0) return first + floor_mod(wanted_dow - day_of_week(first), 7) + (ordinal - 1) * 7;
    const int64_t last = days_of_date(month_year, month + 1, 1) - 1;
    return last - floor_mod(day_of_week(last) - wanted_dow, 7) + (ordinal + 1) * 7;
  }
  const int64_t first = days_of_date(y, 1, 1);
  if (best == doy) return first + values_[kDayOfYear] - 1;
  return first - (day_of_week(first) - 1) + (values_[kWeekOfYear] - 1) * 7 + (wanted_dow - 1);
}

std::optional<int64_t> CalendarBuilder::local_ms(bool lenient) const {
  if (!lenient && !in_range()) return std::nullopt;
  const int64_t day = days();
  const auto both = [](int a, int b) { return a == 0 || b == 0 ? 0 : std::max(a, b); };
  const int hour_of_day = stamps_[kHourOfDay];
  int hour = both(stamps_[kHour], stamps_[kAmPm]);
  int best = std::max(hour_of_day, hour);
  if (best == 0) best = hour = std::max(stamps_[kHour], stamps_[kAmPm]);
  __int128 hours = 0;
  if (best != 0)
    hours = best == hour_of_day ? values_[kHourOfDay] : values_[kHour] + (is_set(kAmPm) ? 12 * values_[kAmPm] : 0);
  const __int128 ms = ((hours * 60 + values_[kMinute]) * 60 + values_[kSecond]) * 1000 + values_[kMillisecond] +
                      static_cast<__int128>(day) * kDayMs;
  if (ms > INT64_MAX || ms < INT64_MIN) return std::nullopt;
  const auto local = static_cast<int64_t>(ms);
  if (lenient) return local;
  // What was set must come out again: no 31 February, no Monday that is a Tuesday.
  const CalendarFields f = fields_of(local);
  const std::pair<Field, int64_t> pairs[] = {
      {kYear, f.year_of_era},
      {kMonth, f.month - 1},
      {kDayOfMonth, f.day},
      {kDayOfYear, f.day_of_year},
      {kDayOfWeek, f.day_of_week},
      {kWeekOfYear, f.week_of_year},
      {kWeekOfMonth, f.week_of_month},
      {kDayOfWeekInMonth, f.day_of_week_in_month},
  };
  for (const auto& [field, value] : pairs) {
    if (is_set(field) && values_[field] != value) return std::nullopt;
  }
  return local;
}

}  // namespace modelyard::stellar
