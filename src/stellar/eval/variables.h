// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <span>
#include <string_view>

#include "stellar/value.h"

namespace modelyard::stellar {

// A variable that a program reads. `slot` is its place in Program::variables().
struct Variable {
  std::string_view name;
  uint32_t slot;
};

// Where an evaluation gets its variables. Values may borrow from the caller's message: what they point to must stay unchanged until
// the frame is done. Used from the frame's thread alone.
class VariableSource {
 public:
  virtual ~VariableSource() = default;
  // Null when there is none.
  virtual Value get(const Variable& variable) = 0;
  // Whether reading it is allowed. A map-like source says yes to all names: a missing variable is null there. A strict one makes
  // reading a missing variable an error.
  virtual bool is_defined(const Variable&) { return true; }
  // All variables as one immutable map, for the name `_`. Null = there is no such variable.
  virtual Value all(Arena& arena);
};

// The slots of one program, filled by the caller: the fastest source.
class SlotVariables final : public VariableSource {
 public:
  explicit SlotVariables(std::span<const Value> values) : values_(values) {}
  Value get(const Variable& variable) override { return values_[variable.slot]; }

 private:
  std::span<const Value> values_;
};

// An ordered chain of maps: the first that has a non-null value wins. The maps are borrowed.
class MapVariables final : public VariableSource {
 public:
  explicit MapVariables(std::span<const MapObject* const> maps, bool strict = false) : maps_(maps), strict_(strict) {}
  Value get(const Variable& variable) override;
  bool is_defined(const Variable& variable) override;
  Value all(Arena& arena) override;

 private:
  std::span<const MapObject* const> maps_;
  bool strict_;
};

}  // namespace modelyard::stellar
