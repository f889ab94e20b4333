// SPDX-License-Identifier: Apache-2.0
#include "registry/json_fields.h"

#include <limits>

namespace modelyard::registry::internal {

Fields::Fields(const json::Tree& object, std::string_view what) : object_(object), what_(what) {
  if (!object.is_object()) fail("must be a JSON object");
}

void Fields::fail(std::string message) {
  if (!error_) error_ = what_ + ": " + std::move(message);
}

void Fields::wrong(std::string_view key, std::string_view wanted) {
  fail(std::string(key) + " must be " + std::string(wanted));
}

Status Fields::status() const {
  if (error_) return modelyard::fail(ErrorCode::kInvalidArgument, *error_);
  return {};
}

const json::Tree* Fields::find(std::string_view key) const {
  if (error_) return nullptr;
  const auto found = object_.find(key);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

void Fields::read(std::string_view key, std::string& out) {
  const json::Tree* value = find(key);
  if (value == nullptr) return;
  if (!value->is_string()) return wrong(key, "a string");
  out = value->get<std::string>();
}

void Fields::require(std::string_view key, std::string& out) {
  if (find(key) == nullptr) return fail(std::string(key) + " is missing");
  read(key, out);
}

void Fields::read(std::string_view key, int64_t& out) {
  const json::Tree* value = find(key);
  if (value == nullptr) return;
  const bool fits = value->is_number_integer() &&
                    (!value->is_number_unsigned() ||
                     value->get<uint64_t>() <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()));
  if (!fits) return wrong(key, "a whole number");
  out = value->get<int64_t>();
}

void Fields::read(std::string_view key, int& out) {
  int64_t wide = out;
  read(key, wide);
  if (wide < std::numeric_limits<int>::min() || wide > std::numeric_limits<int>::max())
    return wrong(key, "a smaller number");
  out = static_cast<int>(wide);
}

void Fields::read(std::string_view key, bool& out) {
  const json::Tree* value = find(key);
  if (value == nullptr) return;
  if (!value->is_boolean()) return wrong(key, "true or false");
  out = value->get<bool>();
}

void Fields::read(std::string_view key, std::map<std::string, std::string>& out) {
  const json::Tree* value = find(key);
  if (value == nullptr) return;
  if (!value->is_object()) return wrong(key, "an object of strings");
  out.clear();
  for (const auto& [name, member] : value->items()) {
    if (!member.is_string()) return wrong(key, "an object of strings");
    out.emplace(name, member.get<std::string>());
  }
}

void Fields::read(std::string_view key, std::vector<std::string>& out) {
  const json::Tree* value = find(key);
  if (value == nullptr) return;
  if (!value->is_array()) return wrong(key, "an array of strings");
  out.clear();
  for (const json::Tree& member : *value) {
    if (!member.is_string()) return wrong(key, "an array of strings");
    out.push_back(member.get<std::string>());
  }
}

}  // namespace modelyard::registry::internal
