// SPDX-License-Identifier: Apache-2.0
#include "stellar/functions/helpers.h"

namespace modelyard::stellar {
namespace {

Value map_get(Call& call) {
  if (!has_arguments(call, 2)) return {};
  const Value fallback = call.at(2);
  if (call[0].is_null() || call[1].is_null()) return fallback;
  if (!call[1].is_map()) return call.wrong_kind(1, "map");
  const MapObject::Entry* entry = find(call[1].map(), call[0]);
  return entry == nullptr || entry->value.is_null() ? fallback : entry->value;
}

Value map_exists(Call& call) {
  if (call.size() < 2 || call[0].is_null() || !call[1].is_map()) return Value::boolean(false);
  return Value::boolean(find(call[1].map(), call[0]) != nullptr);
}

Value map_put(Call& call) {
  if (!has_arguments(call, 3)) return {};
  if (!call[2].is_null() && !call[2].is_map()) return call.wrong_kind(2, "map");
  MapObject& map =
      call[2].is_null() ? *make_map(call.arena, MapObject::Order::kHashed) : changeable(call.arena, call[2].map());
  put(map, kept_by(map.arena, call.arena, call[0]), kept_by(map.arena, call.arena, call[1]));
  return Value::map(&map);
}

Value map_merge(Call& call) {
  if (!has_arguments(call, 1)) return {};
  if (call[0].is_null()) return {};
  if (!call[0].is_collection()) return call.wrong_kind(0, "list of maps");
  std::vector<MapObject*> maps;
  bool good = true;
  for_each_item(call[0], [&](Value item) {
    if (item.is_map()) maps.push_back(&item.map());
    good = good && (item.is_map() || item.is_null());
  });
  if (!good) return call.fail("the list holds something that is no map");
  if (maps.empty()) return {};
  if (maps.size() == 1) return Value::map(maps.front());
  MapObject* merged = make_map(call.arena, MapObject::Order::kHashed);
  for (const MapObject* map : maps) {
    for (const auto& entry : entries_of(*map)) put(*merged, entry.key, entry.value);
  }
  return Value::map(merged);
}

}  // namespace

void register_map_functions(FunctionRegistry& registry) {
  registry.add({.name = "MAP_GET",
                .category = "core",
                .description = "The value of a key; the default where it is absent or null.",
                .parameters = {{"key", "any", "the key"},
                               {"map", "map", "the map; null gives the default"},
                               {"default", "any", "default null", true}},
                .returns = "any",
                .examples = {{"MAP_GET('a', {'a': 1})", "1"},
                             {"MAP_GET('b', {'a': 1}, 7)", "7"},
                             {"MAP_GET('a', null)", "null"}},
                .run = map_get});
  registry.add({.name = "MAP_EXISTS",
                .category = "core",
                .description = "Whether a map has a key.",
                .parameters = {{"key", "any", "the key"}, {"map", "map", "the map; anything else gives false"}},
                .returns = "bool",
                .examples = {{"MAP_EXISTS('a', {'a': null})", "true"}, {"MAP_EXISTS('a', null)", "false"}},
                .run = map_exists,
                .reads_only = true});
  registry.add({.name = "MAP_PUT",
                .category = "core",
                .description = "Sets a key of a map, which is changed and returned.",
                .parameters = {{"key", "any", "the key"},
                               {"value", "any", "its value"},
                               {"map", "map", "the map; null makes a new one"}},
                .returns = "map",
                .examples = {{"MAP_PUT('a', 1, null)", "{\"a\":1}"}},
                .run = map_put});
  registry.add({.name = "MAP_MERGE",
                .category = "core",
                .description = "One map of all the maps' entries; of equal keys the last wins.",
                .parameters = {{"maps", "list<map>", "the maps; nulls are left out"}},
                .returns = "map",
                .examples = {{"MAP_MERGE([{'a': 1}, {'a': 2}])", "{\"a\":2}"}},
                .run = map_merge});
}

}  // namespace modelyard::stellar
