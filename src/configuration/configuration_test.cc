// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "configuration/folder.h"
#include "configuration/position.h"
#include "configuration/types.h"
#include "io/file.h"

namespace modelyard::configuration {
namespace {

DocumentPtr document(std::string text, std::string file = "squid.json") {
  Result<Document> made = Document::parse(std::move(text), std::move(file));
  EXPECT_TRUE(made) << made.error().message();
  return std::make_shared<const Document>(std::move(*made));
}

struct Refusal {
  std::string name;
  std::string kind;  // parser, enrichment, global, indexing
  std::string text;
  std::string expected;  // the whole message
};
void PrintTo(const Refusal& row, std::ostream* out) { *out << row.name; }
class RefusalTable : public testing::TestWithParam<Refusal> {};

TEST_P(RefusalTable, says_what_and_where) {
  const Refusal& row = GetParam();
  Result<Document> made = Document::parse(row.text, "squid.json");
  if (!made) {
    EXPECT_EQ(made.error().message(), row.expected);
    return;
  }
  const auto pointer = std::make_shared<const Document>(std::move(*made));
  Problems problems;
  if (row.kind == "parser") read_parser(pointer, "squid", problems);
  if (row.kind == "enrichment") read_enrichment(pointer, problems);
  if (row.kind == "global") read_global(pointer, problems);
  if (row.kind == "indexing") read_indexing(pointer, problems);
  EXPECT_EQ(problems.joined(), row.expected);
}

INSTANTIATE_TEST_SUITE_P(
    Documents, RefusalTable,
    testing::Values(
        Refusal{"syntax_error", "parser", "{\n  \"parserClassName\": \"x\"\n  \"sensorTopic\": 1}",
                "squid.json:3:15: syntax error while parsing object - unexpected string literal; expected '}'\n"
                "    \"sensorTopic\": 1}\n                ^"},
        Refusal{"no_object", "parser", " [1]",
                "squid.json:1:2: a configuration document is a JSON object: {…}\n   [1]\n   ^"},
        Refusal{"unknown_key", "parser", "{\"parserClassName\": \"x\",\n \"sensorTopik\": \"squid\"}",
                "squid.json:2:2: unknown key \"sensorTopik\"; is \"sensorTopic\" meant?\n   \"sensorTopik\": "
                "\"squid\"}\n   ^"},
        Refusal{"missing_class", "parser", "{}", "squid.json:1:1: \"parserClassName\" is missing\n  {}\n  ^"},
        Refusal{"wrong_type", "parser", "{\"parserClassName\": \"x\", \"readMetadata\": 7}",
                "squid.json:1:42: \"readMetadata\" must be true or false\n"
                "  {\"parserClassName\": \"x\", \"readMetadata\": 7}\n                                           ^"},
        Refusal{"unknown_key_in_a_transformation", "parser",
                "{\"parserClassName\": \"x\",\n// first\n\"fieldTransformations\": [{\"transformation\": \"REMOVE\"},\n"
                "{\"transformation\": \"REMOVE\", \"inputs\": \"a\"}]}",
                "squid.json:4:30: unknown key \"inputs\"; is \"input\" meant?\n"
                "  {\"transformation\": \"REMOVE\", \"inputs\": \"a\"}]}\n                               ^"},
        Refusal{"transformation_without_name", "parser", "{\"parserClassName\": \"x\", \"fieldTransformations\": [{}]}",
                "squid.json:1:51: \"transformation\" is missing\n"
                "  {\"parserClassName\": \"x\", \"fieldTransformations\": [{}]}\n                                      "
                "              ^"},
        Refusal{"envelope_without_message_field", "parser",
                "{\"parserClassName\": \"x\", \"rawMessageStrategy\": \"ENVELOPE\"}",
                "squid.json:1:26: the strategy ENVELOPE needs rawMessageStrategyConfig.messageField: the key that "
                "holds the raw message\n"
                "  {\"parserClassName\": \"x\", \"rawMessageStrategy\": \"ENVELOPE\"}\n                           ^"},
        Refusal{"comments_in_a_rule", "enrichment",
                "{\"threatIntel\": {\"triageConfig\": {\"riskLevelRules\": [\n{\"rule\": \"true\", \"score\": 1, "
                "\"comments\": \"x\"}]}}}",
                "squid.json:2:30: unknown key \"comments\"; is \"comment\" meant?\n"
                "  {\"rule\": \"true\", \"score\": 1, \"comments\": \"x\"}]}}}\n                               ^"},
        Refusal{"rule_without_score", "enrichment",
                "{\"threatIntel\": {\"triageConfig\": {\"riskLevelRules\": [\n{\"rule\": \"true\"}]}}}",
                "squid.json:2:1: \"score\" is missing\n  {\"rule\": \"true\"}]}}}\n  ^"},
        Refusal{"aggregator_in_small_letters", "enrichment",
                "{\"threatIntel\": {\"triageConfig\": {\n\"aggregator\": \"max\"}}}",
                "squid.json:2:15: \"aggregator\" is MAX, MIN, SUM, MEAN or POSITIVE_MEAN, in capitals\n"
                "  \"aggregator\": \"max\"}}}\n                ^"},
        Refusal{"unknown_adapter", "enrichment", "{\"enrichment\": {\"fieldMap\": {\n\"gep\": [\"ip\"]}}}",
                "squid.json:2:1: no adapter is named \"gep\" (is \"geo\" meant?); there are geo, host, "
                "hbaseEnrichment, stellar\n"
                "  \"gep\": [\"ip\"]}}}\n  ^"},
        Refusal{"validation_without_name", "global", "{\"fieldValidations\": [{\"input\": \"a\"}]}",
                "squid.json:1:23: \"validation\" is missing\n  {\"fieldValidations\": [{\"input\": \"a\"}]}\n          "
                "              ^"},
        Refusal{"two_at_once", "parser", "{\n\"a\": 1,\n\"parserClassName\": {}}",
                "squid.json:3:20: \"parserClassName\" must be a string\n  \"parserClassName\": {}}\n                   "
                "  ^\n"
                "squid.json:2:1: unknown key \"a\"\n  \"a\": 1,\n  ^"}),
    [](const auto& info) { return info.param.name; });

TEST(ParserConfig, defaults_are_the_reference_s) {
  Problems problems;
  const ParserConfig config = read_parser(document(R"({"parserClassName": "x"})"), "squid", problems);
  EXPECT_EQ(problems.joined(), "");
  EXPECT_EQ(config.sensor_topic, "squid");
  EXPECT_EQ(config.output_topic, "enrichments");
  EXPECT_FALSE(config.read_metadata);
  EXPECT_FALSE(config.merge_metadata);
  EXPECT_EQ(config.metadata_prefix, "metron.metadata");
}

TEST(ParserConfig, an_envelope_reads_and_merges_metadata) {
  Problems problems;
  const ParserConfig config = read_parser(
      document(
          R"({"parserClassName": "x", "rawMessageStrategy": "ENVELOPE", "rawMessageStrategyConfig": {"messageField": "data"}})"),
      "squid", problems);
  EXPECT_EQ(problems.joined(), "");
  EXPECT_TRUE(config.read_metadata);
  EXPECT_TRUE(config.merge_metadata);
  EXPECT_EQ(config.message_field, "data");
}

TEST(ParserConfig, transformations_keep_the_order_of_their_config) {
  Problems problems;
  const ParserConfig config =
      read_parser(document(R"({"parserClassName": "x", /* the fields */ "fieldTransformations": [
      {"transformation": "STELLAR", "output": "z", "config": {"z": "1", "a": "2"}}, {"transformation": "REMOVE", "input": ["p", "q"]}]})"),
                  "squid", problems);
  EXPECT_EQ(problems.joined(), "");
  ASSERT_EQ(config.field_transformations.size(), 2u);
  EXPECT_EQ(json::dump(config.field_transformations[0].config), R"({"z":"1","a":"2"})");
  EXPECT_EQ(config.field_transformations[1].output, (std::vector<std::string>{"p", "q"}));
  EXPECT_FALSE(config.field_transformations[1].has_output);
}

