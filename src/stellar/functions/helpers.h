// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>

#include "stellar/eval/conversions.h"
#include "stellar/eval/numbers.h"
#include "stellar/eval/text.h"
#include "stellar/eval/utf16.h"
#include "stellar/functions/function.h"
#include "stellar/functions/registry.h"

namespace modelyard::stellar {

// Checks that many functions begin with. Each returns false after call.fail(); the caller then returns null.

inline bool has_arguments(Call& call, size_t least) {
  if (call.size() >= least) return true;
  call.too_few(least);
  return false;
}
inline bool is_string_or_null(Call& call, size_t index) {
  const Value value = call.at(index);
  if (value.is_null() || value.is_string()) return true;
  call.wrong_kind(index, "string");
  return false;
}
inline bool is_number_or_null(Call& call, size_t index) {
  const Value value = call.at(index);
  if (value.is_null() || value.is_number()) return true;
  call.wrong_kind(index, "number");
  return false;
}
inline bool is_list(Call& call, size_t index) {
  if (call.at(index).is_list()) return true;
  call.wrong_kind(index, "list");
  return false;
}

// The items of a list or set, or null pointer-sized nothing for another kind.
template <typename Visit>
bool for_each_item(Value collection, Visit visit) {
  if (collection.is_list()) {
    // By index: a visitor may run into its own list.
    const ListObject& list = collection.list();
    for (uint32_t i = 0; i < list.size; ++i) visit(list.items[i]);
    return true;
  }
  if (collection.is_set()) {
    for (const auto& entry : entries_of(collection.map())) visit(entry.key);
    return true;
  }
  return false;
}

// A list that may be changed: the argument itself, or a copy when it is a constant.
ListObject& changeable(Arena& arena, ListObject& list);
MapObject& changeable(Arena& arena, MapObject& map);
// What a container in another arena than the call's may keep: a copy that lives as long as the container.
inline Value kept_by(Arena* owner, Arena& arena, Value value) {
  return owner == &arena ? value : copy_value(*owner, value);
}

inline Value integer_or_null(std::optional<int32_t> value) { return value ? Value::integer(*value) : Value::null(); }

}  // namespace modelyard::stellar
