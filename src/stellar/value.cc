// SPDX-License-Identifier: Apache-2.0
#include "stellar/value.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "stellar/compile/code.h"

namespace modelyard::stellar {
namespace {

constexpr uint32_t kSmallMap = 8;
constexpr int kDepthMax = 1000;

uint64_t mix(uint64_t a, uint64_t b) {
  const __uint128_t product = static_cast<__uint128_t>(a ^ 0x9E3779B97F4A7C15ULL) * (b ^ 0xD1B54A32D192ED03ULL);
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

uint32_t hash_bytes(std::string_view bytes) {
  uint64_t state = bytes.size();
  const char* p = bytes.data();
  size_t left = bytes.size();
  for (; left >= 8; left -= 8, p += 8) {
    uint64_t word;
    std::memcpy(&word, p, 8);
    state = mix(state, word);
  }
  uint64_t tail = 0;
  if (left > 0) std::memcpy(&tail, p, left);
  return static_cast<uint32_t>(mix(state, tail));
}

uint64_t double_bits(double value) {
  return std::isnan(value) ? 0x7FF8000000000000ULL : std::bit_cast<uint64_t>(value);
}

uint32_t hash_at(Value value, int depth) {
  if (depth > kDepthMax) throw BoundReached{"depth"};
  switch (value.kind()) {
    case Kind::kNull: return 0;
    case Kind::kString: return hash_bytes(value.text());
    case Kind::kFloat:
    case Kind::kDouble:
      return static_cast<uint32_t>(mix(static_cast<uint64_t>(value.kind()), double_bits(value.as_double())));
    case Kind::kList: {
      uint64_t state = 7;
      for (const Value item : value.list()) state = mix(state, hash_at(item, depth + 1));
      return static_cast<uint32_t>(state);
    }
    case Kind::kMap:
    case Kind::kSet: {
      uint32_t sum = 0;
      for (const MapObject::Entry& entry : entries_of(value.map()))
        sum += entry.hash ^ (hash_at(entry.value, depth + 1) * 31);
      return sum;
    }
    case Kind::kLambda: return static_cast<uint32_t>(mix(13, reinterpret_cast<uintptr_t>(&value.lambda())));
    case Kind::kOpaque: return static_cast<uint32_t>(mix(17, reinterpret_cast<uintptr_t>(&value.opaque())));
    default:
      return static_cast<uint32_t>(
          mix(static_cast<uint64_t>(value.kind()), static_cast<uint64_t>(value.as_integral())));
  }
}

bool equals_at(Value a, Value b, int depth) {
  if (a.kind() != b.kind()) return false;
  if (depth > kDepthMax) throw BoundReached{"depth"};
  switch (a.kind()) {
    case Kind::kNull: return true;
    case Kind::kString: return a.text() == b.text();
    case Kind::kFloat:
    case Kind::kDouble: return double_bits(a.as_double()) == double_bits(b.as_double());
    case Kind::kList: {
      const ListObject& x = a.list();
      const ListObject& y = b.list();
      if (&x == &y) return true;
      if (x.size != y.size) return false;
      for (uint32_t i = 0; i < x.size; ++i) {
        if (!equals_at(x.items[i], y.items[i], depth + 1)) return false;
      }
      return true;
    }
    case Kind::kMap:
    case Kind::kSet: {
      if (&a.map() == &b.map()) return true;
      if (a.map().count != b.map().count) return false;
      for (const MapObject::Entry& entry : entries_of(a.map())) {
        const MapObject::Entry* other = find(b.map(), entry.key);
        if (other == nullptr || !equals_at(entry.value, other->value, depth + 1)) return false;
      }
      return true;
    }
    case Kind::kLambda: return &a.lambda() == &b.lambda();
    case Kind::kOpaque: return &a.opaque() == &b.opaque();
    default: return a.as_integral() == b.as_integral();
  }
}

void index_insert(MapObject& map, uint32_t entry) {
  uint32_t slot = map.entries[entry].hash & (map.index_size - 1);
  while (map.index[slot] != 0) slot = (slot + 1) & (map.index_size - 1);
  map.index[slot] = entry + 1;
}

void rebuild_index(MapObject& map) {
  map.index_size = std::bit_ceil(map.capacity * 2);
  map.index = map.arena->allocate_array<uint32_t>(map.index_size);
  std::memset(map.index, 0, map.index_size * sizeof(uint32_t));
  for (uint32_t i = 0; i < map.used; ++i) {
    if (map.entries[i].live) index_insert(map, i);
  }
}

void grow(MapObject& map) {
  // Removed entries make room first.
  const uint32_t wanted =
      map.count * 2 > map.used || map.used < kSmallMap ? std::max<uint32_t>(map.capacity * 2, 4) : map.capacity;
  auto* entries = map.arena->allocate_array<MapObject::Entry>(wanted);
  uint32_t used = 0;
  for (uint32_t i = 0; i < map.used; ++i) {
    if (map.entries[i].live) entries[used++] = map.entries[i];
  }
  map.entries = entries;
  map.used = used;
  map.capacity = wanted;
  map.index = nullptr;
  if (wanted > kSmallMap) rebuild_index(map);
}

template <typename Equal>
const MapObject::Entry* find_entry(const MapObject& map, uint32_t hash, Equal equal) {
  if (map.index == nullptr) {
    for (uint32_t i = 0; i < map.used; ++i) {
      const MapObject::Entry& entry = map.entries[i];
      if (entry.live && entry.hash == hash && equal(entry.key)) return &entry;
    }
    return nullptr;
  }
  for (uint32_t slot = hash & (map.index_size - 1); map.index[slot] != 0; slot = (slot + 1) & (map.index_size - 1)) {
    const MapObject::Entry& entry = map.entries[map.index[slot] - 1];
    if (entry.live && entry.hash == hash && equal(entry.key)) return &entry;
  }
  return nullptr;
}

Value copy_at(Arena& arena, Value value, int depth) {
  if (depth > kDepthMax) throw BoundReached{"depth"};
  switch (value.kind()) {
    case Kind::kString: return make_string(arena, value.text());
    case Kind::kList: {
      const ListObject& from = value.list();
      if (from.arena == &arena) return value;
      ListObject* to = make_list(arena, from.size);
      for (const Value item : from) to->items[to->size++] = copy_at(arena, item, depth + 1);
      return Value::list(to);
    }
    case Kind::kMap:
    case Kind::kSet: {
      const MapObject& from = value.map();
      if (from.arena == &arena) return value;
      MapObject* to = make_map(arena, from.order, from.count);
      to->multiset = from.multiset;
      for (const MapObject::Entry& entry : entries_of(from))
        put(*to, copy_at(arena, entry.key, depth + 1), copy_at(arena, entry.value, depth + 1));
      return value.is_map() ? Value::map(to) : Value::set(to);
    }
    case Kind::kLambda: {
      // Without captured parameters it is its code alone, which lives as long as its program.
      if (value.lambda().environment != nullptr) return {};
      auto* copy = static_cast<LambdaObject*>(arena.allocate(sizeof(LambdaObject)));
      *copy = value.lambda();
      return Value::lambda(copy);
    }
    case Kind::kOpaque: return value.opaque().arena == &arena ? value : Value::opaque(value.opaque().copy_into(arena));
    default: return value;
  }
}

}  // namespace

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::kNull: return "null";
    case Kind::kBoolean: return "Boolean";
    case Kind::kByte: return "Byte";
    case Kind::kShort: return "Short";
    case Kind::kInteger: return "Integer";
    case Kind::kLong: return "Long";
    case Kind::kFloat: return "Float";
    case Kind::kDouble: return "Double";
    case Kind::kCharacter: return "Character";
    case Kind::kString: return "String";
    case Kind::kList: return "List";
    case Kind::kMap: return "Map";
    case Kind::kSet: return "Set";
    case Kind::kLambda: return "lambda";
    case Kind::kOpaque: return "opaque";
  }
  return "?";
}

