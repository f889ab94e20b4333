// SPDX-License-Identifier: Apache-2.0
#include "pipeline/enrichment.h"

#include <gtest/gtest.h>

#include <limits>

#include "pipeline/testing/support.h"
#include "pipeline/triage.h"

// Enrichment, threat intelligence, alerts and triage (pipeline 6.2 to 6.4), through the whole runner at stage enrich.
namespace modelyard::pipeline {
namespace {

using testing::FakeModels;

struct Row {
  std::string name;
  std::string enrichment;                // the document
  std::string message;                   // members beside timestamp
  std::string expected;                  // members beside timestamp, original_string, source.type and guid
  std::vector<std::string> errors = {};  // "type: how the message begins" of the error documents beside it
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }
class EnrichmentTable : public ::testing::TestWithParam<Row> {};

constexpr const char* kParser =
    R"J({"parserClassName": "org.apache.metron.parsers.json.JSONMapParser", "parserConfig": {"mapStrategy": "ALLOW"}})J";

TEST_P(EnrichmentTable, gives) {
  const auto pipeline = testing::compile({.parser = kParser, .enrichment = GetParam().enrichment});
  ASSERT_TRUE(pipeline) << pipeline.error().message();
  FakeModels models;
  const std::string members = GetParam().message;
  const auto done = testing::run(*pipeline, {R"J({"timestamp": 5)J" + (members.empty() ? "" : ", " + members) + "}"},
                                 Stage::kEnrich, models);
  ASSERT_GE(done.documents.size(), 1u);
  json::Tree document = done.tree(0);
  ASSERT_FALSE(done.documents[0].is_error) << done.documents[0].json;
  for (const char* always : {"timestamp", "original_string", "source.type", "guid"}) document.erase(always);
  EXPECT_EQ(json::dump(document), GetParam().expected);
  ASSERT_EQ(done.documents.size(), 1 + GetParam().errors.size()) << done.documents.back().json;
  for (size_t i = 0; i < GetParam().errors.size(); ++i) {
    const json::Tree error = done.tree(i + 1);
    const std::string text = error["error_type"].get<std::string>() + ": " + error["message"].get<std::string>();
    EXPECT_EQ(text.substr(0, GetParam().errors[i].size()), GetParam().errors[i]);
    EXPECT_EQ(json::parse(error["raw_message"].get<std::string>()).value()["source.type"], "squid");
    EXPECT_TRUE(done.documents[i + 1].id.ends_with(":0:0." + std::to_string(i + 1))) << done.documents[i + 1].id;
  }
}

std::string stellar(const std::string& config, const std::string& more = "") {
  return R"J({"enrichment": {"fieldMap": {"stellar": {"config": )J" + config + "}}" + more + "}}";
}

INSTANTIATE_TEST_SUITE_P(
    Enrichment, EnrichmentTable,
    ::testing::Values(
        Row{"later_entries_see_earlier_ones", stellar(R"J({"x": "b + 1", "y": "x + 1"})J"), R"J("b": 1)J",
            R"J({"b":1,"x":2,"y":3})J"},
        Row{"list_form", stellar(R"J(["x := b + 1", "y := x + 1"])J"), R"J("b": 1)J", R"J({"b":1,"x":2,"y":3})J"},
        Row{"groups_do_not_see_each_other", stellar(R"J({"g": {"x": "1"}, "h": {"y": "exists(x)"}})J"), "",
            R"J({"x":1,"y":false})J"},
        Row{"a_later_group_wins", stellar(R"J({"g": {"x": "1"}, "h": {"x": "2"}})J"), "", R"J({"x":2})J"},
        Row{"null_removes_a_temporary", stellar(R"J(["t := 5", "x := t", "t := null", "y := exists(t)"])J"), "",
            R"J({"x":5,"y":false})J"},
        Row{"null_does_not_remove_a_field_of_the_message", stellar(R"J(["b := null", "y := exists(b)"])J"),
            R"J("b": 1)J", R"J({"b":1,"y":false})J"},
        Row{"a_map_is_exploded_one_level", stellar(R"J({"m": "{'n' : {'b' : 2}}"})J"), "", R"J({"m.n":{"b":2}})J"},
        Row{"a_list_stays", stellar(R"J({"l": "[1, 'a']"})J"), "", R"J({"l":[1,"a"]})J"},
        Row{"an_empty_text_prunes_the_field", stellar(R"J({"b": "''"})J"), R"J("b": 1)J", "{}"},
        Row{"nulls_leave_the_message_when_a_group_ran", stellar(R"J({"x": "1"})J"), R"J("n": null, "e": "")J",
            R"J({"x":1})J"},
        Row{"nulls_stay_when_none_ran", R"J({"enrichment": {"fieldMap": {}}})J", R"J("n": null, "e": "")J",
            R"J({"n":null,"e":""})J"},
        Row{"a_failing_group_loses_all_its_results",
            stellar(R"J({"g": ["x := 1", "y := 1 / b"], "h": {"z": "3"}})J"),
            R"J("b": 0)J",
            R"J({"b":0,"z":3})J",
            {"enrichments_error: y := 1 / b failed: "}},
        Row{"section_config_and_configuration_are_variables",
            R"J({"enrichment": {"fieldMap": {"stellar": {"config": {"x": "limit", "y": "place"}}}, "config": {"limit": 3}}, "configuration": {"place": "here"}})J",
            "", R"J({"x":3,"y":"here"})J"},
        Row{"threat_intel_sees_what_enrichment_gave",
            R"J({"enrichment": {"fieldMap": {"stellar": {"config": {"x": "2"}}}}, "threatIntel": {"fieldMap": {"stellar": {"config": {"y": "x * 2"}}}}})J",
            "", R"J({"x":2,"y":4})J"},
        Row{"a_failing_threat_intel_group",
            R"J({"threatIntel": {"fieldMap": {"stellar": {"config": {"y": "1 / b"}}}}})J",
            R"J("b": 0)J",
            R"J({"b":0})J",
            {"threatintel_error: y := 1 / b failed: "}}),
    [](const auto& info) { return info.param.name; });

std::string triage(const std::string& rules, const std::string& more = "") {
  return R"J({"threatIntel": {"triageConfig": {"riskLevelRules": [)J" + rules + "]" + more + "}}}";
}
constexpr const char* kTen = R"J({"name": "ten", "rule": "b > 0", "score": 10})J";

INSTANTIATE_TEST_SUITE_P(
    Triage, EnrichmentTable,
    ::testing::Values(
        Row{"no_alert_no_rules", triage(kTen), R"J("b": 1)J", R"J({"b":1})J"},
        Row{"an_alert_is_scored",
            triage(
                R"J({"name": "ten", "comment": "c", "rule": "b > 0", "score": 10, "reason": "JOIN(['b is', TO_STRING(b)], ' ')"})J"),
            R"J("b": 1, "is_alert": true)J",
            R"J({"b":1,"is_alert":"true","threat.triage.score":10.0,"threat.triage.rules.0.name":"ten","threat.triage.rules.0.comment":"c","threat.triage.rules.0.score":"10","threat.triage.rules.0.reason":"b is 1"})J"},
        Row{"what_a_rule_does_not_have_is_null", triage(R"J({"rule": "true", "score": "5 * 2"})J"),
            R"J("is_alert": "yes")J",
            R"J({"is_alert":"true","threat.triage.score":10.0,"threat.triage.rules.0.name":null,"threat.triage.rules.0.comment":null,"threat.triage.rules.0.score":"5 * 2","threat.triage.rules.0.reason":null})J"},
        Row{"rules_that_did_not_fire_are_not_counted",
            triage(R"J({"rule": "b > 5", "score": 1}, {"name": "second", "rule": "b > 0", "score": 2})J"),
            R"J("b": 1, "is_alert": "on")J",
            R"J({"b":1,"is_alert":"true","threat.triage.score":2.0,"threat.triage.rules.0.name":"second","threat.triage.rules.0.comment":null,"threat.triage.rules.0.score":"2","threat.triage.rules.0.reason":null})J"},
        Row{"no_rule_fired", triage(kTen), R"J("b": 0, "is_alert": 1)J", R"J({"b":0,"is_alert":"true"})J"},
        Row{"a_rule_that_is_null_did_not_fire", triage(R"J({"rule": "nowhere", "score": 1})J"), R"J("is_alert": "y")J",
            R"J({"is_alert":"true"})J"},
        Row{"is_alert_false_is_removed", triage(kTen), R"J("b": 1, "is_alert": "false")J", R"J({"b":1})J"},
        Row{"is_alert_null_is_no_alert", triage(kTen), R"J("b": 1, "is_alert": null)J", R"J({"b":1})J"},
        Row{"threat_intelligence_makes_an_alert", triage(kTen), R"J("b": 0, "threatintels.host.x": "alert")J",
            R"J({"b":0,"threatintels.host.x":"alert","is_alert":"true"})J"},
        Row{"its_time_stamp_does_not", triage(kTen), R"J("b": 1, "threatintels.host.ts": 5)J",
            R"J({"b":1,"threatintels.host.ts":5})J"},
        Row{"is_alert_of_threat_intel_stellar",
            R"J({"threatIntel": {"fieldMap": {"stellar": {"config": {"is_alert": "b > 0"}}}, "triageConfig": {"riskLevelRules": [{"rule": "true", "score": 1}]}}})J",
            R"J("b": 1)J",
            R"J({"b":1,"is_alert":"true","threat.triage.score":1.0,"threat.triage.rules.0.name":null,"threat.triage.rules.0.comment":null,"threat.triage.rules.0.score":"1","threat.triage.rules.0.reason":null})J"},
        Row{"is_alert_that_says_nothing",
            triage(kTen),
            R"J("b": 1, "is_alert": "maybe")J",
            R"J({"b":1,"is_alert":"maybe"})J",
            {"threatintel_error: is_alert is \"maybe\", which is neither true nor false"}},
        Row{"a_rule_that_is_no_boolean",
            triage(R"J({"name": "odd", "rule": "b", "score": 1})J"),
            R"J("b": 1, "is_alert": "true")J",
            R"J({"b":1,"is_alert":"true"})J",
            {"threatintel_error: triage rule odd: b: it does not return a boolean"}},
        Row{"a_rule_that_fails",
            triage(R"J({"rule": "1 / b > 0", "score": 1})J"),
            R"J("b": 0, "is_alert": "true")J",
            R"J({"b":0,"is_alert":"true"})J",
            {"threatintel_error: triage rule 1 / b > 0: 1 / b > 0: "}},
        Row{"a_score_that_is_null",
            triage(std::string(kTen) + R"J(, {"rule": "true", "score": "nowhere"})J"),
            R"J("b": 1, "is_alert": "true")J",
            R"J({"b":1,"is_alert":"true"})J",
            {"threatintel_error: triage rule true: nowhere: the score is no number"}},
        Row{"negative_scores_trump", triage(std::string(kTen) + R"J(, {"rule": "true", "score": -1})J"),
            R"J("b": 1, "is_alert": "true")J",
            R"J({"b":1,"is_alert":"true","threat.triage.score":null,"threat.triage.rules.0.name":"ten","threat.triage.rules.0.comment":null,"threat.triage.rules.0.score":"10","threat.triage.rules.0.reason":null,"threat.triage.rules.1.name":null,"threat.triage.rules.1.comment":null,"threat.triage.rules.1.score":"-1","threat.triage.rules.1.reason":null})J"},
        Row{"variables_of_rules",
            R"J({"threatIntel": {"config": {"limit": 3}, "triageConfig": {"riskLevelRules": [{"rule": "limit == 3 and place == 'here'", "score": "limit"}]}}, "configuration": {"place": "here"}})J",
            R"J("is_alert": "true")J",
            R"J({"is_alert":"true","threat.triage.score":3.0,"threat.triage.rules.0.name":null,"threat.triage.rules.0.comment":null,"threat.triage.rules.0.score":"limit","threat.triage.rules.0.reason":null})J"}),
    [](const auto& info) { return info.param.name; });

struct Aggregation {
  std::string name;
  configuration::Aggregator aggregator;
  bool trump;
  std::vector<double> scores;
  double expected;
};
void PrintTo(const Aggregation& row, std::ostream* out) { *out << row.name; }
class AggregationTable : public ::testing::TestWithParam<Aggregation> {};
TEST_P(AggregationTable, is) {
  EXPECT_EQ(aggregate(GetParam().aggregator, GetParam().trump, GetParam().scores), GetParam().expected);
}
constexpr double kInfinity = std::numeric_limits<double>::infinity();
using configuration::Aggregator;
INSTANTIATE_TEST_SUITE_P(
    Aggregators, AggregationTable,
    ::testing::Values(Aggregation{"none", Aggregator::kMax, true, {}, 0},
                      Aggregation{"max", Aggregator::kMax, true, {3, 10, 5}, 10},
                      Aggregation{"max_starts_at_zero", Aggregator::kMax, false, {-3, -1}, 0},
                      Aggregation{"trumped", Aggregator::kMax, true, {10, -1}, -kInfinity},
                      Aggregation{"min", Aggregator::kMin, true, {3, 10, 5}, 3},
                      Aggregation{"min_of_negatives", Aggregator::kMin, false, {-3, 1}, -3},
                      Aggregation{"sum", Aggregator::kSum, true, {3, 10, 5}, 18},
                      Aggregation{"mean_counts_zeros", Aggregator::kMean, true, {0, 10, 5}, 5},
                      Aggregation{"positive_mean", Aggregator::kPositiveMean, false, {0, 10, -4, 5}, 7.5},
                      Aggregation{"positive_mean_of_none", Aggregator::kPositiveMean, false, {0, -4}, 0}),
    [](const auto& info) { return info.param.name; });

TEST(Alerts, words_that_say_yes_or_no) {
  for (const char* yes : {"true", "YES", "on", "y", "t", "1"})
    EXPECT_EQ(is_yes(stellar::Value::string(yes)), true) << yes;
  for (const char* no : {"false", "No", "off", "n", "f", "0"})
    EXPECT_EQ(is_yes(stellar::Value::string(no)), false) << no;
  EXPECT_EQ(is_yes(stellar::Value::integer(1)), true);
  EXPECT_EQ(is_yes(stellar::Value::boolean(false)), false);
  EXPECT_EQ(is_yes(stellar::Value::string("2")), std::nullopt);
}

TEST(Enrichment, adapters_of_later_versions_are_refused) {
  const auto pipeline = testing::compile(
      {.parser = kParser, .enrichment = R"J({"enrichment": {"fieldMap": {"geo": ["ip"], "host": []}}})J"});
  ASSERT_FALSE(pipeline);
  EXPECT_EQ(pipeline.error().message(),
            "enrichments/squid.json: the enrichment adapter \"geo\" is not part of this version; there is stellar");
}

TEST(Enrichment, an_expression_that_does_not_compile_is_shown_where_it_stands) {
  const auto pipeline = testing::compile(
      {.parser = kParser,
       .enrichment = "{\"enrichment\": {\"fieldMap\": {\"stellar\": {\"config\": [\n  \"x := 1 +\"]}}}}"});
  ASSERT_FALSE(pipeline);
  EXPECT_TRUE(pipeline.error().message().starts_with("enrichments/squid.json:2:")) << pipeline.error().message();
  const auto rule =
      testing::compile({.parser = kParser, .enrichment = triage("\n{\"rule\": \"a ==\", \"score\": \"1 -\"}")});
  ASSERT_FALSE(rule);
  EXPECT_TRUE(rule.error().message().starts_with("enrichments/squid.json:2:")) << rule.error().message();
  EXPECT_NE(rule.error().message().find("\nenrichments/squid.json:2:"), std::string::npos)
      << "both are told: " << rule.error().message();
}

}  // namespace
}  // namespace modelyard::pipeline
