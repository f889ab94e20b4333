// SPDX-License-Identifier: Apache-2.0
#include "client/wire.h"

#include <fmt/format.h>

namespace modelyard::client {

std::shared_ptr<const Target> make_target(std::string_view text) {
  auto target = std::make_shared<Target>();
  Result<http::Url> url = http::parse_url(text);
  if (!url) {
    target->why_not = std::move(url).error().with_context("it cannot be called over HTTP");
    return target;
  }
  target->origin = http::Origin::of(*url);
  target->prefix = url->path;
  if (url->has_query) target->prefix += "?" + url->query;
  if (target->prefix.ends_with('/')) target->prefix.pop_back();
  return target;
}

std::string_view function_path(const std::map<std::string, std::string>& functions, const std::string& function) {
  const auto alias = functions.find(function);
  std::string_view path = alias == functions.end() ? function : alias->second;
  if (path.starts_with('/')) path.remove_prefix(1);
  return path;
}

std::string request_target(const Target& target, std::string_view path, std::string_view query) {
  std::string out;
  out.reserve(target.prefix.size() + path.size() + query.size() + 2);
  out.append(target.prefix).push_back('/');
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= ' ' || byte >= 0x7f || c == '#' || c == '"' || c == '<' || c == '>' || c == '\\' || c == '^' ||
        c == '`') {
      http::append_percent_encoded(out, std::string_view(&c, 1));
    } else {
      out.push_back(c);
    }
  }
  if (!query.empty()) out.append(out.find('?') == std::string::npos ? "?" : "&").append(query);
  return out;
}

std::string encode_arguments(const std::vector<std::pair<std::string, std::optional<std::string>>>& arguments) {
  std::string out;
  for (const auto& [key, value] : arguments) {
    if (!value) continue;
    if (!out.empty()) out.push_back('&');
    http::append_form_encoded(out, key);
    out.push_back('=');
    http::append_form_encoded(out, *value);
  }
  return out;
}

}  // namespace modelyard::client
