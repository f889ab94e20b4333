// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "pipeline/plan.h"
#include "pipeline/raw_message.h"
#include "pipeline/record.h"
#include "pipeline/task.h"

namespace modelyard::pipeline {

// A message between parser and sink. Each state goes on to the next one below it, or ends in kEnd; a message that waits
// for a model stays where it is.
enum class Phase {
  kMetadata,         // metadata merged, source.type
  kTransformations,  // in the order of the document
  kIdentity,  // guid and original_string, where they are missing: after the transformations, as the reference does
  kFilter,
  kValidation,  // the parser's, then the global field validations
  kEnrichment,
  kThreatIntel,
  kTriage,
  kEnd,
};

// One message's passage through a Plan.
class Job : public Task {
 public:
  enum class Verdict {
    kGood,      // to be written
    kFiltered,  // dropped on purpose
    kFailed,    // parser_error, `error` says why
    kInvalid,   // parser_invalid, `error` says why
  };
  struct Note {
    std::string_view type;  // enrichments_error, threatintel_error
    StageError error;
  };

  Phase phase = Phase::kMetadata;
  size_t index = 0;  // of the transformation or validation that runs
  Verdict verdict = Verdict::kGood;
  std::vector<Note> notes;              // error documents beside the message
  std::vector<std::string> bad_fields;  // of failed field validations
  std::string bad_values;
  const RawMessage* raw = nullptr;  // of the record

  void begin() {
    reset();
    phase = Phase::kMetadata;
    index = 0;
    verdict = Verdict::kGood;
    notes.clear();
    bad_fields.clear();
    bad_values.clear();
    raw = nullptr;
  }
};

// Moves jobs through the phases. Immutable.
class Runner {
 public:
  Runner(const Plan& plan, Stage stage) : plan_(plan), stage_(stage) {}
  // kPending: an expression waits for a call; run again after its answer. kDone: job.verdict says what became of it.
  Progress run(Job& job) const;

 private:
  Progress step(Job& job) const;
  void merge(Job& job) const;
  Progress transform(Job& job) const;
  void identify(Job& job) const;
  Progress filter(Job& job) const;
  Progress validate(Job& job) const;
  Progress enrich(Job& job, const EnrichmentStage& stage, std::string_view error_type) const;
  Progress triage(Job& job) const;
  static void to(Job& job, Phase next);

  const Plan& plan_;
  const Stage stage_;
};

}  // namespace modelyard::pipeline
