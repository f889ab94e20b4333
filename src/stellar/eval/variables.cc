// SPDX-License-Identifier: Apache-2.0
#include "stellar/eval/variables.h"

namespace modelyard::stellar {

Value VariableSource::all(Arena&) { return {}; }

Value MapVariables::get(const Variable& variable) {
  for (const MapObject* map : maps_) {
    const Value value = stellar::get(*map, variable.name);
    if (!value.is_null()) return value;
  }
  return {};
}

bool MapVariables::is_defined(const Variable& variable) {
  for (const MapObject* map : maps_) {
    if (find(*map, variable.name) != nullptr) return true;
  }
  return false;
}

Value MapVariables::all(Arena& arena) {
  MapObject* joined = make_map(arena, MapObject::Order::kInserted);
  for (const MapObject* map : maps_) {
    for (const MapObject::Entry& entry : entries_of(*map)) {
      if (find(*joined, entry.key) == nullptr) put(*joined, entry.key, entry.value);
    }
  }
  joined->arena = nullptr;
  return Value::map(joined);
}

}  // namespace modelyard::stellar
