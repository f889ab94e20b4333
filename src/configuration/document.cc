// SPDX-License-Identifier: Apache-2.0
#include "configuration/document.h"

#include <fmt/format.h>

#include "configuration/position.h"
#include "io/file.h"

namespace modelyard::configuration {
namespace {
constexpr size_t kDocumentBytesMax = size_t{16} << 20;
}

Result<Document> Document::parse(std::string text, std::string file) {
  if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
  Document out;
  out.file_ = std::move(file);
  out.text_ = std::move(text);
  MY_TRY(out.root_, json::parse(out.text_, {.comments = true, .source = out.file_}));
  if (!out.root_.is_object()) {
    return fail(ErrorCode::kInvalidArgument, out.at_value({}, "a configuration document is a JSON object: {…}"));
  }
  return out;
}

Result<Document> Document::read(const std::filesystem::path& file) {
  MY_TRY(std::string text, io::read_file(file, kDocumentBytesMax));
  return parse(std::move(text), file.string());
}

std::string Document::at_value(const Path& path, std::string_view message) const {
  return json::describe_place(text_, locate(text_, path).value, file_, message);
}

std::string Document::at_key(const Path& path, std::string_view message) const {
  return json::describe_place(text_, locate(text_, path).key, file_, message);
}

std::string Document::at_text(const Path& path, size_t inside, std::string_view message) const {
  const size_t quote = locate(text_, path).value;
  return json::describe_place(text_, locate_inside_string(text_, quote, inside), file_, message);
}

}  // namespace modelyard::configuration
