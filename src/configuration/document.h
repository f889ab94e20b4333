// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "json/tree.h"

namespace modelyard::configuration {

// The way from a document's root to a value: keys, and indexes in decimal.
using Path = std::vector<std::string>;

// The text of one configuration document (JSON with C and C++ comments), its tree, and the places of its values for
// messages. Immutable after parse(); shared by whoever reports about it.
class Document {
 public:
  // kInvalidArgument: not JSON, with file:line:column, the line and a caret.
  static Result<Document> parse(std::string text, std::string file);
  // kNotFound, kPermissionDenied, … of the file; at most 16 MiB.
  static Result<Document> read(const std::filesystem::path& file);

  const std::string& file() const { return file_; }
  const std::string& text() const { return text_; }
  const json::Tree& root() const { return root_; }

  // "file:line:column: message", the line and a caret under the value, …
  std::string at_value(const Path& path, std::string_view message) const;
  // … under the key that names it, …
  std::string at_key(const Path& path, std::string_view message) const;
  // … or, of a string, under the byte `inside` of its decoded text. A path that does not exist points at its nearest
  // ancestor.
  std::string at_text(const Path& path, size_t inside, std::string_view message) const;

 private:
  Document() = default;
  std::string file_;
  std::string text_;
  json::Tree root_;
};

}  // namespace modelyard::configuration
