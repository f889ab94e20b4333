// SPDX-License-Identifier: Apache-2.0
#include "json/tree.h"
#include "pipeline/transformation.h"
#include "stellar/functions/regex.h"

// REGEX_SELECT: the first key of config of whose regexes one is found in the input field becomes the first output's
// value. Found none: nothing changes. A regex that is no regex finds nothing.
namespace modelyard::pipeline {
namespace {

constexpr uint32_t kEffort = 1'000'000;

using stellar::Regex;

struct Choice {
  std::string key;
  std::vector<std::shared_ptr<const Regex>> regexes;
};

class RegexSelectTransformation final : public Transformation {
 public:
  RegexSelectTransformation(std::string input, std::string output, std::vector<Choice> choices)
      : input_(std::move(input)), output_(std::move(output)), choices_(std::move(choices)) {}

  Progress run(Task& task) const override {
    const stellar::Value value = task.message.get(input_);
    if (value.is_null()) return Progress::kDone;
    const std::string text = text_of(value);
    const stellar::RegexSubject subject(text);
    for (const Choice& choice : choices_) {
      for (const auto& regex : choice.regexes) {
        if (regex->match(subject, 0, kEffort) == nullptr) continue;
        task.message.put(output_, stellar::Value::string(choice.key));
        return Progress::kDone;
      }
    }
    return Progress::kDone;
  }

 private:
  const std::string input_;
  const std::string output_;
  const std::vector<Choice> choices_;
};

std::unique_ptr<Transformation> make_regex_select(const TransformationSpec& spec) {
  if (spec.config.input.size() != 1 || spec.config.output.empty()) {
    spec.refuse("REGEX_SELECT needs exactly one \"input\" and an \"output\"");
    return nullptr;
  }
  std::vector<Choice> choices;
  for (const auto& [key, value] : spec.config.config.items()) {
    Choice choice{.key = key, .regexes = {}};
    const json::Tree list = value.is_array() ? value : json::Tree::array({value});
    for (const json::Tree& item : list) {
      if (!item.is_string()) {
        spec.refuse("REGEX_SELECT: config is {\"value\": \"regex\" or [\"regex\", …]}");
        return nullptr;
      }
      if (auto regex = Regex::compile(item.get<std::string>(), Regex::Use::kFind))
        choice.regexes.push_back(std::move(*regex));
    }
    choices.push_back(std::move(choice));
  }
  return std::make_unique<RegexSelectTransformation>(spec.config.input[0], spec.config.output[0], std::move(choices));
}

}  // namespace

void register_regex_select(TransformationRegistry& registry) { registry.add("REGEX_SELECT", make_regex_select); }

}  // namespace modelyard::pipeline
