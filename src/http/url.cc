// SPDX-License-Identifier: Apache-2.0
#include "http/url.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/strings.h"

namespace modelyard::http {
namespace {

constexpr char kHexDigits[] = "0123456789ABCDEF";

constexpr bool is_alphanumeric(unsigned char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

constexpr std::array<bool, 256> make_kept(std::string_view marks) {
  std::array<bool, 256> kept{};
  for (int c = 0; c < 256; ++c) kept[static_cast<size_t>(c)] = is_alphanumeric(static_cast<unsigned char>(c));
  for (const char c : marks) kept[static_cast<unsigned char>(c)] = true;
  return kept;
}

constexpr std::array<bool, 256> kUnreserved = make_kept("-._~");
constexpr std::array<bool, 256> kFormKept = make_kept("*-._");

void append_escape(std::string& out, unsigned char c) {
  const char escape[3] = {'%', kHexDigits[c >> 4], kHexDigits[c & 15]};
  out.append(escape, 3);
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0) {
      out.push_back(static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2])));
      i += 2;
    } else {
      out.push_back(plus_is_space && text[i] == '+' ? ' ' : text[i]);
    }
  }
  return out;
}

bool is_host_byte(char c) {
  return kUnreserved[static_cast<unsigned char>(c)] ||
         std::string_view("!$&'()*+,;=").find(c) != std::string_view::npos;
}

// host[:port] or [v6][:port]
Status parse_authority(std::string_view authority, std::string_view url_text, Url& url) {
  const auto wrong = [&](std::string_view what) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("the URL {} {}", url_text, what));
  };
  std::string_view port;
  bool has_port = false;
  if (authority.starts_with('[')) {
    const size_t end = authority.find(']');
    if (end == std::string_view::npos || end == 1) return wrong("has no ']' after its IPv6 address");
    url.host = to_lower_ascii(authority.substr(1, end - 1));
    if (!std::all_of(url.host.begin(), url.host.end(),
                     [](char c) { return hex_value(c) >= 0 || c == ':' || c == '.'; }))
      return wrong("has a malformed IPv6 address");
    authority.remove_prefix(end + 1);
    if (!authority.empty() && authority[0] != ':') return wrong("has something other than a port after ']'");
    has_port = !authority.empty();
    if (has_port) port = authority.substr(1);
  } else {
    const size_t colon = authority.find(':');
    url.host = to_lower_ascii(authority.substr(0, colon));
    has_port = colon != std::string_view::npos;
    if (has_port) port = authority.substr(colon + 1);
    if (!std::all_of(url.host.begin(), url.host.end(), is_host_byte)) return wrong("has a malformed host");
  }
  if (url.host.empty()) return wrong("has no host");
  if (has_port && !port.empty()) {
    const std::optional<int64_t> number = parse_int(port);
    if (!number || *number < 1 || *number > 65535 || port[0] == '+') return wrong("has a port outside 1..65535");
    url.port = static_cast<uint16_t>(*number);
  }
  return {};
}

}  // namespace

std::string Url::authority() const {
  const bool v6 = host.find(':') != std::string::npos;
  std::string out = v6 ? "[" + host + "]" : host;
  if (port != 80) out += fmt::format(":{}", port);
  return out;
}

Result<Url> parse_url(std::string_view text) {
  const size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos || scheme_end == 0)
    return fail(ErrorCode::kInvalidArgument, fmt::format("'{}' is no URL: write it as http://HOST:PORT/PATH", text));
  const std::string scheme = to_lower_ascii(text.substr(0, scheme_end));
  if (scheme != "http")
    return fail(ErrorCode::kUnsupported,
                fmt::format("the URL {} has the scheme {}; only http is spoken", text, scheme));
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f)
      return fail(ErrorCode::kInvalidArgument, "a URL holds a blank or control character; percent-encode it");
  }
  std::string_view rest = text.substr(scheme_end + 3);
  rest = rest.substr(0, rest.find('#'));
  const size_t authority_end = std::min(rest.find_first_of("/?"), rest.size());
  const std::string_view authority = rest.substr(0, authority_end);
  if (authority.find('@') != std::string_view::npos)
    return fail(ErrorCode::kInvalidArgument, "a URL with a user name or password is refused: it would end up in logs");
  Url url;
  MY_TRY_VOID(parse_authority(authority, text, url));
  rest.remove_prefix(authority_end);
  const size_t question = rest.find('?');
  url.path = rest.substr(0, question);
  if (url.path.empty()) url.path = "/";
  if (question != std::string_view::npos) {
    url.has_query = true;
    url.query = rest.substr(question + 1);
  }
  return url;
}

void append_percent_encoded(std::string& out, std::string_view bytes) {
  for (const char c : bytes) {
    if (kUnreserved[static_cast<unsigned char>(c)]) {
      out.push_back(c);
    } else {
      append_escape(out, static_cast<unsigned char>(c));
    }
  }
}

std::string percent_encode(std::string_view bytes) {
  std::string out;
  append_percent_encoded(out, bytes);
  return out;
}

std::string percent_decode(std::string_view text) { return decode(text, false); }

void append_form_encoded(std::string& out, std::string_view bytes) {
  for (const char c : bytes) {
    if (kFormKept[static_cast<unsigned char>(c)]) {
      out.push_back(c);
    } else if (c == ' ') {
      out.push_back('+');
    } else {
      append_escape(out, static_cast<unsigned char>(c));
    }
  }
}

std::string form_encode(std::string_view bytes) {
  std::string out;
  append_form_encoded(out, bytes);
  return out;
}

std::string form_decode(std::string_view text) { return decode(text, true); }

QueryPairs parse_query(std::string_view query) {
  QueryPairs pairs;
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view part = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (part.empty()) continue;
    const size_t equals = part.find('=');
    if (equals == std::string_view::npos) {
      pairs.emplace_back(form_decode(part), "");
    } else {
      pairs.emplace_back(form_decode(part.substr(0, equals)), form_decode(part.substr(equals + 1)));
    }
  }
  return pairs;
}

std::string build_query(const QueryPairs& pairs) {
  std::string out;
  for (const auto& [key, value] : pairs) {
    if (!out.empty()) out.push_back('&');
    append_form_encoded(out, key);
    out.push_back('=');
    append_form_encoded(out, value);
  }
  return out;
}

}  // namespace modelyard::http
