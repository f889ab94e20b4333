// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pipeline/answer_cache.h"
#include "pipeline/enrichment.h"
#include "pipeline/filter.h"
#include "pipeline/parser.h"
#include "pipeline/transformation.h"
#include "pipeline/triage.h"
#include "pipeline/validation.h"

namespace modelyard::pipeline {

// The parts of a Pipeline in the order in which a message meets them. Immutable once compiled, shared by threads.
struct Plan {
  std::string sensor;
  configuration::SensorConfig config;  // what messages of the parts refer to

  stellar::Arena constants;  // parserConfig, configuration … as Stellar sees them
  const stellar::MapObject* parser_config = nullptr;
  AnswerCache::Options cache;  // of cacheConfig

  std::unique_ptr<Parser> parser;
  std::vector<std::unique_ptr<Transformation>> transformations;
  std::unique_ptr<Filter> filter;  // null: none
  std::vector<std::unique_ptr<Validation>> validations;
  EnrichmentStage enrichment;
  EnrichmentStage threat_intel;
  Triage triage;
};

// JSON as an immutable Stellar map that lives in the arena.
const stellar::MapObject* constant_map(stellar::Arena& arena, const json::Tree& object);

}  // namespace modelyard::pipeline
