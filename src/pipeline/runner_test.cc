// SPDX-License-Identifier: Apache-2.0
#include "pipeline/runner.h"

#include <gtest/gtest.h>

#include "pipeline/testing/support.h"

// The order of the runner, metadata, envelopes, filters and validations (pipeline 4).
namespace modelyard::pipeline {
namespace {

using testing::FakeModels;

constexpr const char* kJsonParser = R"J("parserClassName": "org.apache.metron.parsers.json.JSONMapParser")J";

struct In {
  std::string bytes;
  std::string topic;
  std::string key;
};

json::Tree run_one(const testing::Texts& texts, const In& in, Stage stage = Stage::kTransform) {
  const auto pipeline = testing::compile(texts);
  EXPECT_TRUE(pipeline) << pipeline.error().message();
  if (!pipeline) return {};
  FakeModels models;
  FakeClock clock;
  Worker worker(*pipeline, models, clock, {.stage = stage});
  worker.accept({.source = "s", .offset = 0, .bytes = in.bytes, .topic = in.topic, .key = in.key});
  FinishedRecord* done = worker.finished();
  EXPECT_NE(done, nullptr);
  if (done == nullptr || done->documents.empty()) return {};
  return json::parse(done->documents[0].json).value();
}

// Without guid and, of errors, without what differs each time.
std::string shown(json::Tree document) {
  for (const char* name : {"guid", "hostname", "error_hash", "exception"}) document.erase(name);
  return json::dump(document);
}

TEST(Runner, a_message_gets_its_type_guid_and_original_string) {
  const json::Tree document = run_one({.parser = std::string("{") + kJsonParser + "}"}, {R"({"a":1,"timestamp":7})"});
  EXPECT_EQ(document["guid"].get<std::string>().size(), 36u);
  EXPECT_EQ(document["guid"].get<std::string>()[14], '4');
  EXPECT_EQ(shown(document),
            R"J({"a":1,"timestamp":7,"source.type":"squid","original_string":"{\"a\":1,\"timestamp\":7}"})J");
}

struct MetadataRow {
  std::string name;
  std::string config;  // members of the parser document
  In in;
  std::string expected;
};
void PrintTo(const MetadataRow& row, std::ostream* out) { *out << row.name; }
class MetadataTable : public ::testing::TestWithParam<MetadataRow> {};
TEST_P(MetadataTable, gives) {
  json::Tree document = run_one({.parser = std::string("{") + kJsonParser + GetParam().config + "}"}, GetParam().in);
  for (const char* always : {"timestamp", "source.type"}) document.erase(always);
  EXPECT_EQ(shown(document), GetParam().expected);
}
INSTANTIATE_TEST_SUITE_P(
    Metadata, MetadataTable,
    ::testing::Values(
        MetadataRow{
            "not_read", "", {R"({"a":1})", "squid", R"({"k":1})"}, R"J({"a":1,"original_string":"{\"a\":1}"})J"},
        MetadataRow{"read_but_not_merged",
                    R"(, "readMetadata": true)",
                    {R"({"a":1})", "squid", ""},
                    R"J({"a":1,"original_string":"{\"a\":1}"})J"},
        MetadataRow{"merged_with_prefix",
                    R"(, "readMetadata": true, "mergeMetadata": true)",
                    {R"({"a":1})", "squid", R"({"k":2})"},
                    R"J({"a":1,"metron.metadata.topic":"squid","metron.metadata.k":2,"original_string":"{\"a\":1}"})J"},
        MetadataRow{
            "without_prefix_it_overwrites",
            R"(, "readMetadata": true, "mergeMetadata": true, "rawMessageStrategyConfig": {"metadataPrefix": ""})",
            {R"({"a":1})", "", R"({"a":2})"},
            R"J({"a":2,"original_string":"{\"a\":1}"})J"},
        MetadataRow{
            "seen_by_stellar",
            R"(, "readMetadata": true, "fieldTransformations": [{"transformation": "STELLAR", "output": "t", "config": {"t": "metron.metadata.topic"}}])",
            {R"({"a":1})", "squid", ""},
            R"J({"a":1,"t":"squid","original_string":"{\"a\":1}"})J"},
        MetadataRow{
            "envelope",
            R"(, "rawMessageStrategy": "ENVELOPE", "rawMessageStrategyConfig": {"messageField": "data", "metadataPrefix": ""})",
            {R"({"data":"{\"a\":1}","a":2,"b":3})", "", ""},
            R"J({"a":1,"b":3,"original_string":"{\"a\":1}"})J"},
        MetadataRow{"envelope_with_prefix",
                    R"(, "rawMessageStrategy": "ENVELOPE", "rawMessageStrategyConfig": {"messageField": "data"})",
                    {R"({"data":"{\"a\":1}","b":3})", "", ""},
                    R"J({"a":1,"metron.metadata.b":3,"original_string":"{\"a\":1}"})J"},
        MetadataRow{
            "envelope_without_metadata",
            R"(, "readMetadata": false, "rawMessageStrategy": "ENVELOPE", "rawMessageStrategyConfig": {"messageField": "data"})",
            {R"({"data":"{\"a\":1}","b":3})", "", ""},
            R"J({"a":1,"original_string":"{\"a\":1}"})J"},
        MetadataRow{"original_string_of_the_envelope",
                    R"(, "rawMessageStrategy": "ENVELOPE", "rawMessageStrategyConfig": {"messageField": "data"})",
                    {R"({"data":"{\"a\":1}","original_string":"first"})", "", ""},
                    R"J({"a":1,"metron.metadata.original_string":"first","original_string":"first"})J"},
        MetadataRow{
            "envelope_that_is_no_json",
            R"(, "rawMessageStrategy": "ENVELOPE", "rawMessageStrategyConfig": {"messageField": "data"})",
            {"rubbish", "", ""},
            R"J({"error_type":"parser_error","failed_sensor_type":"squid","message":"the envelope is no JSON map","raw_message":"rubbish"})J"},
        MetadataRow{
            "envelope_without_its_field",
            R"(, "rawMessageStrategy": "ENVELOPE", "rawMessageStrategyConfig": {"messageField": "data"})",
            {R"({"b":3})", "", ""},
            R"J({"error_type":"parser_error","failed_sensor_type":"squid","message":"the envelope has no text \"data\", the messageField","raw_message":"{\"b\":3}"})J"},
        MetadataRow{
            "key_that_is_no_json",
            R"(, "readMetadata": true)",
            {R"({"a":1})", "squid", "k"},
            R"J({"error_type":"parser_error","failed_sensor_type":"squid","message":"the record's key is no JSON map","raw_message":"{\"a\":1}","metron.metadata.topic":"squid"})J"}),
    [](const auto& info) { return info.param.name; });

// Most readers of JSON refuse the escape of a lone surrogate, so a document never holds one.
TEST(Runner, half_a_surrogate_pair_is_replaced) {
  const json::Tree document = run_one({.parser = std::string("{") + kJsonParser + "}"},
                                      {R"J({"a":"x\ud800","b\udc00":["\ud800"],"timestamp":7})J"}, Stage::kParse);
  ASSERT_TRUE(document.is_object());
  EXPECT_TRUE(document["a"].get<std::string>().starts_with("x\xef\xbf\xbd"));
  EXPECT_EQ(document.size(), 3u);
}

TEST(Filter, drops_what_its_query_refuses) {
  const std::string parser = std::string("{") + kJsonParser +
                             R"J(, "filterClassName": "STELLAR", "parserConfig": {"filter.query": "a > 1"}})J";
  EXPECT_TRUE(run_one({.parser = parser}, {R"({"a":1})"}).is_null());
  EXPECT_EQ(run_one({.parser = parser}, {R"({"a":2})"})["a"], 2);
  EXPECT_TRUE(run_one({.parser = parser}, {R"({"b":2})"}).is_null());
}

TEST(Filter, a_query_that_is_no_boolean_is_an_error) {
  const std::string parser =
      std::string("{") + kJsonParser + R"J(, "filterClassName": "STELLAR", "parserConfig": {"filter.query": "a"}})J";
  EXPECT_EQ(run_one({.parser = parser}, {R"({"a":2})"})["message"],
            "the filter a failed: it does not return a boolean");
}

TEST(Filter, sees_guid_and_original_string) {
  const std::string parser =
      std::string("{") + kJsonParser +
      R"J(, "filterClassName": "STELLAR", "parserConfig": {"filter.query": "exists(guid) and exists(original_string)"}})J";
  EXPECT_EQ(run_one({.parser = parser}, {R"({"a":2})"})["a"], 2);
}

TEST(Filter, bro_keeps_known_protocols) {
  const std::string parser =
      std::string("{") + kJsonParser +
      R"J(, "filterClassName": "BRO", "parserConfig": {"bro.filter.source.key": "p", "bro.filter.source.known.protocols": ["dns", "http"]}})J";
  EXPECT_EQ(run_one({.parser = parser}, {R"({"p":"dns"})"})["p"], "dns");
  EXPECT_TRUE(run_one({.parser = parser}, {R"({"p":"ftp"})"}).is_null());
}

TEST(Filter, is_checked_before_start) {
  EXPECT_FALSE(testing::compile({.parser = std::string("{") + kJsonParser + R"J(, "filterClassName": "NOPE"})J"}));
  EXPECT_FALSE(
      testing::compile({.parser = std::string("{") + kJsonParser +
                                  R"J(, "filterClassName": "STELLAR", "parserConfig": {"filter.query": "a >"}})J"}));
}

struct ValidationRow {
  std::string name;
  std::string validation;  // the item of fieldValidations
  std::string message;
  bool valid;
};
void PrintTo(const ValidationRow& row, std::ostream* out) { *out << row.name; }
class ValidationTable : public ::testing::TestWithParam<ValidationRow> {};
TEST_P(ValidationTable, decides) {
  const json::Tree document = run_one({.parser = std::string("{") + kJsonParser + "}",
                                       .global = R"({"fieldValidations": [)" + GetParam().validation + "]}"},
                                      {GetParam().message});
  EXPECT_EQ(document["source.type"] == "squid", GetParam().valid) << json::dump(document);
  if (!GetParam().valid) EXPECT_EQ(document["error_type"], "parser_invalid");
}
INSTANTIATE_TEST_SUITE_P(
    Validations, ValidationTable,
    ::testing::Values(
        ValidationRow{"not_empty", R"({"input": "a", "validation": "NOT_EMPTY"})", R"({"a":"x"})", true},
        ValidationRow{"not_empty_blank", R"({"input": "a", "validation": "NOT_EMPTY"})", R"({"a":"  "})", false},
        ValidationRow{"not_empty_absent", R"({"input": ["b", "a"], "validation": "NOT_EMPTY"})", R"({"b":1})", false},
        ValidationRow{"stellar", R"({"validation": "STELLAR", "config": {"condition": "a > 1"}})", R"({"a":2})", true},
        ValidationRow{"stellar_false", R"({"validation": "STELLAR", "config": {"condition": "a > 1"}})", R"({"a":1})",
                      false},
        ValidationRow{"stellar_of_input",
                      R"J({"input": "b", "validation": "STELLAR", "config": {"condition": "exists(a)"}})J",
                      R"({"a":1})", false},
        ValidationRow{"ip", R"({"input": ["a", "b"], "validation": "IP"})", R"({"a":"10.0.0.1","b":"::1"})", true},
        ValidationRow{"ip_null_passes", R"({"input": "a", "validation": "IP"})", R"({"b":1})", true},
        ValidationRow{"ip_one_bad", R"({"input": ["a", "b"], "validation": "IP"})", R"({"a":"10.0.0.1","b":"x"})",
                      false},
        ValidationRow{"ip_of_a_kind", R"({"input": "a", "validation": "IP", "config": {"type": "IPV4"}})",
                      R"({"a":"::1"})", false},
        ValidationRow{"ip_of_kinds", R"({"input": "a", "validation": "IP", "config": {"type": ["IPV4", "IPV6"]}})",
                      R"({"a":"::1"})", true},
        ValidationRow{"domain", R"({"input": "a", "validation": "DOMAIN"})", R"({"a":"example.org"})", true},
        ValidationRow{"domain_bad", R"({"input": "a", "validation": "DOMAIN"})", R"({"a":"no domain"})", false},
        ValidationRow{"email_bad", R"({"input": "a", "validation": "EMAIL"})", R"({"a":"x@"})", false},
        ValidationRow{"url", R"({"input": "a", "validation": "URL"})", R"({"a":"http://example.org/x"})", true},
        ValidationRow{"integer", R"({"input": "a", "validation": "INTEGER"})", R"({"a":"12"})", true},
        ValidationRow{"integer_bad", R"({"input": "a", "validation": "INTEGER"})", R"({"a":"1.5"})", false},
        ValidationRow{"all_are_asked",
                      R"({"input": "a", "validation": "NOT_EMPTY"}, {"input": "b", "validation": "NOT_EMPTY"})",
                      R"({"a":"x"})", false}),
    [](const auto& info) { return info.param.name; });

TEST(Validation, the_error_names_the_fields) {
  const json::Tree document = run_one(
      {.parser = std::string("{") + kJsonParser + "}",
       .global =
           R"({"fieldValidations": [{"input": "a", "validation": "NOT_EMPTY"}, {"input": ["a", "b"], "validation": "IP"}]})"},
      {R"({"a":"","b":"x","timestamp":5})"});
  EXPECT_EQ(document["error_fields"], "a,b");
  EXPECT_EQ(document["message"], "the field validation NOT_EMPTY failed; the field validation IP failed");
  const json::Tree raw = json::parse(document["raw_message"].get<std::string>()).value();
  EXPECT_EQ(raw["b"], "x");
  EXPECT_EQ(raw["source.type"], "squid");
}

TEST(Validation, is_checked_before_start) {
  const auto pipeline = testing::compile({.parser = std::string("{") + kJsonParser + "}",
                                          .global = R"({"fieldValidations": [{"input": "a", "validation": "NOPE"}]})"});
  ASSERT_FALSE(pipeline);
  EXPECT_TRUE(
      pipeline.error().message().starts_with("global.json:1:23: there is no validation NOPE; there are STELLAR"))
      << pipeline.error().message();
}

TEST(Pipeline, an_unknown_parser_is_refused) {
  const auto pipeline =
      testing::compile({.parser = R"({"parserClassName": "org.apache.metron.parsers.bluecoat.BasicBluecoatParser"})"});
  ASSERT_FALSE(pipeline);
  EXPECT_TRUE(pipeline.error().message().starts_with(
      "parsers/squid.json:1:21: there is no parser org.apache.metron.parsers.bluecoat"))
      << pipeline.error().message();
}

struct JsonRow {
  std::string name;
  std::string config;
  std::string line;
  std::string expected;  // at stage parse, without timestamp; or the error's message
};
void PrintTo(const JsonRow& row, std::ostream* out) { *out << row.name; }
class JsonMapTable : public ::testing::TestWithParam<JsonRow> {};
TEST_P(JsonMapTable, parses) {
  json::Tree document =
      run_one({.parser = std::string("{") + kJsonParser + R"(, "parserConfig": {)" + GetParam().config + "}}"},
              {GetParam().line}, Stage::kParse);
  if (document.contains("error_type")) {
    EXPECT_EQ(document["message"].get<std::string>().substr(0, GetParam().expected.size()), GetParam().expected);
    return;
  }
  document.erase("timestamp");
  EXPECT_EQ(json::dump(document), GetParam().expected);
}
INSTANTIATE_TEST_SUITE_P(
    JsonMapParser, JsonMapTable,
    ::testing::Values(
        JsonRow{"flat", "", R"({"a":1,"b":"x","c":1.5,"d":null,"e":5000000000,"f":[1]})",
                R"J({"a":1,"b":"x","c":1.5,"d":null,"e":5000000000,"f":[1]})J"},
        JsonRow{"maps_are_dropped", "", R"({"a":1,"m":{"b":2}})", R"J({"a":1})J"},
        JsonRow{"maps_are_unfolded", R"("mapStrategy": "UNFOLD")", R"({"a":1,"m":{"b":2,"n":{"c":3}}})",
                R"J({"a":1,"m.b":2,"m.n.c":3})J"},
        JsonRow{"maps_are_allowed", R"("mapStrategy": "ALLOW")", R"({"m":{"b":2}})", R"J({"m":{"b":2}})J"},
        JsonRow{"maps_are_an_error", R"("mapStrategy": "ERROR")", R"({"m":{"b":2}})", "the record holds a map"},
        JsonRow{"own_original_string", R"("overrideOriginalString": true)", R"({ "a" : 1 })",
                R"J({"a":1,"original_string":"{\"a\":1}"})J"},
        JsonRow{"no_json", "", "{", "the record is no JSON: "},
        JsonRow{"no_map", "", "[1]", "the record is no JSON map"}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace modelyard::pipeline
