// SPDX-License-Identifier: Apache-2.0
#include "pipeline/parser.h"

#include "json/tree.h"

namespace modelyard::pipeline {

std::string Parser::why_invalid(const Message& message) const {
  for (const char* name : {"original_string", "timestamp"}) {
    if (!message.has(name)) return std::string("the field ") + name + " is missing";
  }
  return "";
}

bool ParserSpec::has(std::string_view key) const {
  const auto found = config.find(key);
  return found != config.end() && !found->is_null();
}

std::string ParserSpec::text(std::string_view key, std::string_view fallback) const {
  if (!has(key)) return std::string(fallback);
  const json::Tree& value = *config.find(key);
  return value.is_string() ? value.get<std::string>() : json::dump(value);
}

tl::unexpected<Error> ParserSpec::refuse(std::string_view key, std::string_view why) const {
  configuration::Path path{"parserConfig"};
  if (config.contains(key)) path.emplace_back(key);
  return fail(ErrorCode::kInvalidArgument, sensor.parser.document->at_value(path, why));
}

const ParserRegistry& ParserRegistry::standard() {
  static const ParserRegistry registry = [] {
    ParserRegistry made;
    register_all_parsers(made);
    return made;
  }();
  return registry;
}

const ParserFactory* ParserRegistry::find(std::string_view class_name) const {
  const auto found = factories_.find(class_name);
  return found == factories_.end() ? nullptr : &found->second;
}

std::vector<std::string> ParserRegistry::names() const {
  std::vector<std::string> out;
  for (const auto& [name, factory] : factories_) out.push_back(name);
  return out;
}

}  // namespace modelyard::pipeline
