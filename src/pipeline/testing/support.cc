// SPDX-License-Identifier: Apache-2.0
#include "pipeline/testing/support.h"

#include "stellar/functions/registry.h"

namespace modelyard::pipeline::testing {

std::optional<std::string> FakeModels::call(const ModelCall& call) const {
  const auto found = models_.find(call.model);
  if (found == models_.end()) return std::nullopt;
  return found->second({call.query.begin(), call.query.end()});
}

std::optional<stellar::ModelEndpoint> FakeModels::find_endpoint(std::string_view name,
                                                                std::optional<std::string_view> version) {
  if (!models_.contains(name)) return std::nullopt;
  return stellar::ModelEndpoint{.name = std::string(name),
                                .version = std::string(version.value_or("1.0")),
                                .url = "http://127.0.0.1:1",
                                .functions = {{"apply", "apply"}}};
}

Result<configuration::SensorConfig> config_of(const Texts& texts, const std::string& sensor) {
  namespace conf = modelyard::configuration;
  conf::Problems problems;
  conf::SensorConfig out;
  out.sensor = sensor;
  const auto document = [&](const std::string& text, const std::string& file) -> conf::DocumentPtr {
    if (text.empty()) return nullptr;
    Result<conf::Document> made = conf::Document::parse(text, file);
    if (made) return std::make_shared<const conf::Document>(std::move(*made));
    problems.errors.push_back(made.error().message());
    return nullptr;
  };
  if (const auto parser = document(texts.parser, "parsers/squid.json"))
    out.parser = conf::read_parser(parser, sensor, problems);
  if (const auto global = document(texts.global, "global.json")) out.global = conf::read_global(global, problems);
  if (const auto one = document(texts.enrichment, "enrichments/squid.json"))
    out.enrichment = conf::read_enrichment(one, problems);
  if (const auto one = document(texts.indexing, "indexing/squid.json"))
    out.indexing = conf::read_indexing(one, problems);
  for (const auto& [name, text] : texts.patterns) out.patterns.push_back({name, "patterns/" + name, text});
  if (!problems.errors.empty()) return fail(ErrorCode::kInvalidArgument, problems.joined());
  return out;
}

Result<std::shared_ptr<const Pipeline>> compile(const Texts& texts, const std::string& sensor) {
  MY_TRY(const configuration::SensorConfig config, config_of(texts, sensor));
  return Pipeline::compile(config, stellar::FunctionRegistry::standard());
}

json::Tree Run::tree(size_t index) const {
  if (index >= documents.size()) return {};
  return json::parse(documents[index].json).value_or(json::Tree());
}

Run run(std::shared_ptr<const Pipeline> pipeline, const std::vector<std::string>& lines, Stage stage,
        FakeModels& models) {
  FakeClock clock;
  Worker worker(std::move(pipeline), models, clock, {.stage = stage});
  Run out;
  size_t next = 0;
  while (next < lines.size() || !worker.idle()) {
    while (next < lines.size() && worker.can_accept()) {
      worker.accept({.source = "file:test", .offset = static_cast<int64_t>(next), .bytes = lines[next]});
      ++next;
    }
    for (const ModelCall& call : worker.take_calls()) {
      const std::optional<std::string> answer = models.call(call);
      worker.answer(call.id, answer ? std::optional<std::string_view>(*answer) : std::nullopt);
    }
    while (FinishedRecord* done = worker.finished()) {
      for (OutputDocument& document : done->documents) out.documents.push_back(std::move(document));
      worker.release_finished();
    }
  }
  out.statistics = worker.statistics();
  return out;
}

std::string squid_line(const std::string& url, const std::string& peer) {
  return "1467011157.401    415 127.0.0.1 TCP_MISS/200 337891 GET " + url + " - HIER_DIRECT/" + peer + " text/html";
}

std::string squid_parser(const std::string& more) {
  return R"({"parserClassName": "org.apache.metron.parsers.GrokParser", "parserConfig": {"grokPath": "/patterns/squid",
    "patternLabel": "SQUID_DELIMITED", "timestampField": "timestamp"})" +
         (more.empty() ? "" : ",\n" + more) + "}";
}

}  // namespace modelyard::pipeline::testing
