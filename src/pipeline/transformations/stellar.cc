// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "json/tree.h"
#include "pipeline/transformation.h"

// STELLAR: the entries of config in the document's order. An entry sees the results so far, the intermediates, the
// message (of `input` alone, if it is given), parserConfig and metadata, in this order; a null falls through, so after
// `a := null` a later entry still sees the message's `a`. Entries that `output` does not name are intermediates.
namespace modelyard::pipeline {
namespace {

struct Entry {
  std::string field;
  std::string text;
  ProgramPtr program;
  bool output = false;
};

class StellarTransformation final : public Transformation {
 public:
  StellarTransformation(std::vector<Entry> entries, std::vector<std::string> input,
                        const stellar::MapObject* parser_config)
      : entries_(std::move(entries)), input_(std::move(input)), parser_config_(parser_config) {}

  Progress run(Task& task) const override {
    task.variables.results = &task.results;
    task.variables.results_hide = false;
    task.variables.message = &task.message;
    task.variables.only = input_.empty() ? nullptr : &input_;
    task.variables.maps[0] = parser_config_;
    task.variables.maps[1] = task.metadata;
    for (size_t& index = task.at[0]; index < entries_.size(); ++index) {
      const Entry& entry = entries_[index];
      stellar::Value value;
      switch (task.evaluate_into(*entry.program, value)) {
        case Task::Evaluated::kPending: return Progress::kPending;
        case Task::Evaluated::kError:
          task.error = fmt::format("Unable to process transformation: {} for {} because {}", entry.text, entry.field,
                                   task.evaluation_error);
          return Progress::kFailed;
        case Task::Evaluated::kValue: set_result(task.results, entry.field, value); break;
      }
    }
    for (const Entry& entry : entries_) {
      if (!entry.output) continue;
      const stellar::Value value = *find_result(task.results, entry.field);
      if (value.is_null()) {
        task.message.erase(entry.field);
      } else {
        task.message.put(entry.field, value);
      }
    }
    return Progress::kDone;
  }

 private:
  const std::vector<Entry> entries_;
  const std::vector<std::string> input_;
  const stellar::MapObject* const parser_config_;
};

std::unique_ptr<Transformation> make_stellar(const TransformationSpec& spec) {
  if (spec.config.input.empty() && spec.config.output.empty()) {
    spec.refuse("STELLAR needs \"output\": the fields that it writes");
    return nullptr;
  }
  std::vector<Entry> entries;
  bool good = true;
  for (const auto& [field, value] : spec.config.config.items()) {
    if (value.is_null()) continue;
    Entry entry{.field = field, .text = spec.text(field), .program = nullptr, .output = false};
    entry.program = spec.expressions.compile(entry.text, spec.document, spec.path_of(field));
    entry.output = std::find(spec.config.output.begin(), spec.config.output.end(), field) != spec.config.output.end();
    good = good && entry.program != nullptr;
    entries.push_back(std::move(entry));
  }
  if (!good) return nullptr;
  return std::make_unique<StellarTransformation>(std::move(entries), spec.config.input, spec.parser_config);
}

}  // namespace

void register_stellar(TransformationRegistry& registry) { registry.add("STELLAR", make_stellar); }

}  // namespace modelyard::pipeline
