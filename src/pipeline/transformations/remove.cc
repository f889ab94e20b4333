// SPDX-License-Identifier: Apache-2.0
#include "json/tree.h"
#include "pipeline/transformation.h"

// REMOVE: takes the output (= input) fields away; with config.condition only when that is true. The condition sees the
// input fields and nothing else.
namespace modelyard::pipeline {
namespace {

class RemoveTransformation final : public Transformation {
 public:
  RemoveTransformation(std::vector<std::string> fields, std::vector<std::string> input, ProgramPtr condition,
                       std::string text)
      : fields_(std::move(fields)),
        input_(std::move(input)),
        condition_(std::move(condition)),
        text_(std::move(text)) {}

  Progress run(Task& task) const override {
    if (condition_ != nullptr && !condition_->is_blank()) {
      task.variables = TaskVariables();
      task.variables.message = &task.message;
      task.variables.only = &input_;
      const auto outcome = task.evaluate(*condition_);
      if (!outcome) return Progress::kPending;
      if (outcome->failed()) {
        task.error = "REMOVE: the condition " + text_ + " failed: " + task.frame().error().message;
        return Progress::kFailed;
      }
      if (!outcome->value.is_null() && !outcome->value.is_boolean()) {
        task.error = "REMOVE: the condition " + text_ + " does not return a boolean";
        return Progress::kFailed;
      }
      if (outcome->value.is_null() || !outcome->value.as_boolean()) return Progress::kDone;
    }
    for (const std::string& field : fields_) task.message.erase(field);
    return Progress::kDone;
  }

 private:
  const std::vector<std::string> fields_;
  const std::vector<std::string> input_;
  const ProgramPtr condition_;
  const std::string text_;
};

std::unique_ptr<Transformation> make_remove(const TransformationSpec& spec) {
  if (spec.config.output.empty()) {
    spec.refuse("REMOVE needs \"input\": the fields that it takes away");
    return nullptr;
  }
  ProgramPtr condition;
  const std::string text = spec.text("condition");
  if (spec.config.config.contains("condition")) {
    condition = spec.expressions.compile(text, spec.document, spec.path_of("condition"));
    if (condition == nullptr) return nullptr;
  }
  return std::make_unique<RemoveTransformation>(spec.config.output, spec.config.input, std::move(condition), text);
}

}  // namespace

void register_remove(TransformationRegistry& registry) { registry.add("REMOVE", make_remove); }

}  // namespace modelyard::pipeline
