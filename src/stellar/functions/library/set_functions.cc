// SPDX-License-Identifier: Apache-2.0
#include "stellar/functions/helpers.h"

namespace modelyard::stellar {
namespace {

MapObject* new_set(Call& call) { return make_map(call.arena, MapObject::Order::kInserted); }

// Anything that is no collection makes an empty set.
Value set_init(Call& call) {
  MapObject* set = new_set(call);
  for_each_item(call.at(0), [&](Value item) { put(*set, item, {}); });
  return Value::set(set);
}

// The set of the first argument, or a new one where it is null. Null pointer after call.fail().
MapObject* first_set(Call& call) {
  if (call.at(0).is_null()) return new_set(call);
  if (!call[0].is_set()) return call.wrong_kind(0, "set"), nullptr;
  return &changeable(call.arena, call[0].map());
}

Value set_add(Call& call) {
  if (!has_arguments(call, 1)) return call.failed = false, Value::null();
  MapObject* set = first_set(call);
  if (set == nullptr) return {};
  for (size_t i = 1; i < call.size(); ++i) {
    if (!call[i].is_null()) put(*set, kept_by(set->arena, call.arena, call[i]), {});
  }
  return Value::set(set);
}

Value set_remove(Call& call) {
  if (!has_arguments(call, 1)) return call.failed = false, Value::null();
  MapObject* set = first_set(call);
  if (set == nullptr) return {};
  for (size_t i = 1; i < call.size(); ++i) {
    if (!call[i].is_null()) erase(*set, call[i]);
  }
  return Value::set(set);
}

Value set_merge(Call& call) {
  if (call.size() == 0 || call[0].is_null()) return {};
  if (!call[0].is_collection()) return call.wrong_kind(0, "list of collections");
  MapObject* merged = new_set(call);
  bool good = true;
  for_each_item(call[0], [&](Value member) {
    if (member.is_null()) return;
    good = for_each_item(member, [&](Value item) { put(*merged, item, {}); }) && good;
  });
  return good ? Value::set(merged) : call.fail("a member is no collection");
}

// --- multisets: maps of item to count that MULTISET_INIT made

MapObject* new_multiset(Call& call) {
  MapObject* map = make_map(call.arena, MapObject::Order::kInserted);
  map->multiset = true;
  return map;
}
void count_one(MapObject& map, Value item, int64_t by) {
  const MapObject::Entry* entry = find(map, item);
  put(map, item, Value::integer(static_cast<int32_t>((entry == nullptr ? 0 : entry->value.as_integral()) + by)));
}

Value multiset_init(Call& call) {
  MapObject* map = new_multiset(call);
  if (call.at(0).is_null()) return Value::map(map);
  if (!for_each_item(call[0], [&](Value item) { count_one(*map, item, 1); })) return call.wrong_kind(0, "collection");
  return Value::map(map);
}

MapObject* first_multiset(Call& call) {
  if (call.at(0).is_null()) return new_multiset(call);
  if (!call[0].is_map() || !call[0].map().multiset)
    return call.fail("argument 1 is no multiset: MULTISET_INIT makes one"), nullptr;
  return &changeable(call.arena, call[0].map());
}

Value multiset_add(Call& call) {
  if (call.size() == 0) return {};
  MapObject* map = first_multiset(call);
  if (map == nullptr) return {};
  for (size_t i = 1; i < call.size(); ++i) {
    if (!call[i].is_null()) count_one(*map, kept_by(map->arena, call.arena, call[i]), 1);
  }
  return Value::map(map);
}

Value multiset_remove(Call& call) {
  if (call.size() == 0) return {};
  MapObject* map = first_multiset(call);
  if (map == nullptr) return {};
  for (size_t i = 1; i < call.size(); ++i) {
    const MapObject::Entry* entry = call[i].is_null() ? nullptr : find(*map, call[i]);
    if (entry == nullptr) continue;
    entry->value.as_integral() <= 1 ? static_cast<void>(erase(*map, call[i])) : count_one(*map, call[i], -1);
  }
  return Value::map(map);
}

Value multiset_merge(Call& call) {
  if (!has_arguments(call, 1)) return {};
  if (!call[0].is_collection()) return call.wrong_kind(0, "list of multisets");
  MapObject* merged = new_multiset(call);
  bool good = true;
  for_each_item(call[0], [&](Value member) {
    if (member.is_null()) return;
    good = good && member.is_map();
    if (!member.is_map()) return;
    for (const auto& entry : entries_of(member.map())) {
      good = good && entry.value.is_integral();
      if (entry.value.is_integral()) count_one(*merged, entry.key, entry.value.as_integral());
    }
  });
  return good ? Value::map(merged) : call.fail("a member is no multiset");
}

Value multiset_to_set(Call& call) {
  MapObject* set = new_set(call);
  if (call.at(0).is_null()) return Value::set(set);
  if (!call[0].is_map()) return call.wrong_kind(0, "multiset");
  for (const auto& entry : entries_of(call[0].map())) put(*set, entry.key, {});
  return Value::set(set);
}

}  // namespace

void register_set_functions(FunctionRegistry& registry) {
  registry.add({.name = "SET_INIT",
                .category = "core",
                .description = "A set of a collection's items, in their order.",
                .parameters = {{"items", "list", "anything else makes an empty set", true}},
                .returns = "set",
                .examples = {{"SET_INIT([2, 1, 2])", "[2,1]"}},
                .run = set_init});
  registry.add({.name = "SET_ADD",
                .category = "core",
                .description = "Adds values to a set, which is changed and returned; nulls are left out.",
                .parameters = {{"set", "set", "null makes a new one"}, {"values", "any", "what is added", false, true}},
                .returns = "set",
                .examples = {{"SET_ADD(SET_INIT([1]), 2, 1)", "[1,2]"}},
                .run = set_add});
  registry.add(
      {.name = "SET_REMOVE",
       .category = "core",
       .description = "Removes values from a set, which is changed and returned.",
       .parameters = {{"set", "set", "null makes a new one"}, {"values", "any", "what is removed", false, true}},
       .returns = "set",
       .examples = {{"SET_REMOVE(SET_INIT([1, 2]), 1)", "[2]"}},
       .run = set_remove});
  registry.add({.name = "SET_MERGE",
                .category = "core",
                .description = "One set of all the collections' items.",
                .parameters = {{"sets", "list<set>", "collections; nulls are left out"}},
                .returns = "set",
                .examples = {{"SET_MERGE([[1, 2], [2, 3]])", "[1,2,3]"}},
                .run = set_merge});
  registry.add({.name = "MULTISET_INIT",
                .category = "core",
                .description = "A map of each item to how often it is there.",
                .parameters = {{"items", "list", "a collection", true}},
                .returns = "multiset",
                .examples = {{"MULTISET_INIT(['a', 'b', 'a'])", "{\"a\":2,\"b\":1}"}},
                .run = multiset_init});
  registry.add({.name = "MULTISET_ADD",
                .category = "core",
                .description = "Counts values in a multiset, which is changed and returned.",
                .parameters = {{"multiset", "multiset", "of MULTISET_INIT; null makes a new one"},
                               {"values", "any", "what is counted", false, true}},
                .returns = "multiset",
                .examples = {{"MULTISET_ADD(MULTISET_INIT(['a']), 'a')", "{\"a\":2}"}},
                .run = multiset_add});
  registry.add({.name = "MULTISET_REMOVE",
                .category = "core",
                .description = "Takes values off a multiset, which is changed and returned.",
                .parameters = {{"multiset", "multiset", "of MULTISET_INIT; null makes a new one"},
                               {"values", "any", "what is taken off", false, true}},
                .returns = "multiset",
                .examples = {{"MULTISET_REMOVE(MULTISET_INIT(['a', 'a', 'b']), 'a', 'b')", "{\"a\":1}"}},
                .run = multiset_remove});
  registry.add(
      {.name = "MULTISET_MERGE",
       .category = "core",
       .description = "One multiset with the sums of all counts.",
       .parameters = {{"multisets", "list<multiset>", "nulls are left out"}},
       .returns = "multiset",
       .examples = {{"MULTISET_MERGE([MULTISET_INIT(['a']), MULTISET_INIT(['a', 'b'])])", "{\"a\":2,\"b\":1}"}},
       .run = multiset_merge});
  registry.add({.name = "MULTISET_TO_SET",
                .category = "core",
                .description = "The items of a multiset.",
                .parameters = {{"multiset", "multiset", "null gives an empty set"}},
                .returns = "set",
                .examples = {{"MULTISET_TO_SET(MULTISET_INIT(['a', 'a']))", "[\"a\"]"}},
                .run = multiset_to_set});
}

}  // namespace modelyard::stellar
