// SPDX-License-Identifier: Apache-2.0
#include "stellar/functions/validators.h"

#include <unicode/uidna.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "base/strings.h"
#include "stellar/eval/utf16.h"
#include "stellar/functions/domain_names.h"
#include "stellar/functions/java_url.h"

namespace modelyard::stellar {
namespace {

bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alnum(char c) { return is_alpha(c) || is_digit(c); }

// The name in its ASCII form (xn--…), or the text itself where there is none.
std::string to_ascii(std::string_view text) {
  if (is_ascii(text)) return std::string(text);
  UErrorCode error = U_ZERO_ERROR;
  UIDNA* idna = uidna_openUTS46(UIDNA_DEFAULT, &error);
  UIDNAInfo info = UIDNA_INFO_INITIALIZER;
  char buffer[512];
  const int32_t size = uidna_nameToASCII_UTF8(idna, text.data(), static_cast<int32_t>(text.size()), buffer,
                                              sizeof buffer, &info, &error);
  uidna_close(idna);
  if (U_FAILURE(error) || info.errors != 0 || size <= 0 || size >= static_cast<int32_t>(sizeof buffer))
    return std::string(text);
  return {buffer, static_cast<size_t>(size)};
}

bool good_label(std::string_view label, bool top) {
  if (label.empty() || label.size() > 63) return false;
  if (top ? !is_alpha(label.front()) : !is_alnum(label.front())) return false;
  return is_alnum(label.back()) &&
         std::all_of(label.begin(), label.end(), [](char c) { return is_alnum(c) || c == '-'; });
}

// One word of an address before its '@': quoted, or without blanks, control characters and ()<>@,;:\".[]
bool good_user(std::string_view user) {
  while (!user.empty() && (user.front() == ' ' || (user.front() >= '\t' && user.front() <= '\r')))
    user.remove_prefix(1);
  if (user.empty()) return false;
  size_t pos = 0;
  while (true) {
    const size_t start = pos;
    if (pos < user.size() && user[pos] == '"') {
      pos = user.find('"', pos + 1);
      if (pos == std::string_view::npos) return false;
      ++pos;
    } else {
      while (pos < user.size() && static_cast<uint8_t>(user[pos]) > ' ' && user[pos] != 0x7f &&
             std::string_view("()<>@,;:\\\".[]").find(user[pos]) == std::string_view::npos) {
        ++pos;
      }
    }
    if (pos == start) return false;
    if (pos == user.size()) return true;
    if (user[pos] != '.') return false;
    ++pos;
  }
}

size_t count(std::string_view text, std::string_view token) {
  size_t found = 0;
  for (size_t at = text.find(token); at != std::string_view::npos; at = text.find(token, at + 1)) ++found;
  return found;
}

bool good_path(std::string_view path) {
  if (!path.empty() && path.front() != '/') return false;
  for (const char c : path) {
    if (!is_alnum(c) && std::string_view("-_:@&?=+,.!/~*'%$;()").find(c) == std::string_view::npos) return false;
  }
  const size_t double_slashes = count(path, "//");
  if (double_slashes > 0) return false;
  const size_t double_dots = count(path, "..");
  return double_dots == 0 || count(path, "/") > double_dots + 1;
}

bool good_authority(std::string_view authority) {
  size_t end = 0;
  while (end < authority.size() && (is_alnum(authority[end]) || authority[end] == '-' || authority[end] == '.')) ++end;
  const std::string_view host = authority.substr(0, end);
  if (!is_valid_domain(host) && !is_valid_ipv4(host)) return false;
  std::string_view port = authority.substr(end);
  if (port.empty()) return true;
  if (port.front() != ':') return trim_ascii(port).empty();
  size_t digits = 1;
  while (digits < port.size() && is_digit(port[digits])) ++digits;
  return digits >= 2 && digits <= 6 && trim_ascii(port.substr(digits)).empty();
}

}  // namespace

bool is_valid_ipv4(std::string_view text) {
  const std::vector<std::string_view> parts = split(text, '.');
  return parts.size() == 4 && std::all_of(parts.begin(), parts.end(), [](std::string_view part) {
           if (part.empty() || part.size() > 3 || (part.size() > 1 && part.front() == '0')) return false;
           int value = 0;
           for (const char c : part) {
             if (!is_digit(c)) return false;
             value = value * 10 + (c - '0');
           }
           return value <= 255;
         });
}

bool is_valid_ipv6(std::string_view text) { return is_ipv6_text(text, false); }

bool is_valid_domain(std::string_view original) {
  const std::string ascii = to_ascii(original);
  std::string_view text = ascii;
  if (text.size() > 253) return false;
  if (text.ends_with('.')) text.remove_suffix(1);
  const std::vector<std::string_view> labels = split(text, '.');
  if (labels.size() < 2) return false;
  for (size_t i = 0; i < labels.size(); ++i) {
    if (!good_label(labels[i], i + 1 == labels.size())) return false;
  }
  return is_top_level_domain(labels.back());
}

bool is_valid_email(std::string_view text) {
  if (text.ends_with('.')) return false;
  const size_t at = text.rfind('@');
  if (at == std::string_view::npos || at == 0) return false;
  const std::string_view domain = trim_ascii(text.substr(at + 1));
  if (!good_user(text.substr(0, at))) return false;
  if (domain.size() > 2 && domain.front() == '[' && domain.back() == ']') {
    const std::string_view address = domain.substr(1, domain.size() - 2);
    return is_valid_ipv4(address) || is_valid_ipv6(address);
  }
  return is_valid_domain(domain);
}

bool is_valid_url(std::string_view text) {
  if (text.empty() || !is_ascii(text)) return false;
  const size_t colon = text.find_first_of(":/?#");
  if (colon == std::string_view::npos || text[colon] != ':') return false;
  const std::string scheme = to_lower_ascii(text.substr(0, colon));
  if (scheme != "http" && scheme != "https" && scheme != "ftp") return false;
  std::string_view rest = text.substr(colon + 1);
  if (!rest.starts_with("//")) return false;
  rest.remove_prefix(2);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  rest.remove_prefix(authority.size());
  const std::string_view path = rest.substr(0, rest.find_first_of("?#"));
  return good_authority(authority) && good_path(path);
}

bool is_valid_long(std::string_view text) {
  text = trim_ascii(text);
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  if (text.empty() || !is_digit(text.front())) return false;
  std::string digits(negative ? "-" : "");
  for (const char c : text) {
    if (is_digit(c)) digits += c;
    if (!is_digit(c) && c != ',') return false;
  }
  int64_t value = 0;
  return std::from_chars(digits.data(), digits.data() + digits.size(), value).ec == std::errc();
}

}  // namespace modelyard::stellar
