// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "stellar/arena.h"

namespace modelyard::stellar {

struct ListObject;
struct MapObject;
struct LambdaObject;
class OpaqueObject;

enum class Kind : uint8_t {
  kNull,
  kBoolean,
  kByte,
  kShort,
  kInteger,
  kLong,
  kFloat,
  kDouble,
  kCharacter,
  kString,
  kList,
  kMap,
  kSet,
  kLambda,
  kOpaque,
};
std::string_view to_string(Kind kind);  // "Integer"

// One value of the language: 16 bytes, trivially copyable, never an owner. What it points to (text, list, map, …) lives
// in an Arena, in a Program's constants, or in the caller's message; a Value is good for as long as that lives.
// copy_value() moves one to a longer life. Immutable values may be read by several threads.
//
// Text is UTF-8, a lone surrogate being its three WTF-8 bytes; functions count in UTF-16 units (eval/utf16.h).
class Value {
 public:
  constexpr Value() : payload_{.integral = 0}, size_(0), kind_(Kind::kNull) {}

  static constexpr Value null() { return {}; }
  static constexpr Value boolean(bool value) { return {Kind::kBoolean, int64_t{value}}; }
  static constexpr Value byte(int8_t value) { return {Kind::kByte, int64_t{value}}; }
  static constexpr Value short_integer(int16_t value) { return {Kind::kShort, int64_t{value}}; }
  static constexpr Value integer(int32_t value) { return {Kind::kInteger, int64_t{value}}; }
  static constexpr Value long_integer(int64_t value) { return {Kind::kLong, value}; }
  static constexpr Value character(char16_t unit) { return {Kind::kCharacter, int64_t{unit}}; }
  static Value float_number(float value) { return {Kind::kFloat, double{value}}; }
  static Value double_number(double value) { return {Kind::kDouble, value}; }
  // Borrows the bytes.
  static Value string(std::string_view text) {
    Value value(Kind::kString, int64_t{0});
    value.payload_.text = text.data();
    value.size_ = static_cast<uint32_t>(text.size());
    return value;
  }
  static Value list(ListObject* object) { return from_object(Kind::kList, object); }
  static Value map(MapObject* object) { return from_object(Kind::kMap, object); }
  static Value set(MapObject* object) { return from_object(Kind::kSet, object); }
  static Value lambda(LambdaObject* object) { return from_object(Kind::kLambda, object); }
  static Value opaque(OpaqueObject* object) {
    Value value(Kind::kOpaque, int64_t{0});
    value.payload_.opaque = object;
    return value;
  }

  Kind kind() const { return kind_; }
  bool is_null() const { return kind_ == Kind::kNull; }
  bool is_boolean() const { return kind_ == Kind::kBoolean; }
  bool is_string() const { return kind_ == Kind::kString; }
  bool is_list() const { return kind_ == Kind::kList; }
  bool is_map() const { return kind_ == Kind::kMap; }
  bool is_set() const { return kind_ == Kind::kSet; }
  bool is_lambda() const { return kind_ == Kind::kLambda; }
  bool is_collection() const { return kind_ == Kind::kList || kind_ == Kind::kSet; }
  bool is_number() const { return kind_ >= Kind::kByte && kind_ <= Kind::kDouble; }
  bool is_integral() const { return kind_ >= Kind::kByte && kind_ <= Kind::kLong; }
  bool is_floating() const { return kind_ == Kind::kFloat || kind_ == Kind::kDouble; }

  // Each is for its own kinds alone; asking another is a mistake of ours, not checked.
  bool as_boolean() const { return payload_.integral != 0; }
  int64_t as_integral() const { return payload_.integral; }  // Byte, Short, Integer, Long, Character
  double as_double() const { return payload_.number; }       // Float and Double: a Float is kept widened
  std::string_view text() const { return {payload_.text, size_}; }
  ListObject& list() const { return *static_cast<ListObject*>(payload_.object); }
  MapObject& map() const { return *static_cast<MapObject*>(payload_.object); }  // Map and Set
  LambdaObject& lambda() const { return *static_cast<LambdaObject*>(payload_.object); }
  OpaqueObject& opaque() const { return *payload_.opaque; }

