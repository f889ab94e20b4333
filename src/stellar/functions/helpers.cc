// SPDX-License-Identifier: Apache-2.0
#include "stellar/functions/helpers.h"

namespace modelyard::stellar {

ListObject& changeable(Arena& arena, ListObject& list) {
  if (list.arena != nullptr) return list;
  ListObject* copy = make_list(arena, list.size);
  for (const Value item : list) copy->items[copy->size++] = item;
  return *copy;
}

MapObject& changeable(Arena& arena, MapObject& map) {
  if (map.arena != nullptr) return map;
  MapObject* copy = make_map(arena, map.order, map.count);
  copy->multiset = map.multiset;
  for (const auto& entry : entries_of(map)) put(*copy, entry.key, entry.value);
  return *copy;
}

}  // namespace modelyard::stellar