TEST(EnrichmentConfig, stellar_comes_as_map_list_or_groups) {
  Problems problems;
  const auto groups_of = [&](std::string config) {
    const EnrichmentConfig made =
        read_enrichment(document(R"({"enrichment": {"fieldMap": {"stellar": {"config": )" + config + "}}}}"), problems);
    std::string out;
    for (const StellarGroup& group : made.enrichment.stellar) {
      out += group.name + "[";
      for (const Assignment& one : group.assignments) out += one.field + "=" + one.expression + ";";
      out += "]";
    }
    return out;
  };
  EXPECT_EQ(groups_of(R"({"a": "1", "b": "a"})"), "[a=1;b=a;]");
  EXPECT_EQ(groups_of(R"(["a := 1", "b:=a"])"), "[a= 1;b=a;]");
  EXPECT_EQ(groups_of(R"({"g": {"a": "1"}, "h": ["b := 2"], "c": "3"})"), "[c=3;]g[a=1;]h[b= 2;]");
  EXPECT_TRUE(problems.warnings.empty());
  EXPECT_EQ(groups_of(R"(["no assignment", "a := 1"])"), "[a= 1;]");
  EXPECT_EQ(problems.warnings.size(), 1u);
  EXPECT_EQ(problems.joined(), "");
}

TEST(EnrichmentConfig, the_first_of_equal_rules_counts) {
  Problems problems;
  const EnrichmentConfig config = read_enrichment(document(R"({"threatIntel": {"triageConfig": {"riskLevelRules": [
      {"rule": "a == 1", "score": 10}, {"rule": "a == 1", "score": "20"}, {"rule": "b", "score": "x + 1"}]}}})"),
                                                  problems);
  EXPECT_EQ(problems.joined(), "");
  EXPECT_EQ(problems.warnings.size(), 1u);
  ASSERT_EQ(config.triage.rules.size(), 2u);
  EXPECT_EQ(config.triage.rules[0].score, "10");
  EXPECT_FALSE(config.triage.rules[0].score_is_text);
  EXPECT_EQ(config.triage.rules[1].score, "x + 1");
}

