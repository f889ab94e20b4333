// SPDX-License-Identifier: Apache-2.0
#include "pipeline/worker.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "pipeline/testing/support.h"
#include "stellar/functions/registry.h"

// The squid sensor of config/ from line to document, with models that are functions.
namespace modelyard::pipeline {
namespace {

using testing::FakeModels;
using testing::squid_line;

std::shared_ptr<const Pipeline> shipped_squid() {
  const auto config = configuration::load_sensor(std::string(MODELYARD_SOURCE_DIR) + "/config/zookeeper", "squid");
  EXPECT_TRUE(config) << config.error().message();
  const auto made = Pipeline::compile(*config, stellar::FunctionRegistry::standard());
  EXPECT_TRUE(made) << made.error().message();
  return made.value_or(nullptr);
}

FakeModels dga() {
  FakeModels models;
  models.add("dga", [](const std::map<std::string, std::string>& query) -> std::optional<std::string> {
    const auto host = query.find("host");
    if (host == query.end()) return std::nullopt;
    const bool legit = host->second == "yahoo.com" || host->second == "amazon.com";
    return legit ? R"({"is_malicious": "legit"})" : R"({"is_malicious": "malicious"})";
  });
  return models;
}

TEST(Worker, a_legit_request_becomes_a_document_without_alert) {
  FakeModels models = dga();
  const auto done = testing::run(shipped_squid(), {squid_line("http://www.yahoo.com/")}, Stage::kIndex, models);
  ASSERT_EQ(done.documents.size(), 1u);
  json::Tree document = done.tree(0);
  EXPECT_EQ(document.value("guid", "").size(), 36u);
  document.erase("guid");
  EXPECT_EQ(
      json::dump(document),
      R"({"timestamp":1467011157401,"elapsed":415,"ip_src_addr":"127.0.0.1","action":"TCP_MISS","code":200,"bytes":337891,)"
      R"("method":"GET","url":"http://www.yahoo.com/","ip_dst_addr":"93.184.216.34","original_string":")" +
          squid_line("http://www.yahoo.com/") +
          R"(","source:type":"squid","full_hostname":"www.yahoo.com","domain_without_subdomains":"yahoo.com","is_malicious":"legit"})");
}

TEST(Worker, a_malicious_request_is_an_alert_with_a_score) {
  FakeModels models = dga();
  const auto done = testing::run(shipped_squid(), {squid_line("http://xkcjqwlsmd.info/a?b=c")}, Stage::kIndex, models);
  ASSERT_EQ(done.documents.size(), 1u);
  const json::Tree document = done.tree(0);
  EXPECT_EQ(document["is_malicious"], "malicious");
  EXPECT_EQ(document["is_alert"], "true");
  EXPECT_EQ(document["threat:triage:score"], 100.0);
  EXPECT_EQ(document["threat:triage:level"], 100.0);
  EXPECT_EQ(document["threat:triage:rules:0:name"], "Malicious domain");
  EXPECT_EQ(document["threat:triage:rules:0:score"], "100");
  EXPECT_TRUE(document["threat:triage:rules:0:reason"].is_null());
  EXPECT_TRUE(document.contains("threat:triage:rules:0:reason"));
}

TEST(Worker, stages_show_what_each_part_did) {
  FakeModels models = dga();
  const std::vector<std::string> lines{squid_line("http://bad.example/")};
  const json::Tree parsed = testing::run(shipped_squid(), lines, Stage::kParse, models).tree(0);
  EXPECT_FALSE(parsed.contains("source.type"));
  EXPECT_FALSE(parsed.contains("guid"));
  EXPECT_FALSE(parsed.contains("full_hostname"));
  const json::Tree transformed = testing::run(shipped_squid(), lines, Stage::kTransform, models).tree(0);
  EXPECT_EQ(transformed["source.type"], "squid");
  EXPECT_EQ(transformed["is_alert"], "true");
  EXPECT_FALSE(transformed.contains("threat.triage.score"));
  const json::Tree enriched = testing::run(shipped_squid(), lines, Stage::kEnrich, models).tree(0);
  EXPECT_EQ(enriched["threat.triage.score"], 100.0);
  EXPECT_FALSE(enriched.contains("threat.triage.level"));
}

TEST(Worker, a_model_that_is_away_or_fails_is_null) {
  FakeModels none;
  const json::Tree away = testing::run(shipped_squid(), {squid_line("http://a.example/")}, Stage::kIndex, none).tree(0);
  EXPECT_EQ(away["domain_without_subdomains"], "a.example");
  EXPECT_FALSE(away.contains("is_malicious"));
  FakeModels rubbish;
  rubbish.add("dga", [](const auto&) { return "<html>"; });
  const json::Tree bad =
      testing::run(shipped_squid(), {squid_line("http://a.example/")}, Stage::kIndex, rubbish).tree(0);
  EXPECT_EQ(bad["domain_without_subdomains"], "a.example");
  EXPECT_FALSE(bad.contains("is_malicious"));
}

TEST(Worker, order_is_kept_whatever_the_order_of_the_answers) {
  FakeModels models = dga();
  FakeClock clock;
  Worker worker(shipped_squid(), models, clock);
  std::vector<std::string> lines;
  for (int i = 0; i < 200; ++i) lines.push_back(squid_line("http://host" + std::to_string(i) + ".example/"));
  for (size_t i = 0; i < lines.size(); ++i) {
    ASSERT_TRUE(worker.can_accept());
    worker.accept({.source = "s", .offset = static_cast<int64_t>(i), .bytes = lines[i]});
  }
  // All at once: none waited for another's answer.
  std::vector<ModelCall> calls = worker.take_calls();
  ASSERT_EQ(calls.size(), 200u);
  EXPECT_EQ(worker.finished(), nullptr);
  for (size_t i = calls.size(); i-- > 1;) worker.answer(calls[i].id, R"({"is_malicious": "legit"})");
  EXPECT_EQ(worker.finished(), nullptr);  // the first still waits
  worker.answer(calls[0].id, R"({"is_malicious": "legit"})");
  for (int64_t i = 0; i < 200; ++i) {
    FinishedRecord* done = worker.finished();
    ASSERT_NE(done, nullptr);
    EXPECT_EQ(done->offset, i);
    ASSERT_EQ(done->documents.size(), 1u);
    EXPECT_NE(done->documents[0].json.find("host" + std::to_string(i) + ".example"), std::string::npos);
    worker.release_finished();
  }
  EXPECT_TRUE(worker.idle());
}

TEST(Worker, equal_calls_in_flight_are_one) {
  FakeModels models = dga();
  FakeClock clock;
  Worker worker(shipped_squid(), models, clock);
  const std::string line = squid_line("http://same.example/");
  for (int64_t i = 0; i < 10; ++i) worker.accept({.source = "s", .offset = i, .bytes = line});
  const std::vector<ModelCall> calls = worker.take_calls();
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0].model, "dga");
  EXPECT_EQ(calls[0].path, "apply");
  EXPECT_EQ(calls[0].query, (std::vector<std::pair<std::string, std::string>>{{"host", "same.example"}}));
  worker.answer(calls[0].id, R"({"is_malicious": "malicious"})");
  EXPECT_EQ(worker.statistics().coalesced, 9u);
  for (int i = 0; i < 10; ++i) {
    ASSERT_NE(worker.finished(), nullptr);
    EXPECT_NE(worker.finished()->documents[0].json.find(R"("is_alert":"true")"), std::string::npos);
    worker.release_finished();
  }
}

