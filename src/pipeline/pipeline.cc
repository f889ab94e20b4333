// SPDX-License-Identifier: Apache-2.0
#include "pipeline/pipeline.h"

#include <fmt/format.h>

#include <algorithm>

#include "configuration/reader.h"
#include "pipeline/plan.h"
#include "pipeline/record.h"
#include "stellar/json_value.h"

namespace modelyard::pipeline {

using configuration::SensorConfig;

std::string_view to_string(Stage stage) {
  switch (stage) {
    case Stage::kParse: return "parse";
    case Stage::kTransform: return "transform";
    case Stage::kEnrich: return "enrich";
    case Stage::kIndex: return "index";
  }
  return "";
}

std::optional<Stage> stage_from(std::string_view text) {
  for (const Stage stage : {Stage::kParse, Stage::kTransform, Stage::kEnrich, Stage::kIndex}) {
    if (to_string(stage) == text) return stage;
  }
  return std::nullopt;
}

namespace {

// What is shared by threads must not be grown by an expression: without an arena, functions copy it first.
void freeze(stellar::Value value) {
  if (value.is_list()) {
    for (const stellar::Value item : value.list()) freeze(item);
    value.list().arena = nullptr;
  } else if (value.is_map() || value.is_set()) {
    for (const stellar::MapObject::Entry& entry : stellar::entries_of(value.map())) freeze(entry.value);
    value.map().arena = nullptr;
  }
}

// stellar.cache.maxSize entries, stellar.cache.maxTimeRetain minutes. Here it is models' answers that are kept, nothing
// else: an expression of our own costs less than looking it up.
void compile_cache(Plan& plan, std::vector<std::string>& problems) {
  configuration::Problems found;
  configuration::ObjectReader in(*plan.config.parser.document, {"cacheConfig"}, found);
  const int64_t entries = in.whole("stellar.cache.maxSize").value_or(0);
  const int64_t minutes = in.whole("stellar.cache.maxTimeRetain").value_or(0);
  if (entries < 0 || minutes < 0 || entries > 100'000'000 || minutes > 100'000'000) {
    in.refuse_key(entries < 0 || entries > 100'000'000 ? "stellar.cache.maxSize" : "stellar.cache.maxTimeRetain",
                  "a size or time of the cache is a number from 0 to 100000000");
  }
  problems.insert(problems.end(), found.errors.begin(), found.errors.end());
  plan.cache.entries_max = static_cast<size_t>(std::max<int64_t>(0, entries));
  plan.cache.retain = std::chrono::minutes(minutes);
}

void compile_parser(Plan& plan, std::vector<std::string>& problems) {
  const configuration::ParserConfig& config = plan.config.parser;
  const ParserRegistry& parsers = ParserRegistry::standard();
  const ParserFactory* factory = parsers.find(config.parser_class_name);
  if (factory == nullptr) {
    problems.push_back(config.document->at_value(
        {"parserClassName"}, fmt::format("there is no parser {}; there are {}", config.parser_class_name,
                                         fmt::join(parsers.names(), ", "))));
    return;
  }
  Result<std::unique_ptr<Parser>> parser = (*factory)({.sensor = plan.config, .config = config.parser_config});
  if (parser) {
    plan.parser = std::move(*parser);
  } else {
    problems.push_back(parser.error().message());
  }
}

void compile_transformations(Plan& plan, ExpressionCompiler& expressions) {
  const configuration::ParserConfig& config = plan.config.parser;
  const TransformationRegistry& known = TransformationRegistry::standard();
  for (const configuration::FieldTransformation& one : config.field_transformations) {
    const TransformationFactory* factory = known.find(one.transformation);
    if (factory == nullptr) {
      configuration::Path path = one.path;
      path.emplace_back("transformation");
      expressions.refuse(
          config.document->at_value(path, fmt::format("there is no transformation {}; there are {}", one.transformation,
                                                      fmt::join(known.names(), ", "))));
      continue;
    }
    auto made = (*factory)(
        {.config = one, .document = *config.document, .parser_config = plan.parser_config, .expressions = expressions});
    if (made != nullptr) plan.transformations.push_back(std::move(made));
  }
}

void compile_enrichment(Plan& plan, ExpressionCompiler& expressions) {
  const configuration::EnrichmentConfig& config = plan.config.enrichment;
  if (config.document == nullptr) return;
  const stellar::MapObject* configuration = constant_map(plan.constants, config.configuration);
  const stellar::MapObject* threat_intel = constant_map(plan.constants, config.threat_intel.config);
  plan.enrichment = EnrichmentStage::compile(config.enrichment, constant_map(plan.constants, config.enrichment.config),
                                             configuration, *config.document, expressions);
  plan.threat_intel =
      EnrichmentStage::compile(config.threat_intel, threat_intel, configuration, *config.document, expressions);
  plan.triage = Triage::compile(config.triage, threat_intel, configuration, config.document.get(), expressions);
}

}  // namespace

const stellar::MapObject* constant_map(stellar::Arena& arena, const json::Tree& object) {
  const stellar::Value value = stellar::value_from_tree(arena, object);
  freeze(value);
  return &value.map();
}

Result<std::shared_ptr<const Pipeline>> Pipeline::compile(const SensorConfig& config,
                                                          const stellar::FunctionRegistry& functions) {
  auto plan = std::make_unique<Plan>();
  plan->sensor = config.sensor;
  plan->config = config;
  plan->parser_config = constant_map(plan->constants, config.parser.parser_config);
  std::vector<std::string> problems;
  ExpressionCompiler expressions(functions, problems);
  compile_cache(*plan, problems);
  compile_parser(*plan, problems);
  compile_transformations(*plan, expressions);
  plan->filter = Filter::compile(config.parser, expressions);
  plan->validations = Validation::compile(config.global, expressions);
  compile_enrichment(*plan, expressions);
  if (!problems.empty()) return fail(ErrorCode::kInvalidArgument, fmt::format("{}", fmt::join(problems, "\n")));
  return std::make_shared<const Pipeline>(std::move(plan));
}

Pipeline::Pipeline(std::unique_ptr<const Plan> plan) : plan_(std::move(plan)) {}
Pipeline::~Pipeline() = default;
const std::string& Pipeline::sensor() const { return plan_->sensor; }

}  // namespace modelyard::pipeline
