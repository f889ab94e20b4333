// SPDX-License-Identifier: Apache-2.0
#include "pipeline/triage.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>

#include "base/strings.h"

namespace modelyard::pipeline {

using configuration::Aggregator;
using stellar::Value;

namespace {

constexpr std::string_view kIsAlert = "is_alert";

// Where the rules' parts stand in Task::at[1].
enum Part : size_t { kRule, kScore, kReason };

std::string json_of(const Message& message) {
  std::string out;
  append_json(out, message, Names::kDots);
  return out;
}

double as_number(Value value) {
  return value.is_floating() ? value.as_double() : static_cast<double>(value.as_integral());
}

}  // namespace

std::optional<bool> is_yes(Value value) {
  if (value.is_boolean()) return value.as_boolean();
  const std::string text = text_of(value);
  for (const char* yes : {"true", "yes", "on", "y", "t", "1"}) {
    if (equal_ignoring_case_ascii(text, yes)) return true;
  }
  for (const char* no : {"false", "no", "off", "n", "f", "0"}) {
    if (equal_ignoring_case_ascii(text, no)) return false;
  }
  return std::nullopt;
}

double aggregate(Aggregator aggregator, bool negative_values_trump, const std::vector<double>& scores) {
  if (scores.empty()) return 0;
  const bool any_negative = std::any_of(scores.begin(), scores.end(), [](double score) { return score < 0; });
  if (negative_values_trump && any_negative) return -std::numeric_limits<double>::infinity();
  double sum = 0;
  double positive_sum = 0;
  size_t positive = 0;
  double most = 0;
  double least = std::numeric_limits<double>::max();
  for (const double score : scores) {
    sum += score;
    if (score > 0) {
      positive_sum += score;
      ++positive;
    }
    most = std::max(most, score);
    least = std::min(least, score);
  }
  switch (aggregator) {
    case Aggregator::kMax: return most;
    case Aggregator::kMin: return least;
    case Aggregator::kSum: return sum;
    case Aggregator::kMean: return sum / static_cast<double>(scores.size());
    case Aggregator::kPositiveMean: return positive == 0 ? 0 : positive_sum / static_cast<double>(positive);
  }
  return 0;
}

Triage Triage::compile(const configuration::TriageConfig& config, const stellar::MapObject* section_config,
                       const stellar::MapObject* configuration, const configuration::Document* document,
                       ExpressionCompiler& expressions) {
  Triage out;
  out.aggregator_ = config.aggregator;
  out.negative_values_trump_ = config.negative_values_trump;
  out.section_config_ = section_config;
  out.configuration_ = configuration;
  for (const configuration::RiskLevelRule& rule : config.rules) {
    const auto place = [&](const char* key) {
      configuration::Path path = rule.path;
      path.emplace_back(key);
      return path;
    };
    Rule made{.config = rule,
              .rule = expressions.compile(rule.rule, *document, place("rule")),
              .score = nullptr,
              .reason = nullptr};
    if (rule.score_is_text) {
      made.score = expressions.compile(rule.score, *document, place("score"));
    } else {
      made.constant_score = std::strtod(rule.score.c_str(), nullptr);
    }
    if (!rule.reason.empty()) made.reason = expressions.compile(rule.reason, *document, place("reason"));
    const size_t index = out.rules_.size();
    for (const char* field : {"name", "comment", "score", "reason"}) {
      out.field_names_.push_back(fmt::format("threat.triage.rules.{}.{}", index, field));
    }
    out.rules_.push_back(std::move(made));
  }
  return out;
}

Triage::Verdict Triage::judge(Message& message) const {
  const Value* alert = message.find(kIsAlert);
  if (alert != nullptr && alert->is_null()) {
    message.erase(kIsAlert);
    alert = nullptr;
  }
  if (alert != nullptr) {
    const std::optional<bool> yes = is_yes(*alert);
    if (!yes) return Verdict::kUnclear;
    if (*yes) return Verdict::kAlert;
    message.erase(kIsAlert);
    return Verdict::kNoAlert;
  }
  const auto& fields = message.fields();
  const bool hit = std::any_of(fields.begin(), fields.end(), [](const Message::Field& field) {
    return field.name.starts_with("threatintels") && !field.name.ends_with(".ts");
  });
  return hit ? Verdict::kAlert : Verdict::kNoAlert;
}

Progress Triage::run(Task& task, std::vector<StageError>& errors) const {
  if (!task.triaging) {
    const Verdict verdict = judge(task.message);
    if (verdict == Verdict::kUnclear) {
      errors.push_back({fmt::format("is_alert is \"{}\", which is neither true nor false: the message is not triaged",
                                    text_of(task.message.get(kIsAlert))),
                        json_of(task.message)});
    }
    if (verdict != Verdict::kAlert) return Progress::kDone;
    task.message.put(kIsAlert, Value::string("true"));
    task.triaging = true;
    task.scores.clear();
  }
  const Progress progress = run_rules(task);
  if (progress == Progress::kPending) return progress;
  task.triaging = false;
  if (progress == Progress::kFailed) {
    errors.push_back({std::exchange(task.error, {}), json_of(task.message)});
  } else if (!task.scores.empty()) {
    write(task);
  }
  return Progress::kDone;
}

// task.at: rule, part of the rule. task.results: for each fired rule the four values in the order of field_names_.
Progress Triage::run_rules(Task& task) const {
  task.variables = TaskVariables();
  task.variables.message = &task.message;
  task.variables.maps[0] = configuration_;
  task.variables.maps[1] = section_config_;
  const auto failed = [&task](const Rule& rule, std::string_view text, std::string_view why) {
    task.error = fmt::format("triage rule {}: {}: {}", rule.config.name.empty() ? rule.config.rule : rule.config.name,
                             text, why);
    return Progress::kFailed;
  };
  for (size_t& index = task.at[0]; index < rules_.size(); ++index, task.at[1] = kRule) {
    const Rule& rule = rules_[index];
    Value value;
    if (task.at[1] == kRule) {
      const auto evaluated = task.evaluate_into(*rule.rule, value);
      if (evaluated == Task::Evaluated::kPending) return Progress::kPending;
      if (evaluated == Task::Evaluated::kError) return failed(rule, rule.config.rule, task.evaluation_error);
      if (rule.rule->is_blank()) value = Value::boolean(true);
      if (value.is_null()) continue;
      if (!value.is_boolean()) return failed(rule, rule.config.rule, "it does not return a boolean");
      if (!value.as_boolean()) continue;
      task.at[1] = kScore;
    }
    if (task.at[1] == kScore) {
      double score = rule.constant_score;
      if (rule.score != nullptr) {
        const auto evaluated = task.evaluate_into(*rule.score, value);
        if (evaluated == Task::Evaluated::kPending) return Progress::kPending;
        if (evaluated == Task::Evaluated::kError) return failed(rule, rule.config.score, task.evaluation_error);
        if (!value.is_number()) return failed(rule, rule.config.score, "the score is no number");
        score = as_number(value);
      }
      task.scores.push_back(score);
      const auto text = [](bool present, const std::string& it) { return present ? Value::string(it) : Value::null(); };
      task.results.push_back({"", text(rule.config.has_name, rule.config.name)});
      task.results.push_back({"", text(rule.config.has_comment, rule.config.comment)});
      task.results.push_back({"", Value::string(rule.config.score)});
      task.at[1] = kReason;
    }
    Value reason;
    if (rule.reason != nullptr) {
      const auto evaluated = task.evaluate_into(*rule.reason, value);
      if (evaluated == Task::Evaluated::kPending) return Progress::kPending;
      if (evaluated == Task::Evaluated::kError) return failed(rule, rule.config.reason, task.evaluation_error);
      if (!value.is_null())
        reason = value.is_string() ? value : stellar::make_string(task.message.arena(), text_of(value));
    }
    task.results.push_back({"", reason});
  }
  return Progress::kDone;
}

void Triage::write(Task& task) const {
  task.message.put(kScoreField, Value::double_number(aggregate(aggregator_, negative_values_trump_, task.scores)));
  for (size_t i = 0; i < task.results.size(); ++i) task.message.put(field_names_[i], task.results[i].value);
}

}  // namespace modelyard::pipeline
