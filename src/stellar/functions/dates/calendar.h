// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

namespace modelyard::stellar {

// java.util.GregorianCalendar: Julian before 15 October 1582, Gregorian from then on; weeks start on Sunday and the
// first week of a year or month is the one that holds its first day (en_US).

struct CalendarDate {
  int64_t year;  // 0 is 1 BC
  int month;     // 1..12
  int day;       // 1..31
};

int64_t days_of_date(int64_t year, int month, int64_t day);  // days since 1970-01-01; month and day may be out of range
CalendarDate date_of_days(int64_t days);
int day_of_week(int64_t days);  // Sunday is 1

// A moment in a zone, taken apart.
struct CalendarFields {
  int64_t year_of_era;
  bool before_christ;
  int64_t year;  // 0 is 1 BC
  int month;     // 1..12
  int day;
  int day_of_week;  // Sunday is 1
  int day_of_year;
  int week_of_year;
  int week_of_month;
  int day_of_week_in_month;
  int64_t week_year;
  int hour;  // 0..23
  int minute;
  int second;
  int millisecond;
};
CalendarFields fields_of(int64_t local_ms);  // milliseconds since 1970 plus the zone's offset

// The fields that a parse set, each with the order in which it was set (0 = not at all), as java.util.Calendar resolves
// them.
class CalendarBuilder {
 public:
  enum Field {
    kEra,
    kYear,
    kMonth,
    kWeekOfYear,
    kWeekOfMonth,
    kDayOfMonth,
    kDayOfYear,
    kDayOfWeek,
    kDayOfWeekInMonth,
    kAmPm,
    kHour,
    kHourOfDay,
    kMinute,
    kSecond,
    kMillisecond,
    kZoneOffset,
    kWeekYear,
    kFieldCount,
  };
  void set(Field field, int64_t value) {
    values_[field] = value;
    stamps_[field] = ++stamp_;
  }
  bool is_set(Field field) const { return stamps_[field] != 0; }
  int64_t get(Field field) const { return values_[field]; }

  // Local milliseconds since 1970, without the zone. Nothing: strict and a value out of its range.
  std::optional<int64_t> local_ms(bool lenient) const;

 private:
  bool in_range() const;
  int64_t days() const;
  int64_t year() const;

  int64_t values_[kFieldCount] = {};
  int stamps_[kFieldCount] = {};
  int stamp_ = 1;
};

}  // namespace modelyard::stellar
