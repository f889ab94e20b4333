// SPDX-License-Identifier: Apache-2.0
#include "stellar/eval/text.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <vector>

#include "stellar/eval/numbers.h"
#include "stellar/eval/utf16.h"
#include "stellar/json_value.h"

namespace modelyard::stellar {
namespace {

constexpr int kDepthMax = 1000;

// Java's hashCode: the order of a HashMap's entries shows in its text.
uint32_t java_hash(Value value, int depth) {
  if (depth > kDepthMax) throw BoundReached{"depth"};
  switch (value.kind()) {
    case Kind::kNull: return 0;
    case Kind::kBoolean: return value.as_boolean() ? 1231 : 1237;
    case Kind::kLong:
      return static_cast<uint32_t>(value.as_integral() ^ (static_cast<uint64_t>(value.as_integral()) >> 32));
    case Kind::kFloat: return std::bit_cast<uint32_t>(static_cast<float>(value.as_double()));
    case Kind::kDouble: {
      const auto bits = std::bit_cast<uint64_t>(value.as_double());
      return static_cast<uint32_t>(bits ^ (bits >> 32));
    }
    case Kind::kString: {
      uint32_t hash = 0;
      for_each_unit(value.text(), [&](char16_t unit) { hash = hash * 31 + unit; });
      return hash;
    }
    case Kind::kList: {
      uint32_t hash = 1;
      for (const Value item : value.list()) hash = hash * 31 + java_hash(item, depth + 1);
      return hash;
    }
    case Kind::kMap: {
      uint32_t hash = 0;
      for (const auto& entry : entries_of(value.map()))
        hash += java_hash(entry.key, depth + 1) ^ java_hash(entry.value, depth + 1);
      return hash;
    }
    case Kind::kSet: {
      uint32_t hash = 0;
      for (const auto& entry : entries_of(value.map())) hash += java_hash(entry.key, depth + 1);
      return hash;
    }
    case Kind::kLambda:
    case Kind::kOpaque: return 1;
    default: return static_cast<uint32_t>(value.as_integral());
  }
}

std::vector<const MapObject::Entry*> in_java_order(const MapObject& map) {
  std::vector<const MapObject::Entry*> entries;
  for (const auto& entry : entries_of(map)) entries.push_back(&entry);
  if (map.order == MapObject::Order::kInserted) return entries;
  uint32_t buckets = 16;
  while (entries.size() > buckets / 4 * 3) buckets *= 2;
  std::vector<std::pair<uint32_t, const MapObject::Entry*>> placed;
  placed.reserve(entries.size());
  for (const auto* entry : entries) {
    const uint32_t hash = java_hash(entry->key, 0);
    placed.emplace_back((hash ^ (hash >> 16)) & (buckets - 1), entry);
  }
  std::stable_sort(placed.begin(), placed.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::transform(placed.begin(), placed.end(), entries.begin(), [](const auto& pair) { return pair.second; });
  return entries;
}

void append_integral(std::string& out, int64_t value) {
  char buffer[24];
  out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
}

void append_at(std::string& out, Value value, int depth) {
  if (depth > kDepthMax) throw BoundReached{"depth"};
  if (out.size() > Arena::kDefaultLimit) throw BoundReached{"result"};
  switch (value.kind()) {
    case Kind::kNull: out += "null"; return;
    case Kind::kBoolean: out += value.as_boolean() ? "true" : "false"; return;
    case Kind::kFloat: append_float(out, static_cast<float>(value.as_double())); return;
    case Kind::kDouble: append_double(out, value.as_double()); return;
    case Kind::kCharacter: append_unit(out, static_cast<char16_t>(value.as_integral())); return;
    case Kind::kString: out += value.text(); return;
    case Kind::kList: {
      out += '[';
      for (const Value& item : value.list()) {
        if (&item != value.list().begin()) out += ", ";
        append_at(out, item, depth + 1);
      }
      out += ']';
      return;
    }
    case Kind::kSet: {
      out += '[';
      bool first = true;
      for (const auto& entry : entries_of(value.map())) {
        if (!first) out += ", ";
        first = false;
        append_at(out, entry.key, depth + 1);
      }
      out += ']';
      return;
    }
    case Kind::kMap: {
      out += '{';
      bool first = true;
      for (const auto* entry : in_java_order(value.map())) {
        if (!first) out += ", ";
        first = false;
        append_at(out, entry->key, depth + 1);
        out += '=';
        append_at(out, entry->value, depth + 1);
      }
      out += '}';
      return;
    }
    case Kind::kLambda: out += "lambda"; return;
    case Kind::kOpaque: out += value.opaque().kind(); return;
    default: append_integral(out, value.as_integral());
  }
}

}  // namespace

void append_text(std::string& out, Value value) { append_at(out, value, 0); }

uint32_t java_hash_code(Value value) { return java_hash(value, 0); }

std::string_view text_of(Arena& arena, Value value) {
  if (value.is_string()) return value.text();
  if (value.is_integral()) {
    char* buffer = arena.allocate_array<char>(24);
    return {buffer, static_cast<size_t>(std::to_chars(buffer, buffer + 24, value.as_integral()).ptr - buffer)};
  }
  thread_local std::string out;
  out.clear();
  append_at(out, value, 0);
  return arena.copy(out);
}

}  // namespace modelyard::stellar
