// SPDX-License-Identifier: Apache-2.0
#include "stellar/functions/java_url.h"

#include <arpa/inet.h>

#include <charconv>

#include "base/strings.h"

namespace modelyard::stellar {
namespace {

struct Scheme {
  std::string_view name;
  int port;
};
constexpr Scheme kSchemes[] = {{"http", 80}, {"https", 443}, {"ftp", 21}, {"file", -1}, {"jar", -1}, {"mailto", -1}};

const Scheme* find_scheme(std::string_view name) {
  for (const Scheme& scheme : kSchemes) {
    if (equal_ignoring_case_ascii(scheme.name, name)) return &scheme;
  }
  return nullptr;
}

// Integer.parseInt: a sign is allowed, 32 bits.
bool parse_port(std::string_view text, int& port) {
  if (!text.empty() && text.front() == '+') {
    text.remove_prefix(1);
    if (!text.empty() && text.front() == '-') return false;
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port >= -1;
}

bool parse_host(std::string_view authority, JavaUrl& url) {
  std::string_view host = authority;
  const size_t at = authority.find('@');
  if (at != std::string_view::npos) {
    if (authority.rfind('@') != at) return true;  // not a server: no host, no port
    host = authority.substr(at + 1);
  }
  if (host.starts_with('[')) {
    const size_t close = host.find(']');
    if (close == std::string_view::npos || close <= 2 || !is_ipv6_text(host.substr(1, close - 1), true)) return false;
    url.host = host.substr(0, close + 1);
    const std::string_view rest = host.substr(close + 1);
    if (rest.empty()) return true;
    if (rest.front() != ':') return false;
    return rest.size() == 1 || parse_port(rest.substr(1), url.port);
  }
  const size_t colon = host.find(':');
  url.host = host.substr(0, colon);
  if (colon == std::string_view::npos || colon + 1 == host.size()) return true;
  return parse_port(host.substr(colon + 1), url.port);
}

bool parse_hierarchical(std::string_view rest, JavaUrl& url) {
  rest = rest.substr(0, rest.find('?'));
  if (rest.starts_with("//") && !rest.starts_with("////")) {
    rest.remove_prefix(2);
    const std::string_view authority = rest.substr(0, rest.find('/'));
    if (!parse_host(authority, url)) return false;
    rest.remove_prefix(authority.size());
  }
  url.raw_path = rest;
  return true;
}

bool parse_mailto(std::string_view rest, JavaUrl& url) {
  if (trim_ascii(rest).empty()) return false;
  url.raw_path = rest.substr(0, rest.rfind('?'));
  return true;
}

bool parse_jar(std::string_view rest, JavaUrl& url) {
  const size_t bang = rest.rfind("!/");
  if (bang == std::string_view::npos || rest.starts_with("jar:") || !parse_java_url(rest.substr(0, bang))) return false;
  url.raw_path = rest.substr(0, rest.find('?'));
  return true;
}

}  // namespace

bool is_ipv6_text(std::string_view text, bool zone) {
  const size_t percent = text.find('%');
  if (percent != std::string_view::npos) {
    if (!zone || percent + 1 == text.size()) return false;
    text = text.substr(0, percent);
  }
  char buffer[INET6_ADDRSTRLEN];
  if (text.empty() || text.size() >= sizeof buffer) return false;
  text.copy(buffer, text.size());
  buffer[text.size()] = '\0';
  in6_addr address;
  return inet_pton(AF_INET6, buffer, &address) == 1;
}

std::optional<JavaUrl> parse_java_url(std::string_view text) {
  while (!text.empty() && static_cast<uint8_t>(text.front()) <= ' ') text.remove_prefix(1);
  while (!text.empty() && static_cast<uint8_t>(text.back()) <= ' ') text.remove_suffix(1);
  if (text.size() >= 4 && equal_ignoring_case_ascii(text.substr(0, 4), "url:")) text.remove_prefix(4);
  const size_t colon = text.find_first_of(":/");
  if (colon == std::string_view::npos || text[colon] != ':' || text.front() == '#') return std::nullopt;
  const Scheme* scheme = find_scheme(text.substr(0, colon));
  if (scheme == nullptr) return std::nullopt;
  JavaUrl url;
  url.protocol = scheme->name;
  std::string_view rest = text.substr(colon + 1);
  rest = rest.substr(0, rest.find('#'));
  const bool good = scheme->name == "mailto" ? parse_mailto(rest, url)
                    : scheme->name == "jar"  ? parse_jar(rest, url)
                                             : parse_hierarchical(rest, url);
  if (!good) return std::nullopt;
  return url;
}

int JavaUrl::port_or_default() const { return port >= 0 ? port : find_scheme(protocol)->port; }

bool JavaUrl::path_is_raw() const {
  return protocol == "mailto" || protocol == "jar" ||
         (raw_path.find("/.") == std::string_view::npos && !raw_path.starts_with("./"));
}

// The steps of java.net.URLStreamHandler, in its order.
std::string JavaUrl::path() const {
  std::string path(raw_path);
  if (path_is_raw()) return path;
  size_t i;
  while ((i = path.find("/./")) != std::string::npos) path.erase(i, 2);
  i = 0;
  while ((i = path.find("/../", i)) != std::string::npos) {
    const size_t before = i > 0 ? path.rfind('/', i - 1) : std::string::npos;
    if (before != std::string::npos && path.find("/../", before) != 0) {
      path.erase(before, i + 3 - before);
      i = 0;
    } else {
      i += 3;
    }
  }
  while (path.ends_with("/..")) {
    i = path.find("/..");
    const size_t before = i > 0 ? path.rfind('/', i - 1) : std::string::npos;
    if (before == std::string::npos) break;
    path.resize(before + 1);
  }
  if (path.starts_with("./") && path.size() > 2) path.erase(0, 2);
  if (path.ends_with("/.")) path.pop_back();
  return path;
}

}  // namespace modelyard::stellar