TEST(Worker, answers_are_kept_only_when_the_sensor_asks_for_it) {
  const std::string transformation = R"J("fieldTransformations": [{"transformation": "STELLAR", "output": "x",
    "config": {"x": "MAP_GET('is_malicious', MAAS_MODEL_APPLY(MAAS_GET_ENDPOINT('dga'), {'host' : url}))"}}])J";
  const auto pipeline = testing::compile(
      {.parser = testing::squid_parser(
           transformation + R"(, "cacheConfig": {"stellar.cache.maxSize": 2, "stellar.cache.maxTimeRetain": 10})")});
  ASSERT_TRUE(pipeline) << pipeline.error().message();
  FakeModels models = dga();
  FakeClock clock;
  Worker worker(*pipeline, models, clock);
  int64_t offset = 0;
  // How many calls the url costs, with the model's answer if it is asked.
  const auto ask = [&](const std::string& url, std::optional<std::string_view> answer) {
    worker.accept({.source = "s", .offset = offset++, .bytes = squid_line(url)});
    const std::vector<ModelCall> calls = worker.take_calls();
    for (const ModelCall& call : calls) worker.answer(call.id, answer);
    EXPECT_NE(worker.finished(), nullptr);
    const bool has_answer = worker.finished()->documents[0].json.find(R"("x":)") != std::string::npos;
    worker.release_finished();
    return std::to_string(calls.size()) + (has_answer ? " answered" : " null");
  };
  constexpr std::string_view kAnswer = R"({"is_malicious": "legit"})";
  EXPECT_EQ(ask("a", kAnswer), "1 answered");
  EXPECT_EQ(ask("a", kAnswer), "0 answered");
  EXPECT_EQ(ask("b", std::nullopt), "1 null");  // failures are not kept
  EXPECT_EQ(ask("b", "rubbish"), "1 null");
  EXPECT_EQ(ask("b", kAnswer), "1 answered");
  EXPECT_EQ(ask("a", kAnswer), "0 answered");
  EXPECT_EQ(ask("c", kAnswer), "1 answered");  // b, used longest ago, goes
  EXPECT_EQ(ask("a", kAnswer), "0 answered");
  EXPECT_EQ(ask("b", kAnswer), "1 answered");
  clock.advance(std::chrono::minutes(11));
  EXPECT_EQ(ask("a", kAnswer), "1 answered");
  EXPECT_EQ(worker.statistics().cached, 3u);
}

