// SPDX-License-Identifier: Apache-2.0
#include "pipeline/enrichment.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "json/writer.h"

namespace modelyard::pipeline {

using stellar::MapObject;
using stellar::Value;

EnrichmentStage EnrichmentStage::compile(const configuration::EnrichmentSection& section,
                                         const MapObject* section_config, const MapObject* configuration,
                                         const configuration::Document& document, ExpressionCompiler& expressions) {
  EnrichmentStage out;
  out.section_config_ = section_config;
  out.configuration_ = configuration;
  for (const configuration::StellarGroup& group : section.stellar) {
    Group made{.name = group.name, .entries = {}};
    for (const configuration::Assignment& one : group.assignments) {
      made.entries.push_back({one.field, std::string(trim_ascii(one.expression)),
                              expressions.compile(one.expression, document, one.path, one.inside)});
    }
    out.groups_.push_back(std::move(made));
  }
  for (const auto& [adapter, fields] : section.adapters) {
    if (fields.empty()) continue;
    expressions.refuse(fmt::format("{}: the enrichment adapter \"{}\" is not part of this version; there is stellar",
                                   document.file(), adapter));
  }
  return out;
}

namespace {

// {"field": value, …, "source.type": …} of the fields that a group's expressions read.
std::string input_of(const Message& message, const std::vector<const stellar::Program*>& programs) {
  std::string out;
  json::Writer writer(out);
  writer.begin_object();
  std::vector<std::string_view> names;
  for (const stellar::Program* program : programs) {
    for (const stellar::Variable& variable : program->variables()) names.push_back(variable.name);
  }
  names.push_back("source.type");
  for (size_t i = 0; i < names.size(); ++i) {
    const Value* value = message.find(names[i]);
    if (value == nullptr || std::find(names.begin(), names.begin() + static_cast<ptrdiff_t>(i), names[i]) !=
                                names.begin() + static_cast<ptrdiff_t>(i))
      continue;
    writer.key(to_valid_utf8(names[i]));
    std::string text;
    append_json_value(text, *value);
    writer.raw(text);
  }
  writer.end_object();
  return out;
}

// A map becomes one field per member, "name.key"; anything else stays.
void explode(Results& into, Message& message, const Message::Field& field) {
  if (!field.value.is_map()) {
    set_result(into, field.name, field.value);
    return;
  }
  for (const MapObject::Entry& entry : stellar::entries_of(field.value.map())) {
    const std::string name = fmt::format("{}.{}", field.name, text_of(entry.key));
    set_result(into, message.arena().copy(name), entry.value);
  }
}

bool is_blank(Value value) { return value.is_null() || (value.is_string() && value.text().empty()); }

}  // namespace

Task::Evaluated EnrichmentStage::run_group(Task& task, const Group& group) const {
  for (size_t& index = task.at[1]; index < group.entries.size(); ++index) {
    const Entry& entry = group.entries[index];
    Value value;
    const Task::Evaluated evaluated = task.evaluate_into(*entry.program, value);
    if (evaluated == Task::Evaluated::kError) {
      task.error = fmt::format("{} := {} failed: {}", entry.field, entry.text, task.evaluation_error);
    }
    if (evaluated != Task::Evaluated::kValue) return evaluated;
    set_result(task.results, entry.field, value);
  }
  return Task::Evaluated::kValue;
}

Progress EnrichmentStage::run(Task& task, std::vector<StageError>& errors) const {
  if (groups_.empty()) return Progress::kDone;
  task.variables = TaskVariables();
  task.variables.results = &task.results;
  task.variables.results_hide = true;
  task.variables.message = &task.message;
  task.variables.maps[0] = section_config_;
  task.variables.maps[1] = configuration_;
  for (size_t& index = task.at[0]; index < groups_.size(); ++index) {
    const Group& group = groups_[index];
    const Task::Evaluated evaluated = run_group(task, group);
    if (evaluated == Task::Evaluated::kPending) return Progress::kPending;
    if (evaluated == Task::Evaluated::kError) {
      std::vector<const stellar::Program*> programs;
      for (const Entry& entry : group.entries) programs.push_back(entry.program.get());
      errors.push_back({std::exchange(task.error, {}), input_of(task.message, programs)});
    } else {
      for (const Message::Field& field : task.results) {
        if (!field.value.is_null()) explode(task.joined, task.message, field);
      }
    }
    task.results.clear();
    task.at[1] = 0;
  }
  for (const Message::Field& field : task.joined) task.message.put(field.name, field.value);
  task.message.erase_if([](const Message::Field& field) { return is_blank(field.value); });
  return Progress::kDone;
}

}  // namespace modelyard::pipeline
