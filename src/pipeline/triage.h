// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "configuration/types.h"
#include "pipeline/enrichment.h"
#include "pipeline/expression.h"
#include "pipeline/task.h"

namespace modelyard::pipeline {

inline constexpr std::string_view kScoreField = "threat.triage.score";

// Whether a value says yes: true, 1, "true", "yes", "on", "y", "t" in any case; no: false, 0, "false", "no", "off",
// "n", "f". Nothing: neither.
std::optional<bool> is_yes(stellar::Value value);

// Scores of the rules that fired, as one (6.4).
double aggregate(configuration::Aggregator aggregator, bool negative_values_trump, const std::vector<double>& scores);

// Decides whether a message is an alert and, if so, scores it (6.4). Immutable, shared by threads.
//
// An alert has is_alert "true" (the text) afterwards; is_alert that says no is removed. threat.triage.* appear when a
// rule fired. A rule that fails, or a score that is no number, ends the triage of the message with an error beside it;
// the message goes on without threat.triage.* (the reference loses it: docs/decisions).
class Triage {
 public:
  static Triage compile(const configuration::TriageConfig& config, const stellar::MapObject* section_config,
                        const stellar::MapObject* configuration, const configuration::Document* document,
                        ExpressionCompiler& expressions);
  Progress run(Task& task, std::vector<StageError>& errors) const;

 private:
  struct Rule {
    configuration::RiskLevelRule config;
    ProgramPtr rule;
    ProgramPtr score;  // null: constant
    double constant_score = 0;
    ProgramPtr reason;  // null: none
  };
  enum class Verdict { kAlert, kNoAlert, kUnclear };
  Verdict judge(Message& message) const;
  Progress run_rules(Task& task) const;
  void write(Task& task) const;

  std::vector<Rule> rules_;
  configuration::Aggregator aggregator_ = configuration::Aggregator::kMax;
  bool negative_values_trump_ = true;
  std::vector<std::string> field_names_;  // four for each fired rule: name, comment, score, reason
  const stellar::MapObject* section_config_ = nullptr;
  const stellar::MapObject* configuration_ = nullptr;
};

}  // namespace modelyard::pipeline
