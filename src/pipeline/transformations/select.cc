// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "pipeline/transformation.h"

// SELECT: keeps the output fields, and timestamp, original_string and source.type, which every message needs.
namespace modelyard::pipeline {
namespace {

class SelectTransformation final : public Transformation {
 public:
  explicit SelectTransformation(std::vector<std::string> fields) : fields_(std::move(fields)) {
    for (const char* always : {"timestamp", "original_string", "source.type"}) fields_.emplace_back(always);
  }

  Progress run(Task& task) const override {
    task.message.erase_if([&](const Message::Field& field) {
      return std::find(fields_.begin(), fields_.end(), field.name) == fields_.end();
    });
    return Progress::kDone;
  }

 private:
  std::vector<std::string> fields_;
};

std::unique_ptr<Transformation> make_select(const TransformationSpec& spec) {
  if (spec.config.output.empty()) {
    spec.refuse("SELECT needs \"output\": the fields that stay");
    return nullptr;
  }
  return std::make_unique<SelectTransformation>(spec.config.output);
}

}  // namespace

void register_select(TransformationRegistry& registry) { registry.add("SELECT", make_select); }

}  // namespace modelyard::pipeline
