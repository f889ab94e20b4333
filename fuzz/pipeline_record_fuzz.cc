// fuzz: DEPS pipeline
// SPDX-License-Identifier: Apache-2.0
// Any bytes as records of a sensor that uses an envelope, JSON, every transformation and triage; the answer of a model
// is the bytes too.
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "pipeline/testing/support.h"

using namespace modelyard;
using namespace modelyard::pipeline;

namespace {

std::shared_ptr<const Pipeline> compiled() {
  const auto made = pipeline::testing::compile({.parser = R"J({
    "parserClassName": "org.apache.metron.parsers.json.JSONMapParser", "parserConfig": {"mapStrategy": "UNFOLD"},
    "fieldTransformations": [
      {"transformation": "RENAME", "config": {"a": "b", "b": "a"}},
      {"transformation": "IP_PROTOCOL", "input": "a"},
      {"transformation": "REGEX_SELECT", "input": "b", "output": "kind", "config": {"x": "(a+)+$", "y": ["[b-d&&[^c]]"]}},
      {"transformation": "REMOVE", "input": "a", "config": {"condition": "LENGTH(a) > 5"}},
      {"transformation": "STELLAR", "output": ["host", "m", "is_alert"], "config": {"host": "URL_TO_HOST(url)",
        "m": "MAAS_MODEL_APPLY(MAAS_GET_ENDPOINT('dga'), {'host' : host})", "is_alert": "m != null"}}]})J",
                                                .enrichment = R"J({
    "enrichment": {"fieldMap": {"stellar": {"config": {"g": ["x := m", "y := TO_STRING(a)"], "h": {"z": "1 / a"}}}}},
    "threatIntel": {"triageConfig": {"riskLevelRules": [{"rule": "exists(y)", "score": "LENGTH(y)", "reason": "y"}], "aggregator": "MEAN"}}})J"});
  MY_ASSERT(made.has_value());
  return *made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::shared_ptr<const Pipeline> pipeline = compiled();
  if (size > 4096) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  pipeline::testing::FakeModels models;
  models.add("dga", [&](const auto&) { return bytes; });
  const auto done = pipeline::testing::run(pipeline, {bytes, bytes.substr(size / 2)}, Stage::kIndex, models);
  MY_ASSERT(done.documents.size() >= 2);
  for (const OutputDocument& document : done.documents) MY_ASSERT(json::parse(document.json).has_value());
  return 0;
}
