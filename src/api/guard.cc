// SPDX-License-Identifier: Apache-2.0
#include "api/guard.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/crypto.h>

#include <algorithm>

#include "base/strings.h"

namespace modelyard::api {
namespace {

// "host", "host:8800", "[::1]:8800" -> host, lower case, without brackets.
std::string host_of(std::string_view authority) {
  if (authority.starts_with('[')) return to_lower_ascii(authority.substr(1, authority.find(']') - 1));
  if (const size_t colon = authority.rfind(':'); colon != std::string_view::npos)
    authority = authority.substr(0, colon);
  std::string host = to_lower_ascii(authority);
  if (host.ends_with('.')) host.pop_back();
  return host;
}

bool is_address(const std::string& host) {
  in_addr four{};
  in6_addr six{};
  return ::inet_pton(AF_INET, host.c_str(), &four) == 1 || ::inet_pton(AF_INET6, host.c_str(), &six) == 1;
}

class GuardState {
 public:
  explicit GuardState(GuardOptions options)
      : options_(std::move(options)), loopback_(is_loopback_host(options_.listen_host)) {
    options_.listen_host = to_lower_ascii(options_.listen_host);
    for (std::string& name : options_.host_names) name = to_lower_ascii(name);
  }

  std::optional<http::Response> look(const http::Request& request) const {
    if (request.peer.is_unix) return std::nullopt;
    const std::string_view host = request.headers.get("host").value_or("");
    if (!(host.empty() && request.is_http10()) && !is_ours(host_of(host))) {
      return forbidden(
          fmt::format("this server is not '{}'; call it by the address it listens on", to_valid_utf8(host)));
    }
    if (const auto origin = request.headers.get("origin"); origin && !is_origin_of(*origin, host)) {
      return forbidden(fmt::format("a page of '{}' may not call this server", to_valid_utf8(*origin)));
    }
    if (request.headers.get("sec-fetch-site") == "cross-site" &&
        !(request.method() == "GET" && request.headers.get("sec-fetch-mode") == "navigate")) {
      return forbidden("a page of another site may not call this server");
    }
    if (!options_.token.empty() && !is_open(request.path()) && !has_token(request)) return unauthenticated(request);
    return std::nullopt;
  }

 private:
  bool is_ours(const std::string& host) const {
    if (host == options_.listen_host) return true;
    if (loopback_) return is_loopback_host(host);
    return is_loopback_host(host) || is_address(host) ||
           std::ranges::find(options_.host_names, host) != options_.host_names.end();
  }

  static bool is_origin_of(std::string_view origin, std::string_view host) {
    for (const std::string_view scheme : {"http://", "https://"}) {
      if (origin.starts_with(scheme)) return equal_ignoring_case_ascii(origin.substr(scheme.size()), host);
    }
    return false;
  }

  static bool is_open(std::string_view path) {
    return path == "/healthz" || path == "/" || path.starts_with("/console/");
  }

  bool has_token(const http::Request& request) const {
    const std::string_view header = request.headers.get("authorization").value_or("");
    constexpr std::string_view kScheme = "bearer ";
    if (header.size() <= kScheme.size() || !equal_ignoring_case_ascii(header.substr(0, kScheme.size()), kScheme))
      return false;
    // Of digests, so that neither content nor length shows in the time it takes.
    const std::string given = sha256_hex(trim_ascii(header.substr(kScheme.size())));
    const std::string wanted = sha256_hex(options_.token);
    return CRYPTO_memcmp(given.data(), wanted.data(), wanted.size()) == 0;
  }

  static http::Response forbidden(const std::string& why) {
    return http::Response::error(403, "permission_denied", why);
  }

  static http::Response unauthenticated(const http::Request& request) {
    const bool tried = request.headers.contains("authorization");
    auto response = http::Response::error(
        401, "unauthenticated",
        tried ? "the token is not this server's" : "this server wants a token: Authorization: Bearer TOKEN");
    response.headers.add("www-authenticate", "Bearer");
    return response;
  }

  GuardOptions options_;
  bool loopback_;
};

}  // namespace

bool is_loopback_host(std::string_view host) {
  const std::string name = to_lower_ascii(host);
  if (name == "localhost" || name.ends_with(".localhost")) return true;
  in_addr four{};
  if (::inet_pton(AF_INET, name.c_str(), &four) == 1) return (ntohl(four.s_addr) >> 24) == 127;
  in6_addr six{};
  return ::inet_pton(AF_INET6, name.c_str(), &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

http::Guard make_guard(GuardOptions options) {
  return [state = std::make_shared<const GuardState>(std::move(options))](const http::Request& request) {
    return state->look(request);
  };
}

}  // namespace modelyard::api