TEST(Worker, flight_is_bounded) {
  FakeModels models = dga();
  FakeClock clock;
  Worker worker(shipped_squid(), models, clock, {.records_in_flight_max = 3, .calls_in_flight_max = 2});
  for (int64_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(worker.can_accept());
    worker.accept({.source = "s", .offset = i, .bytes = squid_line("http://h" + std::to_string(i) + ".example/")});
  }
  EXPECT_FALSE(worker.can_accept());
  std::vector<ModelCall> calls = worker.take_calls();
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_TRUE(worker.take_calls().empty());
  worker.answer(calls[0].id, "{}");
  worker.answer(calls[0].id, "{}");  // twice: ignored
  worker.answer(12345, "{}");
  EXPECT_EQ(worker.take_calls().size(), 1u);
  EXPECT_FALSE(worker.can_accept());
  ASSERT_NE(worker.finished(), nullptr);
  worker.release_finished();
  EXPECT_TRUE(worker.can_accept());
}

TEST(Worker, ids_are_the_same_each_time) {
  FakeModels models = dga();
  const std::vector<std::string> lines{squid_line("http://a.example/"), "rubbish"};
  const auto first = testing::run(shipped_squid(), lines, Stage::kIndex, models);
  const auto second = testing::run(shipped_squid(), lines, Stage::kIndex, models);
  ASSERT_EQ(first.documents.size(), 2u);
  EXPECT_EQ(first.documents[0].id, second.documents[0].id);
  EXPECT_EQ(first.documents[1].id, second.documents[1].id);
  EXPECT_NE(first.documents[0].id, first.documents[1].id);
  EXPECT_TRUE(first.documents[0].id.starts_with("squid:")) << first.documents[0].id;
  EXPECT_TRUE(first.documents[0].id.ends_with(":0:0")) << first.documents[0].id;
}

struct BadLine {
  std::string name;
  std::string line;
  std::string message;  // "" = it is good
  std::string raw;      // of the error document; "" = the line
};
void PrintTo(const BadLine& row, std::ostream* out) { *out << row.name; }
class BadLineTable : public ::testing::TestWithParam<BadLine> {};

