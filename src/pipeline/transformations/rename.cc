// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "json/tree.h"
#include "pipeline/transformation.h"

// RENAME: config is {old: new}. All values are read before any field is written, so swaps work and a renamed field
// takes the place of one that has its new name (the reference loses a value there, which one depends on hash order:
// docs/decisions).
namespace modelyard::pipeline {
namespace {

class RenameTransformation final : public Transformation {
 public:
  explicit RenameTransformation(std::vector<std::pair<std::string, std::string>> names) : names_(std::move(names)) {}

  Progress run(Task& task) const override {
    for (const auto& [from, to] : names_) {
      if (const stellar::Value* value = task.message.find(from)) task.results.push_back({to, *value});
    }
    for (const auto& [from, to] : names_) task.message.erase(from);
    apply_results(task.message, task.results);
    return Progress::kDone;
  }

 private:
  const std::vector<std::pair<std::string, std::string>> names_;
};

std::unique_ptr<Transformation> make_rename(const TransformationSpec& spec) {
  std::vector<std::pair<std::string, std::string>> names;
  const std::vector<std::string>& input = spec.config.input;
  for (const auto& [from, to] : spec.config.config.items()) {
    if (!to.is_string()) {
      spec.refuse("RENAME: config is {\"old name\": \"new name\"}");
      return nullptr;
    }
    if (!input.empty() && std::find(input.begin(), input.end(), from) == input.end()) continue;
    names.emplace_back(from, to.get<std::string>());
  }
  return std::make_unique<RenameTransformation>(std::move(names));
}

}  // namespace

void register_rename(TransformationRegistry& registry) { registry.add("RENAME", make_rename); }

}  // namespace modelyard::pipeline
