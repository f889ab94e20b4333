// SPDX-License-Identifier: Apache-2.0
#include "runner/endpoint_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "json/json.h"
#include "json/tree.h"

namespace modelyard::runner {
namespace {

constexpr size_t kUrlMax = 2048;
constexpr size_t kFunctionsMax = 256;

struct Authority {
  size_t begin = 0;  // in the url: host and port, behind "//" and a user name
  size_t end = 0;
};

Authority find_authority(std::string_view url, size_t after_scheme) {
  const size_t begin = after_scheme + 3;
  size_t end = url.find_first_of("/?#", begin);
  if (end == std::string_view::npos) end = url.size();
  return {begin, end};
}

Error bad_url(std::string_view url, std::string_view why) {
  return Error(ErrorCode::kInvalidArgument, fmt::format("its url \"{}\" {}", url.substr(0, 200), why));
}

uint16_t default_port(std::string_view scheme) {
  if (scheme == "http" || scheme == "ws") return 80;
  return scheme == "https" || scheme == "wss" ? 443 : 0;
}

bool is_local_name(std::string_view host) {
  return host == "localhost" || host == "127.0.0.1" || host == "0.0.0.0" || host == "::1" || host == "::";
}

bool is_scheme(std::string_view text) {
  const auto letter = [](char c) { return c >= 'a' && c <= 'z'; };
  return !text.empty() && letter(text.front()) && std::all_of(text.begin(), text.end(), [&](char c) {
    return letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
  });
}

Status read_authority(EndpointFile& file, std::string_view authority) {
  std::string_view port;
  if (authority.starts_with('[')) {
    const size_t bracket = authority.find(']');
    if (bracket == std::string_view::npos) return fail(bad_url(file.url, "has no ']' behind its address"));
    file.host = std::string(authority.substr(1, bracket - 1));
    authority.remove_prefix(bracket + 1);
    if (!authority.empty() && authority.front() != ':') return fail(bad_url(file.url, "has rubbish behind ']'"));
    port = authority.empty() ? "" : authority.substr(1);
  } else {
    const size_t colon = authority.find(':');
    file.host = to_lower_ascii(authority.substr(0, colon));
    if (colon != std::string_view::npos) port = authority.substr(colon + 1);
    // $PORT left unset is a common mistake: "http://0.0.0.0:".
    if (colon != std::string_view::npos && port.empty()) return fail(bad_url(file.url, "has no port behind ':'"));
  }
  if (!port.empty()) {
    const auto number = parse_int(port);
    if (!number || *number < 1 || *number > 65535) return fail(bad_url(file.url, "has no port between 1 and 65535"));
    file.port = static_cast<uint16_t>(*number);
  } else {
    file.port = default_port(file.scheme);
  }
  file.host_is_local = is_local_name(file.host);
  return {};
}

Status read_url(EndpointFile& file) {
  const std::string_view url = file.url;
  if (url.empty()) return fail(ErrorCode::kInvalidArgument, "its url is empty");
  if (url.size() > kUrlMax) return fail(bad_url(url, fmt::format("is longer than {} bytes", kUrlMax)));
  if (std::any_of(url.begin(), url.end(), [](unsigned char c) { return c <= ' ' || c == 0x7f; })) {
    return fail(bad_url(url, "holds blanks or control characters"));
  }
  const size_t colon = url.find("://");
  file.scheme = to_lower_ascii(url.substr(0, colon));
  if (colon == std::string_view::npos || !is_scheme(file.scheme)) {
    return fail(bad_url(url, "is no absolute url: write it like http://0.0.0.0:8080"));
  }
  const Authority at = find_authority(url, colon);
  const std::string_view authority = url.substr(at.begin, at.end - at.begin);
  if (authority.find('@') != std::string_view::npos) {
    return fail(ErrorCode::kInvalidArgument,
                "its url holds a user name or password, which would be shown to everyone: leave it out");
  }
  MY_TRY_VOID(read_authority(file, authority));
  const bool needs_host = file.scheme == "http" || file.scheme == "https" || file.scheme == "tcp";
  if (needs_host && file.host.empty()) return fail(bad_url(url, "has no host"));
  if (needs_host && file.port == 0) return fail(bad_url(url, "has no port"));
  return {};
}

Status read_functions(EndpointFile& file, const json::Tree& tree) {
  const auto functions = tree.find("functions");
  if (functions != tree.end() && !functions->is_null()) {
    if (!functions->is_object()) {
      return fail(ErrorCode::kInvalidArgument, "its functions must be an object like {\"apply\":\"apply\"}");
    }
    if (functions->size() > kFunctionsMax) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("it names more than {} functions", kFunctionsMax));
    }
    for (const auto& [alias, path] : functions->items()) {
      if (alias.empty() || !path.is_string()) {
        return fail(ErrorCode::kInvalidArgument, fmt::format("its function \"{}\" must name a path, as text", alias));
      }
      file.functions[alias] = path.get<std::string>();
    }
  }
  if (file.functions.empty()) file.functions["apply"] = "apply";
  return {};
}

}  // namespace

Result<EndpointFile> parse_endpoint_file(std::string_view text) {
  if (text.size() > kEndpointFileMax) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("it is larger than {} bytes", kEndpointFileMax));
  }
  if (trim_ascii(text).empty()) return fail(ErrorCode::kInvalidArgument, "it is empty");
  MY_TRY(const json::Tree tree, json::parse(text, {.depth_max = 32, .source = "endpoint.dat"}));
  if (!tree.is_object())
    return fail(ErrorCode::kInvalidArgument, "it is no JSON object like {\"url\":\"http://0.0.0.0:8080\"}");
  const auto url = tree.find("url");
  if (url == tree.end()) return fail(ErrorCode::kInvalidArgument, "it has no \"url\"");
  if (!url->is_string()) return fail(ErrorCode::kInvalidArgument, "its url must be text");
  EndpointFile file;
  file.url = url->get<std::string>();
  MY_TRY_VOID(read_url(file));
  MY_TRY_VOID(read_functions(file, tree));
  return file;
}

std::string url_with_host(const EndpointFile& file, std::string_view host) {
  const Authority at = find_authority(file.url, file.scheme.size());
  const std::string_view authority = std::string_view(file.url).substr(at.begin, at.end - at.begin);
  const size_t host_end =
      authority.starts_with('[') ? authority.find(']') + 1 : std::min(authority.find(':'), authority.size());
  const bool bracketed = host.find(':') != std::string_view::npos;
  return fmt::format("{}{}{}{}{}", file.url.substr(0, at.begin), bracketed ? "[" : "", host, bracketed ? "]" : "",
                     file.url.substr(at.begin + host_end));
}

}  // namespace modelyard::runner
