// SPDX-License-Identifier: Apache-2.0
#include "configuration/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/strings.h"

namespace modelyard::configuration {
namespace {

const json::Tree& empty_object() {
  static const json::Tree tree = json::Tree::object();
  return tree;
}

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row.back();
}

}  // namespace

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& names) {
  std::optional<std::string> best;
  size_t best_distance = 1 + std::max<size_t>(1, word.size() / 3);
  if (word.size() > 100) return best;
  for (const std::string& name : names) {
    const size_t distance = edit_distance(to_lower_ascii(word), to_lower_ascii(name));
    if (distance < best_distance) {
      best_distance = distance;
      best = name;
    }
  }
  return best;
}

const json::Tree* find(const json::Tree& root, const Path& path) {
  const json::Tree* at = &root;
  for (const std::string& step : path) {
    if (at->is_object()) {
      const auto found = at->find(step);
      if (found == at->end()) return nullptr;
      at = &*found;
    } else if (const auto index = parse_int(step);
               at->is_array() && index && static_cast<size_t>(*index) < at->size()) {
      at = &(*at)[static_cast<size_t>(*index)];
    } else {
      return nullptr;
    }
  }
  return at;
}

std::string Problems::joined() const {
  std::string out;
  for (const std::string& error : errors) out += (out.empty() ? "" : "\n") + error;
  return out;
}

ObjectReader::ObjectReader(const Document& document, Path path, Problems& problems)
    : document_(document), path_(std::move(path)), problems_(problems), tree_(find(document.root(), path_)) {
  if (tree_ == nullptr || tree_->is_null()) {
    tree_ = &empty_object();
  } else if (!tree_->is_object()) {
    problems_.errors.push_back(document_.at_value(path_, "an object {…} belongs here"));
    tree_ = &empty_object();
  }
}

Path ObjectReader::path_to(std::string_view key) const {
  Path path = path_;
  path.emplace_back(key);
  return path;
}

const json::Tree* ObjectReader::member(std::string_view key) {
  known_.emplace_back(key);
  const auto found = tree_->find(key);
  return found == tree_->end() || found->is_null() ? nullptr : &*found;
}

bool ObjectReader::has(std::string_view key) const {
  const auto found = tree_->find(key);
  return found != tree_->end() && !found->is_null();
}

void ObjectReader::refuse(std::string_view key, std::string_view message) {
  problems_.errors.push_back(document_.at_value(path_to(key), message));
}

void ObjectReader::refuse_key(std::string_view key, std::string_view message) {
  problems_.errors.push_back(document_.at_key(path_to(key), message));
}

void ObjectReader::require(std::string_view key) {
  if (has(key)) return;
  problems_.errors.push_back(document_.at_value(path_, fmt::format("\"{}\" is missing", key)));
}

std::string ObjectReader::text(std::string_view key, std::string_view fallback) {
  const json::Tree* value = member(key);
  if (value == nullptr) return std::string(fallback);
  if (value->is_string()) return value->get<std::string>();
  if (value->is_number() || value->is_boolean()) return json::dump(*value);
  refuse(key, fmt::format("\"{}\" must be a string", key));
  return std::string(fallback);
}

std::optional<bool> ObjectReader::flag(std::string_view key) {
  const json::Tree* value = member(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_boolean()) return value->get<bool>();
  if (value->is_string() && equal_ignoring_case_ascii(value->get<std::string>(), "true")) return true;
  if (value->is_string() && equal_ignoring_case_ascii(value->get<std::string>(), "false")) return false;
  refuse(key, fmt::format("\"{}\" must be true or false", key));
  return std::nullopt;
}

bool ObjectReader::flag(std::string_view key, bool fallback) { return flag(key).value_or(fallback); }

std::optional<int64_t> ObjectReader::whole(std::string_view key) {
  const json::Tree* value = member(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_number_integer()) return value->get<int64_t>();
  if (value->is_string()) {
    if (const auto number = parse_int(trim_ascii(value->get<std::string>()))) return *number;
  }
  refuse(key, fmt::format("\"{}\" must be a whole number", key));
  return std::nullopt;
}

std::vector<std::string> ObjectReader::texts(std::string_view key) {
  std::vector<std::string> out;
  const json::Tree* value = member(key);
  if (value == nullptr) return out;
  if (value->is_string()) {
    out.push_back(value->get<std::string>());
    return out;
  }
  const bool all_strings = value->is_array() && std::all_of(value->begin(), value->end(),
                                                            [](const json::Tree& item) { return item.is_string(); });
  if (!all_strings) {
    refuse(key, fmt::format("\"{}\" must be a string or a list of strings", key));
    return out;
  }
  for (const json::Tree& item : *value) out.push_back(item.get<std::string>());
  return out;
}

json::Tree ObjectReader::object(std::string_view key) {
  const json::Tree* value = member(key);
  if (value == nullptr) return json::Tree::object();
  if (value->is_object()) return *value;
  refuse(key, fmt::format("\"{}\" must be an object {{…}}", key));
  return json::Tree::object();
}

void ObjectReader::finish() {
  for (const auto& [key, value] : tree_->items()) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    const std::optional<std::string> meant = nearest(key, known_);
    refuse_key(key, fmt::format("unknown key \"{}\"{}", key, meant ? fmt::format("; is \"{}\" meant?", *meant) : ""));
  }
}

}  // namespace modelyard::configuration
