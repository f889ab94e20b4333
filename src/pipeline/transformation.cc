// SPDX-License-Identifier: Apache-2.0
#include "pipeline/transformation.h"

#include "json/tree.h"

namespace modelyard::pipeline {

std::string TransformationSpec::text(std::string_view key) const {
  const auto found = config.config.find(key);
  if (found == config.config.end() || found->is_null()) return "";
  return found->is_string() ? found->get<std::string>() : json::dump(*found);
}

configuration::Path TransformationSpec::path_of(std::string_view key) const {
  configuration::Path path = config.path;
  path.emplace_back("config");
  path.emplace_back(key);
  return path;
}

void TransformationSpec::refuse(std::string_view why) const { expressions.refuse(document.at_value(config.path, why)); }

const TransformationRegistry& TransformationRegistry::standard() {
  static const TransformationRegistry registry = [] {
    TransformationRegistry made;
    register_all_transformations(made);
    return made;
  }();
  return registry;
}

const TransformationFactory* TransformationRegistry::find(std::string_view name) const {
  const auto found = factories_.find(name);
  return found == factories_.end() ? nullptr : &found->second;
}

std::vector<std::string> TransformationRegistry::names() const {
  std::vector<std::string> out;
  for (const auto& [name, factory] : factories_) out.push_back(name);
  return out;
}

void apply_results(Message& message, const Results& results) {
  for (const Message::Field& field : results) {
    if (field.value.is_null()) {
      message.erase(field.name);
    } else {
      message.put(field.name, field.value);
    }
  }
}

}  // namespace modelyard::pipeline
