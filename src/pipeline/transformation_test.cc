// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "pipeline/testing/support.h"

// What fieldTransformations do to a message (pipeline 4.3), through the whole runner at stage transform.
namespace modelyard::pipeline {
namespace {

using testing::FakeModels;

struct Row {
  std::string name;
  std::string transformations;  // the items of the list
  std::string message;          // members beside timestamp
  std::string
      expected;  // members beside timestamp, original_string, source.type and guid; or how the error's message begins
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }
class TransformationTable : public ::testing::TestWithParam<Row> {};

std::string parser_of(const std::string& transformations, const std::string& more = "") {
  return R"({"parserClassName": "org.apache.metron.parsers.json.JSONMapParser", "parserConfig": {"mapStrategy": "ALLOW", "limit": 7, "a": "config"},
  "fieldTransformations": [)" +
         transformations + "]" + more + "}";
}

TEST_P(TransformationTable, gives) {
  const auto pipeline = testing::compile({.parser = parser_of(GetParam().transformations)});
  ASSERT_TRUE(pipeline) << pipeline.error().message();
  FakeModels models;
  const std::string members = GetParam().message;
  const auto done = testing::run(*pipeline, {R"({"timestamp": 5)" + (members.empty() ? "" : ", " + members) + "}"},
                                 Stage::kTransform, models);
  ASSERT_EQ(done.documents.size(), 1u);
  json::Tree document = done.tree(0);
  if (done.documents[0].is_error) {
    EXPECT_EQ(document["message"].get<std::string>().substr(0, GetParam().expected.size()), GetParam().expected);
    return;
  }
  for (const char* always : {"timestamp", "original_string", "source.type", "guid"}) {
    EXPECT_TRUE(document.contains(always)) << always;
    document.erase(always);
  }
  EXPECT_EQ(json::dump(document), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Stellar, TransformationTable,
    ::testing::Values(
        Row{"entries_run_in_the_order_of_config",
            R"J({"transformation": "STELLAR", "output": ["y", "x"], "config": {"x": "b + 1", "y": "x + 1"}})J",
            R"("b": 1)", R"({"b":1,"x":2,"y":3})"},
        Row{"entries_without_output_are_intermediates",
            R"J({"transformation": "STELLAR", "output": "y", "config": {"t": "b + 1", "y": "t + 1"}})J", R"("b": 1)",
            R"({"b":1,"y":3})"},
        Row{"null_removes_the_field", R"J({"transformation": "STELLAR", "output": "b", "config": {"b": "null"}})J",
            R"("b": 1, "c": 2)", R"({"c":2})"},
        Row{"null_falls_through_to_the_message_within_the_transformation",
            R"J({"transformation": "STELLAR", "output": ["b", "c"], "config": {"b": "null", "c": "b"}})J", R"("b": 1)",
            R"({"c":1})"},
        Row{"the_next_transformation_sees_the_removal",
            R"J({"transformation": "STELLAR", "output": "b", "config": {"b": "null"}}, {"transformation": "STELLAR", "output": "c", "config": {"c": "exists(b)"}})J",
            R"("b": 1)", R"({"c":false})"},
        Row{"input_limits_what_of_the_message_is_seen",
            R"J({"transformation": "STELLAR", "input": "b", "output": ["x", "y"], "config": {"x": "b", "y": "c"}})J",
            R"("b": 1, "c": 2)", R"({"b":1,"c":2,"x":1})"},
        Row{"parser_config_is_behind_the_message",
            R"J({"transformation": "STELLAR", "output": ["x", "y"], "config": {"x": "limit", "y": "a"}})J",
            R"("a": "message")", R"({"a":"message","x":7,"y":"message"})"},
        Row{"a_null_of_the_message_falls_through_to_parser_config",
            R"J({"transformation": "STELLAR", "output": "y", "config": {"y": "a"}})J", R"("a": null)",
            R"({"a":null,"y":"config"})"},
        Row{"output_defaults_to_input", R"J({"transformation": "STELLAR", "input": "b", "config": {"b": "b * 2"}})J",
            R"("b": 2)", R"({"b":4})"},
        Row{"the_message_as_a_whole",
            R"J({"transformation": "STELLAR", "output": "x", "config": {"x": "MAP_GET('b', _)"}})J", R"("b": 9)",
            R"({"b":9,"x":9})"},
        Row{"types_are_kept",
            R"J({"transformation": "STELLAR", "output": ["i", "l", "d", "t", "f"], "config": {"i": "1", "l": "5000000000L", "d": "1.5", "t": "true", "f": "['a', 1]"}})J",
            "", R"({"i":1,"l":5000000000,"d":1.5,"t":true,"f":["a",1]})"},
        Row{"an_error_fails_the_record", R"J({"transformation": "STELLAR", "output": "x", "config": {"x": "1 / b"}})J",
            R"("b": 0)", "Unable to process transformation: 1 / b for x because "},
        Row{"guid_and_original_string_come_after",
            R"J({"transformation": "STELLAR", "output": ["x", "y"], "config": {"x": "exists(guid)", "y": "exists(original_string)"}})J",
            "", R"({"x":false,"y":false})"}),
    [](const auto& info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Others, TransformationTable,
    ::testing::Values(
        Row{"remove", R"J({"transformation": "REMOVE", "input": ["b", "nowhere"]})J", R"("b": 1, "c": 2)",
            R"({"c":2})"},
        Row{"remove_when", R"J({"transformation": "REMOVE", "input": "b", "config": {"condition": "b == 1"}})J",
            R"("b": 1, "c": 2)", R"({"c":2})"},
        Row{"remove_not_when", R"J({"transformation": "REMOVE", "input": "b", "config": {"condition": "b == 3"}})J",
            R"("b": 1)", R"({"b":1})"},
        Row{"the_condition_of_remove_sees_its_input_alone",
            R"J({"transformation": "REMOVE", "input": "b", "config": {"condition": "exists(c)"}})J",
            R"("b": 1, "c": 2)", R"({"b":1,"c":2})"},
        Row{"a_condition_that_is_null_keeps",
            R"J({"transformation": "REMOVE", "input": "b", "config": {"condition": "c"}})J", R"("b": 1)", R"({"b":1})"},
        Row{"a_condition_that_is_no_boolean",
            R"J({"transformation": "REMOVE", "input": "b", "config": {"condition": "b"}})J", R"("b": 1)",
            "REMOVE: the condition b does not return a boolean"},
        Row{"rename", R"J({"transformation": "RENAME", "config": {"b": "x", "nowhere": "y"}})J", R"("b": 1, "c": 2)",
            R"({"c":2,"x":1})"},
        Row{"rename_swaps", R"J({"transformation": "RENAME", "config": {"b": "c", "c": "b"}})J", R"("b": 1, "c": 2)",
            R"({"c":1,"b":2})"},
        Row{"rename_onto_a_field", R"J({"transformation": "RENAME", "config": {"b": "c"}})J", R"("b": 1, "c": 2)",
            R"({"c":1})"},
        Row{"rename_of_null", R"J({"transformation": "RENAME", "config": {"b": "x"}})J", R"("b": null)", "{}"},
        Row{"rename_of_input_alone", R"J({"transformation": "RENAME", "input": "b", "config": {"b": "x", "c": "y"}})J",
            R"("b": 1, "c": 2)", R"({"c":2,"x":1})"},
        Row{"select", R"J({"transformation": "SELECT", "output": ["b", "nowhere"]})J", R"("b": 1, "c": 2)",
            R"({"b":1})"},
        Row{"ip_protocol", R"J({"transformation": "IP_PROTOCOL", "input": "p"})J", R"("p": 6)", R"({"p":"TCP"})"},
        Row{"ip_protocol_into_another_field", R"J({"transformation": "IP_PROTOCOL", "input": "p", "output": "q"})J",
            R"("p": 17)", R"({"p":17,"q":"UDP"})"},
        Row{"ip_protocol_late_number", R"J({"transformation": "IP_PROTOCOL", "input": "p"})J", R"("p": 142)",
            R"({"p":"ROHC"})"},
        Row{"ip_protocol_without_name", R"J({"transformation": "IP_PROTOCOL", "input": "p"})J", R"("p": 200)", "{}"},
        Row{"ip_protocol_of_text", R"J({"transformation": "IP_PROTOCOL", "input": "p"})J", R"("p": "6")",
            R"({"p":"6"})"},
        Row{"ip_protocol_absent", R"J({"transformation": "IP_PROTOCOL", "input": "p"})J", "", "{}"},
        Row{"regex_select",
            R"J({"transformation": "REGEX_SELECT", "input": "b", "output": "kind", "config": {"one": "^x", "two": ["nope", "y+"], "three": "y"}})J",
            R"("b": "ayyb")", R"({"b":"ayyb","kind":"two"})"},
        Row{"regex_select_found_none",
            R"J({"transformation": "REGEX_SELECT", "input": "b", "output": "kind", "config": {"one": "^x"}})J",
            R"("b": "abc", "kind": "old")", R"({"b":"abc","kind":"old"})"},
        Row{"regex_select_with_a_bad_regex",
            R"J({"transformation": "REGEX_SELECT", "input": "b", "output": "kind", "config": {"one": "(", "two": "b"}})J",
            R"("b": "abc")", R"({"b":"abc","kind":"two"})"}),
    [](const auto& info) { return info.param.name; });

TEST(Transformations, every_protocol_number_of_iana_has_its_place) {
  const auto pipeline =
      testing::compile({.parser = parser_of(R"J({"transformation": "IP_PROTOCOL", "input": ["a", "b", "c", "d"]},
    {"transformation": "IP_PROTOCOL", "input": "b"}, {"transformation": "IP_PROTOCOL", "input": "c"}, {"transformation": "IP_PROTOCOL", "input": "d"})J")});
  ASSERT_TRUE(pipeline) << pipeline.error().message();
  FakeModels models;
  const json::Tree document =
      testing::run(*pipeline, {R"({"timestamp": 5, "a": 50, "b": 58, "c": 89, "d": 132})"}, Stage::kTransform, models)
          .tree(0);
  EXPECT_EQ(document["a"], "ESP");
  EXPECT_EQ(document["b"], "IPv6-ICMP");
  EXPECT_EQ(document["c"], "OSPFIGP");
  EXPECT_EQ(document["d"], "SCTP");
}

TEST(Transformations, a_guid_of_a_transformation_is_kept) {
  const auto pipeline = testing::compile(
      {.parser = parser_of(R"J({"transformation": "STELLAR", "output": "guid", "config": {"guid": "'mine'"}})J")});
  ASSERT_TRUE(pipeline);
  FakeModels models;
  EXPECT_EQ(testing::run(*pipeline, {R"({"timestamp": 5})"}, Stage::kTransform, models).tree(0)["guid"], "mine");
}

struct Refusal {
  std::string name;
  std::string transformation;
  std::string expected;
};
void PrintTo(const Refusal& row, std::ostream* out) { *out << row.name; }
class RefusalTable : public ::testing::TestWithParam<Refusal> {};
TEST_P(RefusalTable, is_refused_before_start) {
  const auto pipeline = testing::compile(
      {.parser =
           "{\"parserClassName\": \"org.apache.metron.parsers.json.JSONMapParser\",\n\"fieldTransformations\": [\n" +
           GetParam().transformation + "\n]}"});
  ASSERT_FALSE(pipeline);
  EXPECT_EQ(pipeline.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(pipeline.error().message(), GetParam().expected);
}
INSTANTIATE_TEST_SUITE_P(
    Transformations, RefusalTable,
    ::testing::Values(
        Refusal{"unknown", R"J({"transformation": "REGEX_ROUTING"})J",
                "parsers/squid.json:3:20: there is no transformation REGEX_ROUTING; there are IP_PROTOCOL, "
                "REGEX_SELECT, REMOVE, RENAME, "
                "SELECT, STELLAR\n  {\"transformation\": \"REGEX_ROUTING\"}\n                     ^"},
        Refusal{"stellar_without_output", R"J({"transformation": "STELLAR", "config": {"a": "1"}})J",
                "parsers/squid.json:3:1: STELLAR needs \"output\": the fields that it writes\n"
                "  {\"transformation\": \"STELLAR\", \"config\": {\"a\": \"1\"}}\n  ^"},
        Refusal{"remove_of_nothing", R"J({"transformation": "REMOVE"})J",
                "parsers/squid.json:3:1: REMOVE needs \"input\": the fields that it takes away\n  {\"transformation\": "
                "\"REMOVE\"}\n  ^"},
        Refusal{"regex_select_of_two", R"J({"transformation": "REGEX_SELECT", "input": ["a", "b"], "output": "c"})J",
                "parsers/squid.json:3:1: REGEX_SELECT needs exactly one \"input\" and an \"output\"\n"
                "  {\"transformation\": \"REGEX_SELECT\", \"input\": [\"a\", \"b\"], \"output\": \"c\"}\n  ^"},
        Refusal{"unknown_function", R"J({"transformation": "STELLAR", "output": "a", "config": {"a": "TO_UPER(b)"}})J",
                "parsers/squid.json:3:63: in the expression: there is no function TO_UPER (did you mean TO_UPPER?)\n"
                "  transformation\": \"STELLAR\", \"output\": \"a\", \"config\": {\"a\": \"TO_UPER(b)\"}}\n"
                "                                                              ^"}),
    [](const auto& info) { return info.param.name; });

TEST(Refusals, an_expression_that_does_not_compile_is_shown_in_its_line) {
  const auto pipeline = testing::compile(
      {.parser = parser_of(
           "\n{\"transformation\": \"STELLAR\", \"output\": \"a\", \"config\": {\n  \"a\": \"b == \\\"x\\\" and\"}}")});
  ASSERT_FALSE(pipeline);
  const std::string message = pipeline.error().message();
  EXPECT_TRUE(message.starts_with("parsers/squid.json:4:")) << message;
  EXPECT_NE(message.find("\n    \"a\": \"b == \\\"x\\\" and\"}}]}\n"), std::string::npos) << message;
  EXPECT_NE(message.find("^"), std::string::npos) << message;
}

}  // namespace
}  // namespace modelyard::pipeline
