// SPDX-License-Identifier: Apache-2.0
#include "http/headers.h"

#include <algorithm>

#include "base/strings.h"

namespace modelyard::http {

Headers::Field Headers::operator[](size_t i) const {
  const Entry& entry = entries_[i];
  const std::string_view text = text_;
  return {text.substr(entry.name, entry.name_size), text.substr(entry.value, entry.value_size)};
}

std::optional<std::string_view> Headers::get(std::string_view name) const {
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].name_size != name.size()) continue;
    const Field field = (*this)[i];
    if (equal_ignoring_case_ascii(field.name, name)) return field.value;
  }
  return std::nullopt;
}

bool Headers::has_token(std::string_view name, std::string_view token) const {
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].name_size != name.size()) continue;
    const Field field = (*this)[i];
    if (!equal_ignoring_case_ascii(field.name, name)) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const size_t comma = std::min(rest.find(','), rest.size());
      if (equal_ignoring_case_ascii(trim_ascii(rest.substr(0, comma)), token)) return true;
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  return false;
}

void Headers::add(std::string_view name, std::string_view value) {
  begin_field();
  append_name(name);
  append_value(value);
  const Entry& entry = entries_.back();
  const auto ends_line = [](char c) { return c == '\r' || c == '\n' || c == '\0'; };
  std::replace_if(text_.begin() + entry.name, text_.end(), ends_line, ' ');
}

void Headers::set(std::string_view name, std::string_view value) {
  remove(name);
  add(name, value);
}

void Headers::remove(std::string_view name) {
  std::erase_if(entries_, [&](const Entry& entry) {
    return equal_ignoring_case_ascii(std::string_view(text_).substr(entry.name, entry.name_size), name);
  });
}

void Headers::clear() {
  text_.clear();
  entries_.clear();
}

void Headers::append_to(std::string& out) const {
  for (size_t i = 0; i < entries_.size(); ++i) {
    const Field field = (*this)[i];
    out.append(field.name).append(": ").append(field.value).append("\r\n");
  }
}

void Headers::begin_field() {
  const auto at = static_cast<uint32_t>(text_.size());
  entries_.push_back({at, 0, at, 0});
}

void Headers::append_name(std::string_view piece) {
  text_.append(piece);
  Entry& entry = entries_.back();
  entry.name_size += static_cast<uint32_t>(piece.size());
  entry.value = entry.name + entry.name_size;
}

void Headers::append_value(std::string_view piece) {
  text_.append(piece);
  entries_.back().value_size += static_cast<uint32_t>(piece.size());
}

void Headers::end_value() {
  Entry& entry = entries_.back();
  while (entry.value_size > 0 && (text_.back() == ' ' || text_.back() == '\t')) {
    text_.pop_back();
    --entry.value_size;
  }
}

}  // namespace modelyard::http
