// SPDX-License-Identifier: Apache-2.0
#include "stellar/syntax/diagnostic.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"

namespace modelyard::stellar {
namespace {

size_t characters(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<uint8_t>(c) & 0xC0) != 0x80; }));
}

// The line of a text around an offset, at most about 120 characters of it, tabs as blanks so that carets stand right.
struct Excerpt {
  std::string line;
  size_t column;  // of the offset in `line`
};
Excerpt excerpt(std::string_view text, size_t offset) {
  constexpr size_t kBefore = 60;
  constexpr size_t kAfter = 60;
  size_t start = text.substr(0, offset).rfind('\n');
  start = start == std::string_view::npos ? 0 : start + 1;
  size_t end = std::min(text.find('\n', offset), text.size());
  bool cut = false;
  if (offset - start > kBefore) {
    start = offset - kBefore;
    while (start < offset && (static_cast<uint8_t>(text[start]) & 0xC0) == 0x80) ++start;
    cut = true;
  }
  if (end - offset > kAfter) {
    end = offset + kAfter;
    while (end > offset && (static_cast<uint8_t>(text[end]) & 0xC0) == 0x80) --end;
  }
  Excerpt result;
  if (cut) result.line = "... ";
  result.column = result.line.size() + characters(text.substr(start, offset - start));
  result.line += to_valid_utf8(text.substr(start, end - start));
  std::replace_if(
      result.line.begin(), result.line.end(), [](char c) { return c == '\t' || c == '\r'; }, ' ');
  return result;
}

}  // namespace

void locate(Diagnostic& diagnostic, std::string_view text) {
  diagnostic.offset = std::min(diagnostic.offset, text.size());
  const std::string_view before = text.substr(0, diagnostic.offset);
  diagnostic.line = 1 + static_cast<size_t>(std::count(before.begin(), before.end(), '\n'));
  const size_t start = before.rfind('\n');
  diagnostic.column = 1 + characters(start == std::string_view::npos ? before : before.substr(start + 1));
}

std::string Diagnostic::render(std::string_view text) const {
  const size_t at = std::min(offset, text.size());
  const Excerpt shown = excerpt(text, at);
  const size_t marked = std::max<size_t>(characters(text.substr(at, length)), 1);
  const size_t room = characters(shown.line) > shown.column ? characters(shown.line) - shown.column : 1;
  std::string out = fmt::format("{}:{}: {}{}", line, column, warning ? "warning: " : "", message);
  if (!expected.empty()) out += fmt::format(", expected {}", expected);
  out += fmt::format("\n  {}\n  {}^{}", shown.line, std::string(shown.column, ' '),
                     std::string(std::min(marked, room) - 1, '~'));
  if (!hint.empty()) out += fmt::format("\n  hint: {}", hint);
  return out;
}

std::string render(const std::vector<Diagnostic>& diagnostics, std::string_view text) {
  std::string out;
  for (const Diagnostic& diagnostic : diagnostics) {
    if (!out.empty()) out += '\n';
    out += diagnostic.render(text);
  }
  return out;
}

}  // namespace modelyard::stellar
