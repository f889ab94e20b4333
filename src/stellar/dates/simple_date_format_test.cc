// SPDX-License-Identifier: Apache-2.0
#include "stellar/dates/simple_date_format.h"

#include <gtest/gtest.h>

namespace modelyard::stellar {
namespace {

struct Row {
  std::string name;
  std::string pattern;
  std::string zone;
  std::string text;
  std::optional<int64_t> expected;
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }
class DateTable : public testing::TestWithParam<Row> {};

TEST_P(DateTable, reads) {
  const auto format = SimpleDateFormat::compile(GetParam().pattern, GetParam().zone);
  ASSERT_TRUE(format) << format.error().message();
  // 2020-06-15
  EXPECT_EQ(format->parse(GetParam().text, from_epoch_ms(1'592'179'200'000)), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Dates, DateTable,
    testing::Values(
        Row{"plain", "yyyy-MM-dd HH:mm:ss", "UTC", "2016-01-28 15:29:48", 1453994988000},
        Row{"milliseconds", "yyyy-MM-dd HH:mm:ss.S", "UTC", "2016-01-28 15:29:48.512", 1453994988512},
        Row{"more_digits_are_more_milliseconds", "yyyy-MM-dd'T'HH:mm:ss.S'Z'", "UTC", "2018-08-30T21:02:32.047266Z", 1535662999266},
        Row{"rolls_over", "yyyy-MM-dd", "UTC", "2016-13-45", 1487030400000},
        Row{"a_prefix_is_enough", "yyyy-MM-dd", "UTC", "2016-01-28 and more", 1453939200000},
        Row{"does_not_fit", "yyyy-MM-dd", "UTC", "28.01.2016", std::nullopt},
        Row{"too_short", "yyyy-MM-dd HH", "UTC", "2016-01-28", std::nullopt},
        Row{"empty", "yyyy", "UTC", "", std::nullopt},
        Row{"abutting_digits", "yyyyMMddHHmmss", "UTC", "20160128152948", 1453994988000},
        Row{"month_name", "dd MMM yyyy", "UTC", "28 jan 2016", 1453939200000},
        Row{"whole_month_name", "MMMM d, yyyy", "UTC", "January 28, 2016", 1453939200000},
        Row{"day_name", "EEE, dd MMM yyyy HH:mm:ss Z", "UTC", "Thu, 28 Jan 2016 15:29:48 +0100", 1453991388000},
        Row{"blanks_before_a_field", "MMM d HH:mm:ss yyyy", "UTC", "Jan  5 14:38:41 2016", 1452004721000},
        Row{"half_day", "MM/dd/yyyy hh:mm a", "UTC", "01/28/2016 12:29 AM", 1453940940000},
        Row{"two_digit_year_of_this_century", "MM/dd/yy", "UTC", "01/28/16", 1453939200000},
        Row{"two_digit_year_of_the_last_century", "MM/dd/yy", "UTC", "01/28/45", -786585600000},
        Row{"zone_name", "yyyy-MM-dd HH:mm:ss z", "UTC", "2016-01-28 15:29:48 EST", 1454012988000},
        Row{"zone_gmt_offset", "yyyy-MM-dd HH:mm:ss z", "UTC", "2016-01-28 15:29:48 GMT+01:00", 1453991388000},
        Row{"iso_zone", "yyyy-MM-dd'T'HH:mm:ssXXX", "UTC", "2016-01-28T15:29:48+01:00", 1453991388000},
        Row{"iso_zulu", "yyyy-MM-dd'T'HH:mm:ssX", "Europe/Berlin", "2016-01-28T15:29:48Z", 1453994988000},
        Row{"zone_of_the_format", "yyyy-MM-dd HH:mm:ss", "America/New_York", "2016-01-28 15:29:48", 1454012988000},
        Row{"summer_time", "yyyy-MM-dd HH:mm:ss", "Europe/Berlin", "2016-07-28 15:29:48", 1469712588000},
        Row{"skipped_hour", "yyyy-MM-dd HH:mm:ss", "Europe/Berlin", "2016-03-27 02:30:00", 1459042200000},
        Row{"doubled_hour", "yyyy-MM-dd HH:mm:ss", "Europe/Berlin", "2016-10-30 02:30:00", 1477791000000},
        Row{"custom_zone", "yyyy-MM-dd HH:mm:ss", "GMT+5:30", "2016-01-28 15:29:48", 1453975188000},
        Row{"unknown_zone_is_gmt", "yyyy-MM-dd HH:mm:ss", "Nowhere/City", "2016-01-28 15:29:48", 1453994988000},
        Row{"quote", "yyyy ''yy'' 'o''clock'", "UTC", "2016 '16' o'clock", 1451606400000},
        Row{"day_of_year", "yyyy-DDD", "UTC", "2016-028", 1453939200000},
        Row{"number_beyond_int", "yyyy", "UTC", "99999999999", std::nullopt}),
    [](const auto& info) { return info.param.name; });

TEST(SimpleDateFormat, bad_patterns_are_refused) {
  EXPECT_EQ(SimpleDateFormat::compile("yyyy 'open", "UTC").error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(SimpleDateFormat::compile("yyyy-bb", "UTC").error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(SimpleDateFormat::compile("YYYY-ww", "UTC").error().code(), ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace modelyard::stellar
