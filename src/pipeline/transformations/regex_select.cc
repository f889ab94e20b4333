// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <optional>

#include "grok/pcre.h"
#include "grok/java_regex.h"
#include "json/tree.h"
#include "pipeline/transformation.h"

// REGEX_SELECT: the first key of config of whose regexes one is found in the input field becomes the first output's value. Found
// none: nothing changes. A regex that is no regex finds nothing.
namespace modelyard::pipeline {
namespace {

struct Choice {
  std::string key;
  std::vector<grok::PcreCode> regexes;
};

class RegexSelectTransformation final : public Transformation {
 public:
  RegexSelectTransformation(std::string input, std::string output, std::vector<Choice> choices)
      : input_(std::move(input)), output_(std::move(output)), choices_(std::move(choices)) {}

  Progress run(Task& task) const override {
    const stellar::Value value = task.message.get(input_);
    if (value.is_null()) return Progress::kDone;
    const std::string text = text_of(value);
    for (const Choice& choice : choices_) {
      for (const grok::PcreCode& regex : choice.regexes) {
        if (!is_found(regex, text)) continue;
        task.message.put(output_, stellar::Value::string(choice.key));
        return Progress::kDone;
      }
    }
    return Progress::kDone;
  }

 private:
  static bool is_found(const grok::PcreCode& regex, const std::string& text) {
    constexpr uint32_t kEffort = 1'000'000;
    const grok::PcrePtr<pcre2_match_data> data(pcre2_match_data_create(1, nullptr));
    const grok::PcrePtr<pcre2_match_context> context(pcre2_match_context_create(nullptr));
    pcre2_set_match_limit(context.get(), kEffort);
    return pcre2_match(regex.code.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0, 0, data.get(), context.get()) >= 0;
  }

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
      const auto text = grok::to_pcre(item.get<std::string>());
      if (!text) continue;
      if (auto code = grok::compile_pcre(text->pattern, true)) choice.regexes.push_back(std::move(*code));
    }
    choices.push_back(std::move(choice));
  }
  return std::make_unique<RegexSelectTransformation>(spec.config.input[0], spec.config.output[0], std::move(choices));
}

}  // namespace

void register_regex_select(TransformationRegistry& registry) { registry.add("REGEX_SELECT", make_regex_select); }

}  // namespace modelyard::pipeline
