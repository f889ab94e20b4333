// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "json/writer.h"
#include "stellar/arena.h"
#include "stellar/value.h"

namespace modelyard::pipeline {

// One event: names and values, flat, in the order in which they came. Owns what its values point to (or they point into
// the Pipeline, which outlives it). Made for reuse: after clear() a warm message allocates nothing. Confined to one
// thread.
//
// A message has some twenty fields, so a name is found by looking at each: lengths differ, few bytes are compared.
class Message {
 public:
  struct Field {
    std::string_view name;
    stellar::Value value;
  };

  Message() : arena_(kBytesMax) {}

  // What a message may hold in all; beyond it the arena throws BoundReached, which the worker turns into an error
  // document.
  static constexpr size_t kBytesMax = size_t{256} << 20;

  void clear() {
    fields_.clear();
    arena_.reset();
  }
  stellar::Arena& arena() { return arena_; }
  std::span<const Field> fields() const { return fields_; }
  bool empty() const { return fields_.empty(); }

  const stellar::Value* find(std::string_view name) const {
    for (const Field& field : fields_) {
      if (field.name == name) return &field.value;
    }
    return nullptr;
  }
  // Null when it is not there; has() tells the difference.
  stellar::Value get(std::string_view name) const {
    const stellar::Value* value = find(name);
    return value == nullptr ? stellar::Value::null() : *value;
  }
  bool has(std::string_view name) const { return find(name) != nullptr; }

  // Borrows the name and what the value points to: both in arena() or of the pipeline. Replaces in place.
  void put(std::string_view name, stellar::Value value);
  // A name that lives elsewhere.
  void put_copy(std::string_view name, stellar::Value value);
  void put_text(std::string_view name, std::string_view text) { put(name, stellar::make_string(arena_, text)); }
  bool erase(std::string_view name);
  template <typename Predicate>
  void erase_if(Predicate predicate) {
    std::erase_if(fields_, predicate);
  }

 private:
  stellar::Arena arena_;
  std::vector<Field> fields_;
};

enum class Names {
  kDots,
  kColons,  // "source.type" is written "source:type"
};

// Appends the message as one JSON object without line breaks: integers, doubles (NaN and infinities are null), texts,
// nulls, lists and maps.
void append_json(std::string& out, const Message& message, Names names);
// Text as documents hold it: what is no UTF-8, half a surrogate pair too, becomes U+FFFD.
void write_text(json::Writer& writer, std::string_view text);
// Appends one value in the same way.
void append_json_value(std::string& out, stellar::Value value);

// The text of a value as it stands in messages and keys: a string itself, anything else as Stellar's TO_STRING.
std::string text_of(stellar::Value value);

}  // namespace modelyard::pipeline
