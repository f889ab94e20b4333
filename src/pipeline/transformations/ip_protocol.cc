// SPDX-License-Identifier: Apache-2.0
#include <string_view>

#include "pipeline/transformation.h"
#include "stellar/functions/protocols.h"

// IP_PROTOCOL: a number becomes the protocol's name (IANA, Protocol Numbers, 0 to 142). A number without a name removes
// the field; texts stay as they are.
namespace modelyard::pipeline {
namespace {

class IpProtocolTransformation final : public Transformation {
 public:
  IpProtocolTransformation(std::vector<std::string> input, std::string output)
      : input_(std::move(input)), output_(std::move(output)) {}

  Progress run(Task& task) const override {
    for (const std::string& name : input_) {
      const stellar::Value* value = task.message.find(name);
      if (value == nullptr) continue;
      if (value->is_number()) replace(task.message, *value);
      break;  // the first input field that is there decides
    }
    return Progress::kDone;
  }

 private:
  void replace(Message& message, stellar::Value value) const {
    const double number = value.is_floating() ? value.as_double() : static_cast<double>(value.as_integral());
    // A fraction is cut off, as Java's conversion to int does; what is out of range has no name.
    const bool in_range = number > -1 && number < 256;
    if (const std::string_view name = stellar::protocol_name(in_range ? static_cast<int64_t>(number) : -1);
        !name.empty()) {
      message.put(output_, stellar::Value::string(name));
      return;
    }
    message.erase(output_);
  }

  const std::vector<std::string> input_;
  const std::string output_;
};

std::unique_ptr<Transformation> make_ip_protocol(const TransformationSpec& spec) {
  if (spec.config.input.empty()) {
    spec.refuse("IP_PROTOCOL needs \"input\": the field with the protocol's number");
    return nullptr;
  }
  return std::make_unique<IpProtocolTransformation>(spec.config.input, spec.config.output[0]);
}

}  // namespace

void register_ip_protocol(TransformationRegistry& registry) { registry.add("IP_PROTOCOL", make_ip_protocol); }

}  // namespace modelyard::pipeline