TEST_P(BadLineTable, loses_nothing) {
  FakeModels models = dga();
  const BadLine& row = GetParam();
  const auto done = testing::run(shipped_squid(),
                                 {squid_line("http://before.example/"), row.line, squid_line("http://after.example/")},
                                 Stage::kIndex, models);
  ASSERT_EQ(done.documents.size(), 3u);
  EXPECT_EQ(done.tree(0)["full_hostname"], "before.example");
  EXPECT_EQ(done.tree(2)["full_hostname"], "after.example");
  const json::Tree document = done.tree(1);
  EXPECT_EQ(done.documents[1].is_error, !row.message.empty());
  if (row.message.empty()) {
    EXPECT_EQ(document["source:type"], "squid");
    return;
  }
  EXPECT_EQ(document["source:type"], "error");
  EXPECT_EQ(document["error_type"], "parser_error");
  EXPECT_EQ(document["failed_sensor_type"], "squid");
  EXPECT_EQ(document["message"].get<std::string>().substr(0, row.message.size()), row.message);
  EXPECT_EQ(document["raw_message"], row.raw.empty() ? row.line : row.raw);
  EXPECT_EQ(document["error_hash"].get<std::string>().size(), 64u);
  EXPECT_EQ(document["guid"].get<std::string>().size(), 36u);
  EXPECT_EQ(document["timestamp"], 1700000000000);
  EXPECT_FALSE(document["hostname"].get<std::string>().empty());
}

INSTANTIATE_TEST_SUITE_P(
    Lines, BadLineTable,
    ::testing::Values(
        BadLine{"no_match", "BOOM",
                "Grok statement produced a null message. Original message was: BOOM and the parsed message was: {} . "
                "Check the pattern "
                "at: /patterns/squid",
                ""},
        BadLine{"empty", "", "Grok statement produced a null message. Original message was:  and", ""},
        BadLine{"not_utf8",
                "rub\xff"
                "bish",
                "Grok statement produced a null message. Original message was: rub\xef\xbf\xbd"
                "bish and",
                "rub\xef\xbf\xbd"
                "bish"},
        BadLine{"not_utf8_in_a_good_line", squid_line("http://a.example/\xff"), "", ""},
        BadLine{"ten_megabytes_of_rubbish", std::string(10 << 20, 'x'), "Grok statement produced a null message.", ""},
        BadLine{"ten_megabytes_of_url", squid_line("http://a.example/" + std::string(10 << 20, 'x')), "", ""},
        BadLine{"more_than_the_bound", std::string((16 << 20) + 1, 'x'),
                "the record has 16777217 bytes, more than 16777216", std::string(64 << 10, 'x')},
        BadLine{"url_of_digits", squid_line("12345"),
                "Unable to process transformation: URL_TO_HOST(url) for full_hostname because ", ""},
        BadLine{"connect",
                "1467011158.083 91 10.1.2.3 TCP_TUNNEL/200 4000 CONNECT example.com:443 - HIER_DIRECT/93.184.216.34 -",
                "", ""},
        BadLine{"null_peer", "1467011158.083 0 10.1.2.3 TCP_DENIED/403 3900 GET http://x.org/ - HIER_NONE/- text/html",
                "", ""},
        BadLine{"zero_bytes", std::string(3, '\0'), "Grok statement produced a null message.", ""}),
    [](const auto& info) { return info.param.name; });

TEST(Worker, a_null_peer_stays_null_and_connect_sets_no_host) {
  FakeModels models = dga();
  const auto done = testing::run(
      shipped_squid(), {"1467011158.083 91 10.1.2.3 TCP_TUNNEL/200 4000 CONNECT example.com:443 - HIER_NONE/- -"},
      Stage::kIndex, models);
  const json::Tree document = done.tree(0);
  ASSERT_TRUE(document.contains("ip_dst_addr"));
  EXPECT_TRUE(document["ip_dst_addr"].is_null());
  EXPECT_FALSE(document.contains("full_hostname"));
  EXPECT_FALSE(document.contains("domain_without_subdomains"));
}

}  // namespace
}  // namespace modelyard::pipeline
