// SPDX-License-Identifier: Apache-2.0
#include "json/writer.h"

#include <array>
#include <charconv>
#include <cmath>

#include "base/strings.h"

namespace modelyard::json {
namespace {

constexpr std::array<bool, 256> make_plain() {
  std::array<bool, 256> plain{};
  for (int c = 0x20; c < 0x80; ++c) plain[static_cast<size_t>(c)] = c != '"' && c != '\\';
  return plain;
}
constexpr std::array<bool, 256> kPlain = make_plain();
constexpr char kDigits[] = "0123456789abcdef";

void append_escape(std::string& out, unsigned unit) {
  out.append("\\u");
  for (int shift = 12; shift >= 0; shift -= 4) out.push_back(kDigits[(unit >> shift) & 15]);
}

// A sequence of three WTF-8 bytes that spells a surrogate.
bool is_surrogate(std::string_view at) {
  return at.size() >= 3 && at[0] == '\xed' && (at[1] & '\xe0') == '\xa0' && (at[2] & '\xc0') == '\x80';
}

size_t append_special(std::string& out, std::string_view at) {
  const auto byte = static_cast<unsigned char>(at[0]);
  switch (at[0]) {
    case '"': out.append("\\\""); return 1;
    case '\\': out.append("\\\\"); return 1;
    case '\n': out.append("\\n"); return 1;
    case '\r': out.append("\\r"); return 1;
    case '\t': out.append("\\t"); return 1;
    default: break;
  }
  if (byte < 0x80) {
    append_escape(out, byte);
    return 1;
  }
  if (is_surrogate(at)) {
    append_escape(out, 0xd000u | (static_cast<unsigned>(at[1] & 0x3f) << 6) | static_cast<unsigned>(at[2] & 0x3f));
    return 3;
  }
  const size_t length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
  if (at.size() >= length && is_valid_utf8(at.substr(0, length))) {
    out.append(at.substr(0, length));
    return length;
  }
  out.append("\xef\xbf\xbd");
  return 1;
}

}  // namespace

void append_string(std::string& out, std::string_view text) {
  out.push_back('"');
  size_t at = 0;
  while (at < text.size()) {
    size_t end = at;
    while (end < text.size() && kPlain[static_cast<unsigned char>(text[end])]) ++end;
    out.append(text.substr(at, end - at));
    at = end;
    if (at < text.size()) at += append_special(out, text.substr(at));
  }
  out.push_back('"');
}

void Writer::key(std::string_view name) {
  comma();
  append_string(out_, name);
  out_.push_back(':');
  need_comma_ = false;
}

void Writer::string(std::string_view text) {
  comma();
  append_string(out_, text);
}

void Writer::number(int64_t value) {
  comma();
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out_.append(digits, end);
}

void Writer::number(double value) {
  if (!std::isfinite(value)) return null();
  comma();
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  const std::string_view text(digits, static_cast<size_t>(end - digits));
  out_.append(text);
  if (text.find_first_of(".e") == std::string_view::npos) out_.append(".0");
}

void Writer::boolean(bool value) {
  comma();
  out_.append(value ? "true" : "false");
}

void Writer::null() {
  comma();
  out_.append("null");
}

void Writer::raw(std::string_view json) {
  comma();
  out_.append(json);
}

}  // namespace modelyard::json
