// SPDX-License-Identifier: Apache-2.0
#include "stellar/functions/dates/calendar.h"
#include "stellar/functions/dates/date_format.h"
#include "stellar/functions/helpers.h"

namespace modelyard::stellar {
namespace {

int64_t now_ms(Call& call) { return to_epoch_ms(call.capabilities.clock().wall()); }

// The zone of an argument: absent or null is the process's own.
std::shared_ptr<const Zone> zone_of(Value id) { return id.is_null() ? default_zone() : zone_by_id(id.text()); }

std::shared_ptr<const DateFormat> format_of(Call& call, Value pattern) {
  auto format = DateFormat::cached(pattern.text());
  if (format) return *format;
  call.fail(format.error().message());
  return nullptr;
}

Value to_epoch_timestamp(Call& call) {
  if (!has_arguments(call, 2) || !is_string_or_null(call, 0) || !is_string_or_null(call, 1) ||
      !is_string_or_null(call, 2))
    return {};
  if (call[0].is_null() || call[1].is_null()) return {};
  const auto format = format_of(call, call[1]);
  if (format == nullptr) return {};
  const auto time = format->parse(call[0].text(), *zone_of(call.at(2)), true, now_ms(call));
  return time ? Value::long_integer(*time) : Value::null();
}

Value is_date(Call& call) {
  if (!has_arguments(call, 2)) return {};
  if (call[0].is_null() || call[1].is_null()) return Value::boolean(false);
  if (!is_string_or_null(call, 1)) return {};
  const auto format = format_of(call, call[1]);
  if (format == nullptr) return {};
  return Value::boolean(format->parse(text_of(call.arena, call[0]), *default_zone(), false, now_ms(call)).has_value());
}

// DATE_FORMAT(format), (format, time), (format, zone), (format, time, zone). A second argument that is neither a Long
// nor a zone's name means now.
Value date_format(Call& call) {
  if (!has_arguments(call, 1) || !is_string_or_null(call, 0)) return {};
  if (call.size() == 2 && call[1].is_null()) return {};
  if (call[0].is_null()) return {};
  int64_t time = now_ms(call);
  Value zone;
  if (call.size() == 2 && call[1].kind() == Kind::kLong) time = call[1].as_integral();
  if (call.size() == 2 && call[1].is_string()) zone = call[1];
  if (call.size() >= 3) {
    if (call[1].is_null()) return {};
    if (call[1].kind() != Kind::kLong) return call.wrong_kind(1, "Long");
    if (!is_string_or_null(call, 2)) return {};
    time = call[1].as_integral();
    zone = call[2];
  }
  const auto format = format_of(call, call[0]);
  return format == nullptr ? Value::null() : call.string(format->format(time, *zone_of(zone)));
}

// One field of a time, of now where no argument is given; null gives null.
template <typename Take>
Value field(Call& call, Take take) {
  int64_t time = now_ms(call);
  if (call.size() > 0) {
    if (call[0].is_null()) return {};
    if (!call[0].is_number()) return call.wrong_kind(0, "Long");
    time = to_long(call[0]).value_or(0);
  }
  return Value::integer(static_cast<int32_t>(take(fields_of(time + default_zone()->offset_ms(time)))));
}
Value day_of_week_function(Call& call) {
  return field(call, [](const CalendarFields& f) { return f.day_of_week; });
}
Value day_of_month(Call& call) {
  return field(call, [](const CalendarFields& f) { return f.day; });
}
Value day_of_year(Call& call) {
  return field(call, [](const CalendarFields& f) { return f.day_of_year; });
}
Value week_of_month(Call& call) {
  return field(call, [](const CalendarFields& f) { return f.week_of_month; });
}
Value week_of_year(Call& call) {
  return field(call, [](const CalendarFields& f) { return f.week_of_year; });
}
Value month(Call& call) {
  return field(call, [](const CalendarFields& f) { return f.month - 1; });
}
Value year(Call& call) {
  return field(call, [](const CalendarFields& f) { return f.year_of_era; });
}

void add(FunctionRegistry& registry, std::string_view name, std::string_view description, Value (*run)(Call&),
         std::vector<Example> examples) {
  registry.add({.name = name,
                .category = "date",
                .description = description,
                .parameters = {{"time", "long", "milliseconds since 1970; default now", true}},
                .returns = "int",
                .examples = std::move(examples),
                .run = run});
}

}  // namespace

void register_date_functions(FunctionRegistry& registry) {
  registry.add(
      {.name = "TO_EPOCH_TIMESTAMP",
       .category = "date",
       .description = "Milliseconds since 1970 of a text read by a date pattern (Java's SimpleDateFormat, lenient); "
                      "null where it does not fit.",
       .parameters = {{"text", "string", "the date"},
                      {"format", "string", "the pattern"},
                      {"zone", "string", "default the process's", true}},
       .returns = "long",
       .examples = {{"TO_EPOCH_TIMESTAMP('2016-01-05 17:02:30', 'yyyy-MM-dd HH:mm:ss', 'UTC')", "1452013350000"},
                    {"TO_EPOCH_TIMESTAMP('x', 'yyyy', 'UTC')", "null"},
                    {"TO_EPOCH_TIMESTAMP('x', 'qqq')", "error"}},
       .run = to_epoch_timestamp});
  registry.add({.name = "DATE_FORMAT",
                .category = "date",
                .description = "A time written by a date pattern (Java's SimpleDateFormat).",
                .parameters = {{"format", "string", "the pattern"},
                               {"time", "long", "milliseconds since 1970; default now", true},
                               {"zone", "string", "default the process's", true}},
                .returns = "string",
                .examples = {{"DATE_FORMAT('yyyy-MM-dd HH:mm', 0L, 'UTC')", "\"1970-01-01 00:00\""}},
                .run = date_format});
  registry.add(
      {.name = "IS_DATE",
       .category = "date",
       .description = "Whether a text fits a date pattern, every value in its range.",
       .parameters = {{"date", "string", "the text; null gives false"}, {"format", "string", "the pattern"}},
       .returns = "bool",
       .examples = {{"IS_DATE('2016-02-29', 'yyyy-MM-dd')", "true"}, {"IS_DATE('2015-02-29', 'yyyy-MM-dd')", "false"}},
       .run = is_date});
  add(registry, "DAY_OF_WEEK", "The day of the week; Sunday is 1.", day_of_week_function, {{"DAY_OF_WEEK(0L)", "5"}});
  add(registry, "DAY_OF_MONTH", "The day of the month.", day_of_month, {{"DAY_OF_MONTH(0L)", "1"}});
  add(registry, "DAY_OF_YEAR", "The day of the year, from 1.", day_of_year, {{"DAY_OF_YEAR(0L)", "1"}});
  add(registry, "WEEK_OF_MONTH", "The week of the month, from 1, starting on Sundays.", week_of_month,
      {{"WEEK_OF_MONTH(0L)", "1"}});
  add(registry, "WEEK_OF_YEAR", "The week of the year, from 1, starting on Sundays.", week_of_year,
      {{"WEEK_OF_YEAR(0L)", "1"}});
  add(registry, "MONTH", "The month; January is 0.", month, {{"MONTH(0L)", "0"}});
  add(registry, "YEAR", "The year.", year, {{"YEAR(0L)", "1970"}});
}

}  // namespace modelyard::stellar
