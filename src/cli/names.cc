// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "base/strings.h"
#include "cli/remote.h"
#include "http/url.h"
#include "json/tree.h"

namespace modelyard::cli {

std::string target_with(std::string_view path, const std::vector<std::pair<std::string, std::string>>& query) {
  std::vector<std::pair<std::string, std::string>> given;
  for (const auto& pair : query) {
    if (!pair.second.empty()) given.push_back(pair);
  }
  return given.empty() ? std::string(path) : fmt::format("{}?{}", path, http::build_query(given));
}

const json::Tree& objects_in(const json::Tree& object, std::string_view key) {
  static const json::Tree kNone = json::Tree::array();
  if (!object.is_object()) return kNone;
  const auto at = object.find(key);
  if (at == object.end() || !at->is_array()) return kNone;
  return std::ranges::all_of(*at, [](const json::Tree& item) { return item.is_object(); }) ? *at : kNone;
}

std::string segment(std::string_view text) { return http::percent_encode(text); }

Result<ModelName> model_name(Invocation& invocation, std::string_view text) {
  ModelName found;
  const size_t at = text.find('@');
  found.name = text.substr(0, at);
  if (at != std::string_view::npos) found.version = text.substr(at + 1);
  if (const std::string why = why_bad_name(found.name); !why.empty()) {
    return invocation.wrong_usage(fmt::format("'{}' is no model name: {}", found.name, why));
  }
  if (const auto version = invocation.arguments().text("version")) {
    if (at != std::string_view::npos && found.version != *version) {
      return invocation.wrong_usage(fmt::format("'{}' and --version {} name two versions", text, *version));
    }
    found.version = *version;
  }
  if (at != std::string_view::npos || invocation.arguments().has("version")) {
    if (const std::string why = why_bad_name(found.version); !why.empty()) {
      return invocation.wrong_usage(fmt::format("'{}' is no version: {}", found.version, why));
    }
  }
  return found;
}

void stop_quietly_on_signals() {
  for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, [](int) { ::_exit(0); });
}

}  // namespace modelyard::cli
