// SPDX-License-Identifier: Apache-2.0
#include "base/strings.h"

#include <openssl/evp.h>

#include <algorithm>
#include <charconv>

#include "base/assert.h"

namespace modelyard {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// Length of the valid sequence at the start of bytes, or minus the length of its ill-formed part (Unicode 15, table
// 3-7).
int utf8_step(std::string_view bytes) {
  const auto byte = [&](size_t i) { return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0u; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return -1;
  const int length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  unsigned low = 0x80, high = 0xbf;
  if (first == 0xe0) low = 0xa0;
  if (first == 0xed) high = 0x9f;
  if (first == 0xf0) low = 0x90;
  if (first == 0xf4) high = 0x8f;
  for (int i = 1; i < length; ++i) {
    const unsigned next = byte(static_cast<size_t>(i));
    if (next < low || next > high) return -i;
    low = 0x80;
    high = 0xbf;
  }
  return length;
}

}  // namespace

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::string_view trim_ascii(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string to_lower_ascii(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

bool equal_ignoring_case_ascii(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string to_hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out.push_back(kDigits[byte >> 4]);
    out.push_back(kDigits[byte & 15]);
  }
  return out;
}

std::optional<int64_t> parse_int(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string sha256_hex(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  MY_ASSERT(EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr) == 1);
  return to_hex({reinterpret_cast<const char*>(digest), size});
}

bool is_valid_utf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const int step = utf8_step(bytes);
    if (step < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(step));
  }
  return true;
}

std::string to_valid_utf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    const int step = utf8_step(bytes);
    if (step > 0) {
      out.append(bytes.substr(0, static_cast<size_t>(step)));
    } else {
      out.append("\xef\xbf\xbd");
    }
    bytes.remove_prefix(static_cast<size_t>(step > 0 ? step : -step));
  }
  return out;
}

std::string why_bad_name(std::string_view name) {
  if (name.empty()) return "it is empty";
  if (name.size() > 128) return "it is longer than 128 characters";
  if (name.front() == '.' || name.front() == '-') return "it starts with '.' or '-'";
  for (const char c : name) {
    const bool good =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    if (!good) return "only letters, digits, '.', '_' and '-' may be in it";
  }
  return "";
}

}  // namespace modelyard
