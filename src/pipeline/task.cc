// SPDX-License-Identifier: Apache-2.0
#include "pipeline/task.h"

#include <algorithm>

namespace modelyard::pipeline {

using stellar::MapObject;
using stellar::Outcome;
using stellar::Value;

const Value* find_result(const Results& results, std::string_view name) {
  for (const Message::Field& field : results) {
    if (field.name == name) return &field.value;
  }
  return nullptr;
}

void set_result(Results& results, std::string_view name, Value value) {
  for (Message::Field& field : results) {
    if (field.name != name) continue;
    field.value = value;
    return;
  }
  results.push_back({name, value});
}

bool TaskVariables::shown(std::string_view name) const {
  return only == nullptr || std::find(only->begin(), only->end(), name) != only->end();
}

Value TaskVariables::get(const stellar::Variable& variable) {
  const std::string_view name = variable.name;
  if (results != nullptr) {
    if (const Value* value = find_result(*results, name); value != nullptr && (results_hide || !value->is_null()))
      return *value;
  }
  if (message != nullptr && shown(name)) {
    if (const Value* value = message->find(name); value != nullptr && !value->is_null()) return *value;
  }
  for (const MapObject* map : maps) {
    if (map == nullptr) continue;
    if (const Value value = stellar::get(*map, name); !value.is_null()) return value;
  }
  return Value::null();
}

Value TaskVariables::all(stellar::Arena& arena) {
  MapObject* out = stellar::make_map(arena, MapObject::Order::kInserted);
  // The last place first, so that the first place's values stay.
  for (size_t i = std::size(maps); i-- > 0;) {
    if (maps[i] == nullptr) continue;
    for (const MapObject::Entry& entry : stellar::entries_of(*maps[i])) stellar::put(*out, entry.key, entry.value);
  }
  if (message != nullptr) {
    for (const Message::Field& field : message->fields()) {
      if (shown(field.name)) stellar::put(*out, field.name, field.value);
    }
  }
  if (results != nullptr) {
    for (const Message::Field& field : *results) {
      if (results_hide || !field.value.is_null()) stellar::put(*out, field.name, field.value);
    }
  }
  out->arena = nullptr;
  return Value::map(out);
}

std::optional<Outcome> Task::evaluate(const stellar::Program& program) {
  Outcome outcome;
  if (resumed_) {
    outcome = *resumed_;
    resumed_.reset();
  } else {
    outcome = frame_.start(program, variables, *capabilities);
  }
  if (outcome.pending()) return std::nullopt;
  return outcome;
}

Task::Evaluated Task::evaluate_into(const stellar::Program& program, Value& value) {
  const std::optional<Outcome> outcome = evaluate(program);
  if (!outcome) return Evaluated::kPending;
  if (outcome->failed()) {
    evaluation_error = frame_.error().message;
    return Evaluated::kError;
  }
  value = stellar::copy_value(message.arena(), outcome->value);
  return Evaluated::kValue;
}

bool Task::resume(Value answer) {
  const Outcome outcome = frame_.resume(answer);
  if (outcome.pending()) return true;
  resumed_ = outcome;
  return false;
}

bool Task::fail_call(std::string_view why) {
  const Outcome outcome = frame_.resume_with_error(why);
  if (outcome.pending()) return true;
  resumed_ = outcome;
  return false;
}

void Task::reset() {
  message.clear();
  variables = TaskVariables();
  metadata = nullptr;
  triaging = false;
  error.clear();
  resumed_.reset();
  begin_step();
}

}  // namespace modelyard::pipeline
