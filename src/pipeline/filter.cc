// SPDX-License-Identifier: Apache-2.0
#include "pipeline/filter.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "json/tree.h"

namespace modelyard::pipeline {
namespace {

class StellarFilter final : public Filter {
 public:
  StellarFilter(ProgramPtr program, std::string text) : program_(std::move(program)), text_(std::move(text)) {}
  Progress run(Task& task, bool& keep) const override {
    keep = true;
    if (program_->is_blank()) return Progress::kDone;
    task.variables = TaskVariables();
    task.variables.message = &task.message;
    const auto outcome = task.evaluate(*program_);
    if (!outcome) return Progress::kPending;
    const bool is_boolean = outcome->done() && (outcome->value.is_boolean() || outcome->value.is_null());
    if (!is_boolean) {
      task.error = fmt::format("the filter {} failed: {}", text_,
                               outcome->failed() ? task.frame().error().message : "it does not return a boolean");
      return Progress::kFailed;
    }
    keep = outcome->value.is_boolean() && outcome->value.as_boolean();
    return Progress::kDone;
  }

 private:
  const ProgramPtr program_;
  const std::string text_;
};

// Keeps the messages one of whose protocols is known.
class BroFilter final : public Filter {
 public:
  BroFilter(std::string key, std::vector<std::string> protocols)
      : key_(std::move(key)), protocols_(std::move(protocols)) {}
  Progress run(Task& task, bool& keep) const override {
    const std::string protocol = text_of(task.message.get(key_));
    keep = std::find(protocols_.begin(), protocols_.end(), protocol) != protocols_.end();
    return Progress::kDone;
  }

 private:
  const std::string key_;
  const std::vector<std::string> protocols_;
};

std::vector<std::string> protocols_of(const json::Tree& config) {
  std::vector<std::string> out;
  const auto found = config.find("bro.filter.source.known.protocols");
  if (found == config.end()) return out;
  for (const json::Tree& item : found->is_array() ? *found : json::Tree::array({*found})) {
    if (!item.is_string()) continue;
    const std::string text = item.get<std::string>();
    for (const std::string_view one : split(text, ',')) out.emplace_back(trim_ascii(one));
  }
  return out;
}

}  // namespace

std::unique_ptr<Filter> Filter::compile(const configuration::ParserConfig& config, ExpressionCompiler& expressions) {
  const std::string& name = config.filter_class_name;
  const json::Tree& values = config.parser_config;
  if (name.empty() || name == "DEFAULT") return nullptr;
  if (name == "STELLAR" || name == "org.apache.metron.parsers.filters.StellarFilter") {
    if (!values.contains("filter.query")) return nullptr;
    const std::string text = json::get_string(values, "filter.query");
    ProgramPtr program = expressions.compile(text, *config.document, {"parserConfig", "filter.query"});
    return program == nullptr ? nullptr : std::make_unique<StellarFilter>(std::move(program), text);
  }
  if (name == "BRO" || name == "org.apache.metron.parsers.filters.BroMessageFilter") {
    const std::string key = json::get_string(values, "bro.filter.source.key");
    if (key.empty()) {
      expressions.refuse(
          config.document->at_value({"filterClassName"}, "the filter BRO needs parserConfig bro.filter.source.key"));
      return nullptr;
    }
    return std::make_unique<BroFilter>(key, protocols_of(values));
  }
  expressions.refuse(config.document->at_value(
      {"filterClassName"}, fmt::format("there is no filter {}; there are STELLAR, BRO, DEFAULT", name)));
  return nullptr;
}

}  // namespace modelyard::pipeline
