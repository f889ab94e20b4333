// SPDX-License-Identifier: Apache-2.0
#include "http/router.h"

#include <algorithm>

#include "base/assert.h"
#include "base/strings.h"

namespace modelyard::http {
namespace {

bool is_rest(std::string_view segment) { return segment.starts_with('{') && segment.ends_with("...}"); }
bool is_parameter(std::string_view segment) { return segment.starts_with('{'); }

std::string_view parameter_name(std::string_view segment) {
  return segment.substr(1, segment.size() - (is_rest(segment) ? 5 : 2));
}

// Literal before {name} before {rest...}, place by place.
int rank(std::string_view segment) { return !is_parameter(segment) ? 0 : is_rest(segment) ? 2 : 1; }

bool is_preferred(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    if (rank(a[i]) != rank(b[i])) return rank(a[i]) < rank(b[i]);
  }
  return a.size() > b.size();
}

bool matches(const std::vector<std::string>& pattern, const std::vector<std::string_view>& path) {
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (i >= path.size()) return false;
    if (is_rest(pattern[i])) return path.size() > i && !(path.size() == i + 1 && path[i].empty());
    if (is_parameter(pattern[i]) ? path[i].empty() : path[i] != pattern[i]) return false;
  }
  return pattern.size() == path.size();
}

}  // namespace

void Router::add(std::string_view method, std::string_view pattern, Handler handler, RouteOptions options) {
  MY_ASSERT(pattern.starts_with('/') && handler);
  auto route = std::make_unique<Route>();
  route->method = method;
  for (const std::string_view segment : split(pattern.substr(1), '/')) {
    MY_ASSERT(!is_parameter(segment) || (segment.ends_with('}') && !parameter_name(segment).empty()));
    MY_ASSERT(route->segments.empty() || !is_rest(route->segments.back()));
    route->segments.emplace_back(segment);
  }
  for (const auto& other : routes_) MY_ASSERT(other->method != route->method || other->segments != route->segments);
  route->handler = std::move(handler);
  route->options = options;
  const auto at = std::find_if(routes_.begin(), routes_.end(),
                               [&](const auto& other) { return is_preferred(route->segments, other->segments); });
  routes_.insert(at, std::move(route));
}

Router::Match Router::find(Request& request) const {
  Match match;
  const std::string_view path = request.path();
  if (!path.starts_with('/')) return match;
  const std::vector<std::string_view> segments = split(path.substr(1), '/');
  for (const auto& route : routes_) {
    if (!matches(route->segments, segments)) continue;
    const bool head = request.method() == "HEAD" && route->method == "GET";
    if (route->method != request.method() && !head) {
      if (match.allow.find(route->method) == std::string::npos)
        match.allow += (match.allow.empty() ? "" : ", ") + route->method;
      continue;
    }
    match.route = route.get();
    match.allow.clear();
    request.parameters_.clear();
    for (size_t i = 0; i < route->segments.size(); ++i) {
      const std::string_view segment = route->segments[i];
      if (!is_parameter(segment)) continue;
      std::string value = percent_decode(segments[i]);
      if (is_rest(segment)) {
        for (size_t j = i + 1; j < segments.size(); ++j) value += "/" + percent_decode(segments[j]);
      }
      request.parameters_.emplace_back(parameter_name(segment), std::move(value));
    }
    return match;
  }
  if (match.allow.find("GET") != std::string::npos) match.allow += ", HEAD";
  return match;
}

}  // namespace modelyard::http
