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

// Where an evaluation gets its variables. Values may borrow from the caller's message: what they point to must stay
// unchanged until the frame is done. Used from the frame's thread alone.
class VariableSource {
 public:
  // In a map-like source a missing variable is null; reading one of a strict source is an error.
  explicit VariableSource(bool strict = false) : strict_(strict) {}
  virtual ~VariableSource() = default;
  bool is_strict() const { return strict_; }

  // Null when there is none.
  virtual Value get(const Variable& variable) = 0;
  // Asked of a strict source alone.
  virtual bool is_defined(const Variable& variable) { return !get(variable).is_null(); }
  // All variables as one immutable map, for the name `_`. Null = there is no such variable.
  virtual Value all(Arena& arena);

 private:
  bool strict_;
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
  explicit MapVariables(std::span<const MapObject* const> maps, bool strict = false)
      : VariableSource(strict), maps_(maps) {}
  Value get(const Variable& variable) override;
  bool is_defined(const Variable& variable) override;
  Value all(Arena& arena) override;

 private:
  std::span<const MapObject* const> maps_;
};

}  // namespace modelyard::stellar