 private:
  constexpr Value(Kind kind, int64_t integral) : payload_{.integral = integral}, size_(0), kind_(kind) {}
  Value(Kind kind, double number) : payload_{.number = number}, size_(0), kind_(kind) {}
  static Value from_object(Kind kind, void* object) {
    Value value(kind, int64_t{0});
    value.payload_.object = object;
    return value;
  }

  union Payload {
    int64_t integral;
    double number;
    const char* text;
    void* object;
    OpaqueObject* opaque;
  } payload_;
  uint32_t size_;  // bytes of text
  Kind kind_;
};
static_assert(sizeof(Value) == 16 && std::is_trivially_copyable_v<Value>);

// A list. `arena` is where it grows; null = immutable (a constant of a program): functions that change lists copy it
// first.
struct ListObject {
  Arena* arena;
  Value* items;
  uint32_t size;
  uint32_t capacity;

  const Value* begin() const { return items; }
  const Value* end() const { return items + size; }
};

// A map or a set (whose values are null), in order of insertion. Keys are equal as Java's equals says. Up to eight
// entries are searched one by one, more through a hash index.
struct MapObject {
  enum class Order : uint8_t {
    kInserted,  // LinkedHashMap, LinkedHashSet: multisets, sets, JSON objects
    kHashed,    // HashMap: literals; the order shows only where a map becomes text
  };
  struct Entry {
    Value key;
    Value value;
    uint32_t hash;
    bool live;  // false: removed
  };
  Arena* arena;  // as of ListObject
  Entry* entries;
  uint32_t* index;  // open addressing over entry numbers + 1; null while small
  uint32_t count;   // live entries
  uint32_t used;    // live and removed entries
  uint32_t capacity;
  uint32_t index_size;
  Order order;
  bool multiset;  // made by MULTISET_INIT: the only maps that multiset functions take

  // for (const MapObject::Entry& entry : entries_of(map)) …: skips removed ones.
};

// State with behaviour: statistics, bloom filters, samplers. Lives in an arena.
class OpaqueObject {
 public:
  virtual ~OpaqueObject() = default;
  virtual std::string_view kind() const = 0;  // "stats"
  virtual OpaqueObject* copy_into(Arena& arena) const = 0;
  Arena* arena = nullptr;
};

// --- making (all may throw BoundReached, as Arena says)
Value make_string(Arena& arena, std::string_view text);  // copies the bytes
ListObject* make_list(Arena& arena, size_t reserve = 0);
MapObject* make_map(Arena& arena, MapObject::Order order, size_t reserve = 0);
void append(ListObject& list, Value item);  // list.arena is not null
// Inserts or replaces. Returns the entry.
MapObject::Entry& put(MapObject& map, Value key, Value value);
void put(MapObject& map, std::string_view key, Value value);  // borrows the key
bool erase(MapObject& map, Value key);

// --- looking
const MapObject::Entry* find(const MapObject& map, Value key);
const MapObject::Entry* find(const MapObject& map, std::string_view key);
Value get(const MapObject& map, std::string_view key);  // null when absent

class LiveEntries {
 public:
  class Iterator {
   public:
    Iterator(const MapObject::Entry* at, const MapObject::Entry* end) : at_(at), end_(end) { skip(); }
    const MapObject::Entry& operator*() const { return *at_; }
    Iterator& operator++() {
      ++at_;
      skip();
      return *this;
    }
    bool operator!=(const Iterator& other) const { return at_ != other.at_; }

   private:
    void skip() {
      while (at_ != end_ && !at_->live) ++at_;
    }
    const MapObject::Entry* at_;
    const MapObject::Entry* end_;
  };
  explicit LiveEntries(const MapObject& map) : map_(map) {}
  Iterator begin() const { return {map_.entries, map_.entries + map_.used}; }
  Iterator end() const { return {map_.entries + map_.used, map_.entries + map_.used}; }

 private:
  const MapObject& map_;
};
inline LiveEntries entries_of(const MapObject& map) { return LiveEntries(map); }

// Java's equals: kinds must match (1 is not 1L), containers element by element. Depth is bounded:
// BoundReached{"depth"}.
bool equals(Value a, Value b);
uint32_t hash_of(Value value);

// A copy whose every part lives in `arena`, sharing nothing with the original but what is in `arena` already. A lambda
// still needs its program; one that reads parameters of a lambda around it becomes null.
Value copy_value(Arena& arena, Value value);

}  // namespace modelyard::stellar
