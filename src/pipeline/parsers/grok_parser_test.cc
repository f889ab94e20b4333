// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "pipeline/testing/support.h"

// org.apache.metron.parsers.GrokParser (pipeline 3.1) at stage parse.
namespace modelyard::pipeline {
namespace {

using testing::FakeModels;

struct Row {
  std::string name;
  std::string config;    // members of parserConfig beside grokPath
  std::string patterns;  // of the file grokPath names
  std::string record;
  std::vector<std::string> expected;  // each document without original_string, or "error: " and how its message begins
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }
class GrokParserTable : public ::testing::TestWithParam<Row> {};

std::string parser_of(const std::string& config) {
  return R"({"parserClassName": "org.apache.metron.parsers.GrokParser", "parserConfig": {"grokPath": "/patterns/test", )" +
         config + "}}";
}

TEST_P(GrokParserTable, parses) {
  const auto pipeline =
      testing::compile({.parser = parser_of(GetParam().config), .patterns = {{"test", GetParam().patterns}}});
  ASSERT_TRUE(pipeline) << pipeline.error().message();
  FakeModels models;
  const auto done = testing::run(*pipeline, {GetParam().record}, Stage::kParse, models);
  ASSERT_EQ(done.documents.size(), GetParam().expected.size());
  for (size_t i = 0; i < done.documents.size(); ++i) {
    json::Tree document = done.tree(i);
    std::string shown;
    if (done.documents[i].is_error) {
      shown = "error: " + document["message"].get<std::string>();
      shown.resize(std::min(shown.size(), GetParam().expected[i].size()));
    } else {
      EXPECT_TRUE(document.contains("original_string"));
      document.erase("original_string");
      shown = json::dump(document);
    }
    EXPECT_EQ(shown, GetParam().expected[i]);
  }
}

constexpr const char* kStamp = R"("patternLabel": "L", "timestampField": "t")";
constexpr const char* kDated =
    R"("patternLabel": "L", "timestampField": "t", "timeFields": ["t", "u"], "dateFormat": "yyyy-MM-dd HH:mm:ss")";

INSTANTIATE_TEST_SUITE_P(
    Timestamps, GrokParserTable,
    ::testing::Values(Row{"dots_are_dropped",
                          kStamp,
                          "L %{NUMBER:t}",
                          "1461576382.642",
                          {R"({"t":"1461576382.642","timestamp":1461576382642})"}},
                      Row{"seconds_stay_seconds",
                          kStamp,
                          "L %{NUMBER:t}",
                          "1461576500",
                          {R"({"t":1461576500,"timestamp":1461576500})"}},
                      Row{"one_decimal",
                          kStamp,
                          "L %{NUMBER:t}",
                          "1461576500.1",
                          {R"({"t":"1461576500.1","timestamp":14615765001})"}},
                      Row{"six_decimals",
                          kStamp,
                          "L %{NUMBER:t}",
                          "1461576500.123456",
                          {R"({"t":"1461576500.123456","timestamp":1461576500123456})"}},
                      Row{"a_zero_is_parsed", kStamp, "L %{NUMBER:t}", "0", {R"({"t":0,"timestamp":0})"}},
                      Row{"a_word_is_no_timestamp",
                          kStamp,
                          "L %{WORD:t}",
                          "abc",
                          {"error: Grok parser Error: For input string: \"abc\""}},
                      Row{"a_field_that_is_not_there",
                          kStamp,
                          "L %{WORD:a}",
                          "abc",
                          {"error: Grok parser Error: L parser does not include field t on abc"}},
                      Row{"a_field_that_is_null",
                          kStamp,
                          "L %{WORD:a}(?: %{INT:t})?",
                          "abc",
                          {"error: Grok parser Error: L parser does not include field t on abc"}},
                      Row{"no_timestamp_field", R"("patternLabel": "L")", "L %{WORD:a}", "abc", {R"({"a":"abc"})"}},
                      Row{"dates",
                          kDated,
                          "L (?<t>[^|]+)\\|(?<u>.*)",
                          "2016-01-28 15:29:48|2016-01-28 15:29:49",
                          {R"({"t":1453994988000,"u":1453994989000,"timestamp":1453994988000})"}},
                      Row{"a_null_date_stays",
                          kDated,
                          "L (?<t>[^|]+)(?:\\|(?<u>.*))?",
                          "2016-01-28 15:29:48",
                          {R"({"t":1453994988000,"u":null,"timestamp":1453994988000})"}},
                      Row{"a_bad_date",
                          kDated,
                          "L (?<t>[^|]+)",
                          "yesterday",
                          {"error: Grok parser Error: Unparseable date: \"yesterday\" in the field t on yesterday"}},
                      Row{"a_date_that_is_a_number",
                          kDated,
                          "L (?<t>[^|]+)",
                          "2016",
                          {"error: Grok parser Error: the time field t is a number, not a date on 2016"}},
                      Row{"zone_of_the_dates",
                          std::string(kDated) + R"(, "timeZone": "America/New_York")",
                          "L (?<t>.+)",
                          "2016-01-28 15:29:48",
                          {R"({"t":1454012988000,"timestamp":1454012988000})"}}),
    [](const auto& info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Lines, GrokParserTable,
    ::testing::Values(
        Row{"the_label_itself_is_no_field", R"("patternLabel": "L")", "L %{WORD:a} %{WORD:L}", "x y", {R"({"a":"x"})"}},
        Row{"original_string_is_the_line", R"("patternLabel": "L")", "L %{WORD:original_string}", "abc", {"{}"}},
        Row{"one_line_may_have_line_ends",
            R"("patternLabel": "L")",
            "L %{WORD:a}\\s%{WORD:b}",
            "x\ny",
            {R"({"a":"x","b":"y"})"}},
        Row{"multi_line",
            R"("patternLabel": "L", "multiLine": "true")",
            "L %{INT:a}",
            "1\r\nBOOM\n2\n\n3",
            {R"({"a":1})", "error: Grok statement produced a null message. Original message was: BOOM and",
             R"({"a":2})", "error: Grok statement produced a null message. Original message was:  and", R"({"a":3})"}},
        Row{"multi_line_with_bad_dates",
            std::string(kDated) + R"(, "multiLine": "true")",
            "L (?<t>.+)",
            "2016-01-28 15:29:48\nnever\n2016-01-28 15:29:49",
            {R"({"t":1453994988000,"timestamp":1453994988000})",
             "error: Grok parser Error: Unparseable date: \"never\"",
             R"({"t":1453994989000,"timestamp":1453994989000})"}},
        Row{"multi_line_is_a_text",
            R"("patternLabel": "L", "multiLine": "false")",
            "L %{INT:a}",
            "1\n2",
            {R"({"a":1})"}},
        Row{"bytes_that_are_no_utf8_are_replaced",
            R"("patternLabel": "L")",
            "L %{GREEDYDATA:a}",
            "a\xff",
            {"{\"a\":\"a\xef\xbf\xbd\"}"}},
        Row{"a_charset_counts_for_many_lines",
            R"("patternLabel": "L", "multiLine": "true", "readCharset": "ISO-8859-1")",
            "L %{GREEDYDATA:a}",
            "caf\xe9",
            {"{\"a\":\"caf\xc3\xa9\"}"}},
        Row{"and_not_for_one",
            R"("patternLabel": "L", "readCharset": "ISO-8859-1")",
            "L %{GREEDYDATA:a}",
            "caf\xc3\xa9",
            {"{\"a\":\"caf\xc3\xa9\"}"}},
        Row{"an_empty_line_can_match", R"("patternLabel": "L")", "L %{GREEDYDATA:a}", "", {R"({"a":""})"}}),
    [](const auto& info) { return info.param.name; });

TEST(GrokParser, timestamp_zero_is_invalid) {
  const auto pipeline = testing::compile({.parser = parser_of(kStamp), .patterns = {{"test", "L %{NUMBER:t}"}}});
  ASSERT_TRUE(pipeline);
  FakeModels models;
  const auto done = testing::run(*pipeline, {"0", "1"}, Stage::kTransform, models);
  ASSERT_EQ(done.documents.size(), 2u);
  EXPECT_EQ(done.tree(0)["error_type"], "parser_invalid");
  EXPECT_EQ(done.tree(0)["message"], "timestamp is 0, not above 0");
  EXPECT_FALSE(done.documents[1].is_error);
}

struct Refusal {
  std::string name;
  std::string config;
  std::map<std::string, std::string> patterns;
  std::string expected;  // how the message begins
};
void PrintTo(const Refusal& row, std::ostream* out) { *out << row.name; }
class GrokRefusalTable : public ::testing::TestWithParam<Refusal> {};
TEST_P(GrokRefusalTable, is_refused_before_start) {
  const auto pipeline = testing::compile(
      {.parser = "{\"parserClassName\": \"org.apache.metron.parsers.GrokParser\",\n\"parserConfig\": {" +
                 GetParam().config + "}}",
       .patterns = GetParam().patterns});
  ASSERT_FALSE(pipeline);
  EXPECT_EQ(pipeline.error().message().substr(0, GetParam().expected.size()), GetParam().expected);
}
INSTANTIATE_TEST_SUITE_P(
    GrokParser, GrokRefusalTable,
    ::testing::Values(
        Refusal{"no_path",
                R"("patternLabel": "L")",
                {},
                "parsers/squid.json:2:17: the GrokParser needs parserConfig.grokPath"},
        Refusal{"no_label",
                R"("grokPath": "/patterns/test")",
                {},
                "parsers/squid.json:2:17: the GrokParser needs parserConfig.patternLabel"},
        Refusal{
            "no_such_file",
            R"("grokPath": "/patterns/nope", "patternLabel": "L")",
            {},
            "parsers/squid.json:2:30: there are no patterns /patterns/nope: the configuration has no folder patterns/"},
        Refusal{"no_such_label",
                R"("grokPath": "/patterns/test", "patternLabel": "M")",
                {{"test", "L x"}},
                "parsers/squid.json:2:64: no pattern is named M"},
        Refusal{"bad_regex",
                R"("grokPath": "/patterns/test", "patternLabel": "L")",
                {{"test", "# first\nL (x"}},
                "parsers/squid.json:2:64: %{L}: L (patterns/test:2): missing closing parenthesis"},
        Refusal{"bad_date_format",
                R"("grokPath": "/patterns/test", "patternLabel": "L", "dateFormat": "yyyy'")",
                {{"test", "L x"}},
                "parsers/squid.json:2:83: date pattern 'yyyy'': a quote is not clo"},
        Refusal{"bad_charset",
                R"("grokPath": "/patterns/test", "patternLabel": "L", "multiLine": "true", "readCharset": "x")",
                {{"test", "L x"}},
                "parsers/squid.json:2:105: readCharset is UTF-8 or ISO-8859-1"},
        Refusal{"bad_time_fields",
                R"("grokPath": "/patterns/test", "patternLabel": "L", "timeFields": "t")",
                {{"test", "L x"}},
                "parsers/squid.json:2:83: \"timeFields\" is a list of field names"}),
    [](const auto& info) { return info.param.name; });

TEST(GrokParser, pattern_files_build_on_each_other) {
  FakeModels models;
  const auto parse = [&](std::map<std::string, std::string> patterns) {
    const auto pipeline =
        testing::compile({.parser = parser_of(R"("patternLabel": "L")"), .patterns = std::move(patterns)});
    return pipeline ? json::dump(testing::run(*pipeline, {"abc 12"}, Stage::kParse, models).tree(0)["a"])
                    : pipeline.error().message();
  };
  EXPECT_EQ(parse({{"test", "L %{WORD:a}"}}), R"("abc")");
  // The folder's own "common" comes on top of the built-in names, the file of grokPath on top of both.
  EXPECT_EQ(parse({{"test", "L %{WORD:a}"}, {"common", "WORD [0-9]+"}}), "12");
  EXPECT_EQ(parse({{"test", "L %{WORD:a}\nWORD b+"}, {"common", "WORD [0-9]+"}}), R"("b")");
  // Other files only help out.
  EXPECT_EQ(parse({{"test", "L %{WORD:a}"}, {"other", "WORD [0-9]+"}}), R"("abc")");
  EXPECT_EQ(parse({{"test", "L %{MINE:a}"}, {"other", "MINE c"}}), R"("c")");
}

TEST(GrokParser, shipped_patterns_serve_configurations_without_their_own) {
  FakeModels models;
  const auto pipeline = testing::compile({.parser = testing::squid_parser()});
  ASSERT_TRUE(pipeline) << pipeline.error().message();
  EXPECT_EQ(testing::run(*pipeline, {testing::squid_line("http://a.example/")}, Stage::kParse, models).tree(0)["code"],
            200);
}

}  // namespace
}  // namespace modelyard::pipeline
