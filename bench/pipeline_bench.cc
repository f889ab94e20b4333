// bench: DEPS pipeline
// SPDX-License-Identifier: Apache-2.0
// One squid line from bytes to a document, in steps; goal: 10 us for everything but the model (100,000 lines a second
// on one core).
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "pipeline/testing/support.h"
#include "stellar/functions/registry.h"

namespace modelyard::pipeline {
namespace {

constexpr const char* kHostTransformation = R"J("fieldTransformations": [{"transformation": "STELLAR",
  "output": ["full_hostname", "domain_without_subdomains"], "config": {"full_hostname": "URL_TO_HOST(url)",
  "domain_without_subdomains": "DOMAIN_REMOVE_SUBDOMAINS(full_hostname)"}}])J";
constexpr const char* kAlertTransformation = R"J("fieldTransformations": [{"transformation": "STELLAR",
  "output": ["full_hostname", "domain_without_subdomains", "is_alert"], "config": {"full_hostname": "URL_TO_HOST(url)",
  "domain_without_subdomains": "DOMAIN_REMOVE_SUBDOMAINS(full_hostname)",
  "is_alert": "if ENDS_WITH(full_hostname, '7.example.org') then 'true' else null"}}])J";
constexpr const char* kTriage = R"J({"threatIntel": {"triageConfig": {"riskLevelRules": [
  {"name": "seven", "rule": "ENDS_WITH(full_hostname, '7.example.org')", "score": 100}], "aggregator": "MAX"}}})J";

void run(benchmark::State& state, const std::string& parser, const std::string& enrichment, Stage stage) {
  const auto pipeline = testing::compile({.parser = testing::squid_parser(parser), .enrichment = enrichment}, "squid");
  if (!pipeline) return state.SkipWithError(pipeline.error().message().c_str());
  testing::FakeModels models;
  Worker worker(*pipeline, models, system_clock(), {.stage = stage});
  std::vector<std::string> lines;
  for (int i = 0; i < 100; ++i)
    lines.push_back(testing::squid_line("http://host" + std::to_string(i) + ".example.org/a/b?c=d"));
  int64_t offset = 0;
  size_t bytes = 0;
  for (auto _ : state) {
    worker.accept({.source = "file:/var/log/squid/access.log",
                   .offset = offset,
                   .bytes = lines[static_cast<size_t>(offset % 100)]});
    ++offset;
    while (FinishedRecord* done = worker.finished()) {
      for (const OutputDocument& document : done->documents) bytes += document.json.size();
      worker.release_finished();
    }
  }
  state.SetItemsProcessed(offset);
  state.counters["document_bytes"] = static_cast<double>(bytes) / static_cast<double>(std::max<int64_t>(1, offset));
}

void parse_only(benchmark::State& state) { run(state, "", "", Stage::kParse); }
void runner(benchmark::State& state) { run(state, "", "", Stage::kTransform); }
void runner_with_stellar(benchmark::State& state) { run(state, kHostTransformation, "", Stage::kTransform); }
void everything(benchmark::State& state) { run(state, kAlertTransformation, kTriage, Stage::kIndex); }
BENCHMARK(parse_only);
BENCHMARK(runner);
BENCHMARK(runner_with_stellar);
BENCHMARK(everything);

}  // namespace
}  // namespace modelyard::pipeline

BENCHMARK_MAIN();
