// SPDX-License-Identifier: Apache-2.0
#include "pipeline/runner.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "pipeline/error_document.h"

namespace modelyard::pipeline {

using stellar::Value;

namespace {

constexpr std::string_view kSourceType = "source.type";
constexpr std::string_view kGuid = "guid";
constexpr std::string_view kOriginalString = "original_string";
constexpr std::string_view kLevelField = "threat.triage.level";  // the older name of the score

// Metadata that was not merged, as a map for expressions.
const stellar::MapObject* metadata_map(const Message& metadata, stellar::Arena& arena) {
  if (metadata.empty()) return nullptr;
  stellar::MapObject* map = stellar::make_map(arena, stellar::MapObject::Order::kInserted, metadata.fields().size());
  for (const Message::Field& field : metadata.fields()) {
    stellar::put(*map, arena.copy(field.name), stellar::copy_value(arena, field.value));
  }
  return map;
}

}  // namespace

void Runner::to(Job& job, Phase next) {
  job.begin_step();
  job.phase = next;
  job.index = 0;
}

Progress Runner::run(Job& job) const {
  try {
    while (job.phase != Phase::kEnd) {
      const Progress progress = step(job);
      if (progress == Progress::kPending) return progress;
      if (progress == Progress::kFailed) {
        job.verdict = Job::Verdict::kFailed;
        to(job, Phase::kEnd);
      }
    }
  } catch (const stellar::BoundReached& bound) {
    job.error = fmt::format("limit reached: {}", bound.bound);
    job.verdict = Job::Verdict::kFailed;
    to(job, Phase::kEnd);
  }
  return Progress::kDone;
}

Progress Runner::step(Job& job) const {
  switch (job.phase) {
    case Phase::kMetadata:
      if (stage_ == Stage::kParse) {
        to(job, Phase::kEnd);
        return Progress::kDone;
      }
      merge(job);
      to(job, Phase::kTransformations);
      return Progress::kDone;
    case Phase::kTransformations: return transform(job);
    case Phase::kIdentity:
      identify(job);
      to(job, Phase::kFilter);
      return Progress::kDone;
    case Phase::kFilter: return filter(job);
    case Phase::kValidation: return validate(job);
    case Phase::kEnrichment: return enrich(job, plan_.enrichment, "enrichments_error");
    case Phase::kThreatIntel: return enrich(job, plan_.threat_intel, "threatintel_error");
    case Phase::kTriage: return triage(job);
    case Phase::kEnd: break;
  }
  return Progress::kDone;
}

void Runner::merge(Job& job) const {
  const configuration::ParserConfig& config = plan_.config.parser;
  if (config.merge_metadata) {
    merge_metadata(config, *job.raw, job.message);
  } else {
    job.metadata = metadata_map(job.raw->metadata, job.message.arena());
  }
  if (job.raw->original_string) job.message.put_text(kOriginalString, *job.raw->original_string);
  job.message.put(kSourceType, Value::string(plan_.sensor));
}

Progress Runner::transform(Job& job) const {
  while (job.index < plan_.transformations.size()) {
    const Progress progress = plan_.transformations[job.index]->run(job);
    if (progress != Progress::kDone) return progress;
    ++job.index;
    job.begin_step();
  }
  to(job, Phase::kIdentity);
  return Progress::kDone;
}

void Runner::identify(Job& job) const {
  if (!job.message.has(kGuid)) {
    std::string guid;
    append_uuid(guid, *job.random);
    job.message.put_text(kGuid, guid);
  }
  if (!job.message.has(kOriginalString)) job.message.put_text(kOriginalString, to_valid_utf8(job.raw->bytes));
}

Progress Runner::filter(Job& job) const {
  bool keep = true;
  if (plan_.filter != nullptr) {
    const Progress progress = plan_.filter->run(job, keep);
    if (progress != Progress::kDone) return progress;
  }
  if (!keep) job.verdict = Job::Verdict::kFiltered;
  to(job, keep ? Phase::kValidation : Phase::kEnd);
  return Progress::kDone;
}

// job.index 0 is the parser's own check; 1 … are the global validations, all of which are asked.
Progress Runner::validate(Job& job) const {
  if (job.index == 0) {
    job.error = plan_.parser->why_invalid(job.message);
    if (!job.error.empty()) {
      job.verdict = Job::Verdict::kInvalid;
      to(job, Phase::kEnd);
      return Progress::kDone;
    }
    job.index = 1;
  }
  for (; job.index <= plan_.validations.size(); ++job.index, job.begin_step()) {
    const Validation& validation = *plan_.validations[job.index - 1];
    bool valid = true;
    const Progress progress = validation.run(job, valid);
    if (progress != Progress::kDone) return progress;
    if (valid) continue;
    job.error += fmt::format("{}the field validation {} failed", job.error.empty() ? "" : "; ", validation.name());
    for (const std::string& field : validation.input()) {
      if (std::find(job.bad_fields.begin(), job.bad_fields.end(), field) != job.bad_fields.end()) continue;
      job.bad_fields.push_back(field);
      job.bad_values +=
          fmt::format("{}{}-{}", job.bad_values.empty() ? "" : "|", field, text_of(job.message.get(field)));
    }
  }
  const bool go_on = job.error.empty() && stage_ != Stage::kTransform;
  if (!job.error.empty()) job.verdict = Job::Verdict::kInvalid;
  to(job, go_on ? Phase::kEnrichment : Phase::kEnd);
  return Progress::kDone;
}

Progress Runner::enrich(Job& job, const EnrichmentStage& stage, std::string_view error_type) const {
  std::vector<StageError> errors;
  const Progress progress = stage.run(job, errors);
  for (StageError& error : errors) job.notes.push_back({error_type, std::move(error)});
  if (progress == Progress::kDone) to(job, job.phase == Phase::kEnrichment ? Phase::kThreatIntel : Phase::kTriage);
  return progress;
}

Progress Runner::triage(Job& job) const {
  std::vector<StageError> errors;
  const Progress progress = plan_.triage.run(job, errors);
  for (StageError& error : errors) job.notes.push_back({"threatintel_error", std::move(error)});
  if (progress != Progress::kDone) return progress;
  if (stage_ == Stage::kIndex) {
    if (const Value* score = job.message.find(kScoreField); score != nullptr) job.message.put(kLevelField, *score);
  }
  to(job, Phase::kEnd);
  return Progress::kDone;
}

}  // namespace modelyard::pipeline