TEST(IndexingConfig, missing_parts_have_defaults) {
  Problems problems;
  GlobalConfig global = read_global(document(R"({"indexing.writer.elasticsearch.setDocumentId": true})"), problems);
  const IndexingConfig config =
      read_indexing(document(R"({"hdfs": {"batchSize": "5", "enabled": false}, "anything": 1})"), problems);
  EXPECT_EQ(problems.joined(), "");
  const WriterConfig hdfs = config.writer("hdfs", "squid", global);
  EXPECT_EQ(hdfs.index, "squid");
  EXPECT_EQ(hdfs.batch_size, 5);
  EXPECT_FALSE(hdfs.enabled);
  EXPECT_TRUE(config.writer("elasticsearch", "squid", global).set_document_id);
  EXPECT_FALSE(IndexingConfig().writer("elasticsearch", "squid", GlobalConfig()).set_document_id);
}

TEST(Position, an_expression_inside_a_string_with_escapes) {
  const std::string text = R"({"a": [0, "x\"\u00e9\\y"]})";
  const Position item = locate(text, {"a", "1"});
  EXPECT_EQ(text.substr(item.value, 2), "\"x");
  EXPECT_EQ(text[locate_inside_string(text, item.value, 0)], 'x');
  EXPECT_EQ(text[locate_inside_string(text, item.value, 5)], 'y');  // x " é(2 bytes) \ y
}

TEST(Position, the_last_of_equal_keys_counts) {
  const std::string text = R"({"a": 1, "a": {"b": 2}})";
  EXPECT_EQ(text[locate(text, {"a", "b"}).value], '2');
}

TEST(Folder, the_shipped_configuration_is_good) {
  for (const char* folder : {"/config/zookeeper", "/config"}) {
    const std::filesystem::path path = std::string(MODELYARD_SOURCE_DIR) + folder;
    const Result<SensorConfig> squid = load_sensor(path, "squid");
    ASSERT_TRUE(squid) << squid.error().message();
    EXPECT_EQ(squid->parser.sensor_topic, "squid");
    EXPECT_EQ(squid->enrichment.triage.rules.size(), 1u);
    EXPECT_TRUE(std::any_of(squid->patterns.begin(), squid->patterns.end(),
                            [](const PatternFile& f) { return f.name == "squid"; }));
    const Result<Problems> problems = check_folder(path);
    ASSERT_TRUE(problems);
    EXPECT_EQ(problems->joined(), "");
  }
}

TEST(Folder, an_unknown_sensor_lists_the_others) {
  const Result<SensorConfig> none = load_sensor(std::string(MODELYARD_SOURCE_DIR) + "/config/zookeeper", "sqid");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code(), ErrorCode::kNotFound);
  EXPECT_NE(none.error().message().find("no sensor sqid"), std::string::npos);
  EXPECT_NE(none.error().message().find("squid"), std::string::npos);
}

TEST(Folder, odd_names_are_refused) {
  const Result<SensorConfig> none =
      load_sensor(std::string(MODELYARD_SOURCE_DIR) + "/config/zookeeper", "../parsers/squid");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code(), ErrorCode::kInvalidArgument);
}

TEST(Folder, no_folder) {
  const Result<SensorConfig> none = load_sensor("/nonexistent/config", "squid");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code(), ErrorCode::kNotFound);
}

TEST(Folder, the_parser_alone_is_enough_and_check_tells_everything) {
  const auto folder = io::TemporaryFolder::make("modelyard-configuration");
  ASSERT_TRUE(folder);
  const auto write = [&](const std::string& name, const std::string& text) {
    const auto file = folder->path() / name;
    std::filesystem::create_directories(file.parent_path());
    ASSERT_TRUE(io::write_file_atomic(file, text));
  };
  write("parsers/alone.json", R"({"parserClassName": "x"})");
  ASSERT_TRUE(load_sensor(folder->path(), "alone"));
  write("parsers/bad.json", "{");
  write("enrichments/bad.json", R"({"enrichmen": {}})");
  write("indexing/bad.json", R"({"hdfs": {"batchSize": "many"}})");
  const Result<Problems> problems = check_folder(folder->path());
  ASSERT_TRUE(problems);
  EXPECT_EQ(problems->errors.size(), 3u) << problems->joined();
  EXPECT_TRUE(load_sensor(folder->path(), "alone"));
  const Result<SensorConfig> bad = load_sensor(folder->path(), "bad");
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().message().find("bad.json:1:2"), std::string::npos) << bad.error().message();
}

}  // namespace
}  // namespace modelyard::configuration