Value make_string(Arena& arena, std::string_view text) { return Value::string(arena.copy(text)); }

ListObject* make_list(Arena& arena, size_t reserve) {
  auto* list = static_cast<ListObject*>(arena.allocate(sizeof(ListObject)));
  *list = {&arena, reserve > 0 ? arena.allocate_array<Value>(reserve) : nullptr, 0, static_cast<uint32_t>(reserve)};
  return list;
}

MapObject* make_map(Arena& arena, MapObject::Order order, size_t reserve) {
  auto* map = static_cast<MapObject*>(arena.allocate(sizeof(MapObject)));
  *map = MapObject{.arena = &arena, .order = order};
  if (reserve > 0) {
    map->capacity = static_cast<uint32_t>(reserve);
    map->entries = arena.allocate_array<MapObject::Entry>(reserve);
    if (reserve > kSmallMap) rebuild_index(*map);
  }
  return map;
}

void append(ListObject& list, Value item) {
  if (list.size == list.capacity) {
    const uint32_t wanted = std::max<uint32_t>(list.capacity * 2, 4);
    Value* items = list.arena->allocate_array<Value>(wanted);
    std::copy_n(list.items, list.size, items);
    list.items = items;
    list.capacity = wanted;
  }
  list.items[list.size++] = item;
}

MapObject::Entry& put(MapObject& map, Value key, Value value) {
  const uint32_t hash = hash_of(key);
  if (const MapObject::Entry* found = find_entry(map, hash, [key](Value other) { return equals(key, other); })) {
    auto& entry = const_cast<MapObject::Entry&>(*found);
    entry.value = value;
    return entry;
  }
  if (map.used == map.capacity) grow(map);
  map.entries[map.used] = {key, value, hash, true};
  if (map.index != nullptr) index_insert(map, map.used);
  ++map.count;
  return map.entries[map.used++];
}

void put(MapObject& map, std::string_view key, Value value) { put(map, Value::string(key), value); }

bool erase(MapObject& map, Value key) {
  auto* entry = const_cast<MapObject::Entry*>(find(map, key));
  if (entry == nullptr) return false;
  entry->live = false;
  --map.count;
  return true;
}

const MapObject::Entry* find(const MapObject& map, Value key) {
  if (key.is_string()) return find(map, key.text());
  return find_entry(map, hash_of(key), [key](Value other) { return equals(key, other); });
}

const MapObject::Entry* find(const MapObject& map, std::string_view key) {
  return find_entry(map, hash_bytes(key), [key](Value other) { return other.is_string() && other.text() == key; });
}

Value get(const MapObject& map, std::string_view key) {
  const MapObject::Entry* entry = find(map, key);
  return entry == nullptr ? Value::null() : entry->value;
}

bool equals(Value a, Value b) { return equals_at(a, b, 0); }
uint32_t hash_of(Value value) { return hash_at(value, 0); }

Value copy_value(Arena& arena, Value value) { return copy_at(arena, value, 0); }

}  // namespace modelyard::stellar
