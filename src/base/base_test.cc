// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "base/strings.h"
#include "base/version.h"

namespace modelyard {
namespace {

TEST(Error, ContextGoesInFrontAndTheCodeStays) {
  Error error(ErrorCode::kNotFound, "no such file");
  error = std::move(error).with_context("reading endpoint.dat");
  EXPECT_EQ(error.message(), "reading endpoint.dat: no such file");
  EXPECT_EQ(error.code(), ErrorCode::kNotFound);
  const Error copy = error;
  EXPECT_EQ(copy.message(), error.message());
  static_assert(sizeof(Error) == sizeof(void*));
}

Result<int> half(int n) {
  if (n % 2 != 0) return fail(ErrorCode::kInvalidArgument, "odd");
  return n / 2;
}
Result<int> quarter(int n) {
  MY_TRY(const int a, half(n));
  MY_TRY(const int b, half(a));
  return b;
}

TEST(Result, TryReturnsTheFirstError) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_EQ(quarter(6).error().message(), "odd");
}

struct VersionRow {
  const char* name;
  const char* smaller;
  const char* greater;
};

class VersionOrder : public testing::TestWithParam<VersionRow> {};

TEST_P(VersionOrder, SmallerComesFirst) {
  EXPECT_TRUE(compare_versions(GetParam().smaller, GetParam().greater) < 0);
  EXPECT_TRUE(compare_versions(GetParam().greater, GetParam().smaller) > 0);
  EXPECT_TRUE(compare_versions(GetParam().smaller, GetParam().smaller) == 0);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, VersionOrder,
    testing::Values(VersionRow{"by_value", "9.0", "10.0"}, VersionRow{"more_parts", "1.0", "1.0.1"},
                    VersionRow{"release_candidate", "1.0-rc1", "1.0"},
                    VersionRow{"candidates_by_value", "1.0-rc2", "1.0-rc10"},
                    VersionRow{"word_before_number", "1.beta", "1.0"}, VersionRow{"words", "alpha", "beta"},
                    VersionRow{"leading_zeros_differ_last", "1.02", "1.2"},
                    VersionRow{"long_numbers", "99999999999999999998", "99999999999999999999"},
                    VersionRow{"word_is_below_nothing", "rc", ""}, VersionRow{"v_prefix", "v9", "v10"}),
    [](const auto& row) { return row.param.name; });

TEST(Strings, InvalidUtf8IsReplacedOncePerIllFormedPart) {
  EXPECT_TRUE(is_valid_utf8("gr\xc3\xbc\xc3\x9f"));
  EXPECT_FALSE(is_valid_utf8("\xed\xa0\x80"));
  EXPECT_EQ(to_valid_utf8("a\xff"
                          "b"),
            "a\xef\xbf\xbd"
            "b");
  EXPECT_EQ(to_valid_utf8("\xf0\x9f\x98"), "\xef\xbf\xbd");
}

TEST(Strings, NamesThatWouldLeaveTheirFolderAreRefused) {
  EXPECT_EQ(why_bad_name("mock_dga-2.1"), "");
  for (const char* bad : {"", "..", "../x", "a/b", ".hidden", "-flag", "a b", "a\nb", "\xc3\xbc"})
    EXPECT_NE(why_bad_name(bad), "") << bad;
  EXPECT_NE(why_bad_name(std::string(129, 'a')), "");
}

TEST(Strings, Sha256OfTheStandardsExample) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Random, SameSeedSameSequence) {
  Random a(7), b(7), c(8);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(a(), b());
  EXPECT_NE(a(), c());
  for (int i = 0; i < 1000; ++i) EXPECT_LT(a.below(3), 3u);
  EXPECT_EQ(random_uuid().size(), 36u);
}

TEST(Clock, IsoFormHasMilliseconds) {
  EXPECT_EQ(to_iso8601(from_epoch_ms(1700000000123)), "2023-11-14T22:13:20.123Z");
  EXPECT_EQ(to_iso8601(from_epoch_ms(-1)), "1969-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace modelyard
