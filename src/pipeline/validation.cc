// SPDX-License-Identifier: Apache-2.0
#include "pipeline/validation.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "configuration/reader.h"
#include "json/tree.h"

namespace modelyard::pipeline {
namespace {

using configuration::FieldValidation;
using stellar::Value;

class NotEmpty final : public Validation {
 public:
  explicit NotEmpty(std::vector<std::string> input) : Validation("NOT_EMPTY", std::move(input)) {}
  Progress run(Task& task, bool& valid) const override {
    valid = std::none_of(input_.begin(), input_.end(), [&](const std::string& name) {
      const Value value = task.message.get(name);
      return value.is_null() || trim_ascii(text_of(value)).empty();
    });
    return Progress::kDone;
  }
};

// The condition over the message.
class Condition final : public Validation {
 public:
  Condition(std::vector<std::string> input, ProgramPtr program, std::string text)
      : Validation("STELLAR", std::move(input)), program_(std::move(program)), text_(std::move(text)) {}
  Progress run(Task& task, bool& valid) const override {
    valid = true;
    if (program_->is_blank()) return Progress::kDone;
    task.variables = TaskVariables();
    task.variables.message = &task.message;
    task.variables.only = input_.empty() ? nullptr : &input_;
    const auto outcome = task.evaluate(*program_);
    if (!outcome) return Progress::kPending;
    if (outcome->failed()) {
      task.error = fmt::format("the field validation {} failed: {}", text_, task.frame().error().message);
      return Progress::kFailed;
    }
    valid = outcome->value.is_boolean() && outcome->value.as_boolean();
    return Progress::kDone;
  }

 private:
  const ProgramPtr program_;
  const std::string text_;
};

// A check of one value that is a Stellar function: the program reads it as the variable `value`. None of these
// functions waits.
class EachField final : public Validation {
 public:
  EachField(std::string name, std::vector<std::string> input, ProgramPtr program)
      : Validation(std::move(name), std::move(input)), program_(std::move(program)) {}
  Progress run(Task& task, bool& valid) const override {
    valid = true;
    for (const std::string& name : input_) {
      const Value value = task.message.get(name);
      if (value.is_null()) continue;
      const Value text = value.is_string() ? value : stellar::make_string(task.message.arena(), text_of(value));
      const Results only{{"value", text}};
      task.variables = TaskVariables();
      task.variables.results = &only;
      const auto outcome = task.evaluate(*program_);
      valid = outcome && outcome->done() && outcome->value.is_boolean() && outcome->value.as_boolean();
      if (!valid) break;
    }
    task.variables = TaskVariables();
    return Progress::kDone;
  }

 private:
  const ProgramPtr program_;
};

// 'text' as a Stellar literal.
std::string literal_of(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\\' || c == '\'') out.push_back('\\');
    if (c == '\n') {
      out += "\\n";
    } else {
      out.push_back(c);
    }
  }
  return out + "'";
}

// The expression over `value` that a validation stands for; "" = no such validation, or something is missing in its
// config.
std::string check_of(const FieldValidation& one, std::string& problem) {
  const auto text = [&](const char* key) { return json::get_string(one.config, key); };
  if (one.validation == "DOMAIN") return "IS_DOMAIN(value)";
  if (one.validation == "EMAIL") return "IS_EMAIL(value)";
  if (one.validation == "URL") return "IS_URL(value)";
  if (one.validation == "INTEGER") return "IS_INTEGER(value)";
  if (one.validation == "DATE") {
    if (text("format").empty()) problem = "DATE needs config.format";
    return fmt::format("IS_DATE(value, {})", literal_of(text("format")));
  }
  if (one.validation == "REGEX_MATCH") {
    if (text("pattern").empty()) problem = "REGEX_MATCH needs config.pattern";
    return fmt::format("REGEXP_MATCH(value, {})", literal_of(text("pattern")));
  }
  if (one.validation == "IP") {
    const auto type = one.config.find("type");
    if (type == one.config.end() || type->is_null()) return "IS_IP(value)";
    std::string out;
    for (const json::Tree& item : type->is_array() ? *type : json::Tree::array({*type})) {
      if (!item.is_string()) continue;
      if (item == "DEFAULT") return "IS_IP(value)";
      out += fmt::format("{}IS_IP(value, {})", out.empty() ? "" : " or ", literal_of(item.get<std::string>()));
    }
    return out.empty() ? "IS_IP(value)" : out;
  }
  problem = fmt::format(
      "there is no validation {}; there are STELLAR, IP, DOMAIN, EMAIL, URL, DATE, INTEGER, REGEX_MATCH, NOT_EMPTY",
      one.validation);
  return "";
}

std::unique_ptr<Validation> make(const FieldValidation& one, const configuration::Document& document,
                                 ExpressionCompiler& expressions) {
  if (one.validation == "NOT_EMPTY") return std::make_unique<NotEmpty>(one.input);
  if (one.validation == "STELLAR") {
    configuration::Path path = one.path;
    path.insert(path.end(), {"config", "condition"});
    const std::string text = json::get_string(one.config, "condition");
    if (!one.config.contains("condition")) {
      expressions.refuse(document.at_value(one.path, "STELLAR needs config.condition"));
      return nullptr;
    }
    ProgramPtr program = expressions.compile(text, document, path);
    return program == nullptr ? nullptr : std::make_unique<Condition>(one.input, std::move(program), text);
  }
  std::string problem;
  const std::string check = check_of(one, problem);
  if (!problem.empty()) {
    expressions.refuse(document.at_value(one.path, problem));
    return nullptr;
  }
  ProgramPtr program = expressions.compile_own(check);
  return program == nullptr ? nullptr : std::make_unique<EachField>(one.validation, one.input, std::move(program));
}

}  // namespace

std::vector<std::unique_ptr<Validation>> Validation::compile(const configuration::GlobalConfig& global,
                                                             ExpressionCompiler& expressions) {
  std::vector<std::unique_ptr<Validation>> out;
  for (const FieldValidation& one : global.field_validations) {
    if (auto made = make(one, *global.document, expressions)) out.push_back(std::move(made));
  }
  return out;
}

}  // namespace modelyard::pipeline
