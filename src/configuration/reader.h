// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "configuration/types.h"

namespace modelyard::configuration {

// Reads the members of one object of a document, remembering which keys it was asked for, so that finish() can refuse
// the rest. Absent and null give the fallback. Texts where numbers or booleans belong are taken when they spell one,
// and the reverse, as the reference does. Lives within one read_… function.
class ObjectReader {
 public:
  ObjectReader(const Document& document, Path path, Problems& problems);

  std::string text(std::string_view key, std::string_view fallback = "");
  bool flag(std::string_view key, bool fallback);
  std::optional<bool> flag(std::string_view key);
  std::optional<int64_t> whole(std::string_view key);
  std::vector<std::string> texts(std::string_view key);  // a string or a list of them
  json::Tree object(std::string_view key);
  // The member itself; nullptr when absent or null.
  const json::Tree* member(std::string_view key);
  bool has(std::string_view key) const;

  void refuse(std::string_view key, std::string_view message);      // under the value
  void refuse_key(std::string_view key, std::string_view message);  // under the key
  void require(std::string_view key);
  void finish();  // unknown keys are errors, with the nearest known name

  Path path_to(std::string_view key) const;
  const json::Tree& tree() const { return *tree_; }

 private:
  const Document& document_;
  Path path_;
  Problems& problems_;
  const json::Tree* tree_;
  std::vector<std::string> known_;
};

// The value at `path`; nullptr if there is none.
const json::Tree* find(const json::Tree& root, const Path& path);
// Of `names`, the one nearest to `word`, if it is near enough to be meant.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& names);

}  // namespace modelyard::configuration
