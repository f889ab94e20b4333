// SPDX-License-Identifier: Apache-2.0
#include "registry/zookeeper/layout.h"

#include <algorithm>

#include "json/tree.h"
#include "zookeeper/types.h"

namespace modelyard::registry::zookeeper {
namespace {

constexpr std::string_view kDefaultQueue = "/maas/queue";
constexpr std::string_view kDefaultService = "/maas/service";
constexpr std::string_view kOwn = "modelyard";

bool stands_as_it_is(char c) { return c > ' ' && c < 0x7f && c != '/' && c != '%' && c != '@'; }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

void append_escaped(std::string& out, char c) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
}

// A path of the configuration node. Curator passes over '/' at the end, so this does.
Result<std::string> path_of(const json::Tree& object, std::string_view key, std::string_view fallback) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return std::string(fallback);
  if (!found->is_string()) return fail(ErrorCode::kInvalidArgument, std::string(key) + " must be a string");
  auto path = found->get<std::string>();
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  if (Status good = modelyard::zookeeper::check_path(path); !good)
    return fail(std::move(good).error().with_context(key).with_code(ErrorCode::kInvalidArgument));
  if (path == "/") return fail(ErrorCode::kInvalidArgument, std::string(key) + " must lie below '/'");
  return path;
}

std::string own_beside(std::string_view service) {
  const std::string_view parent = modelyard::zookeeper::parent_of(service);
  const std::string_view last = modelyard::zookeeper::name_of(service);
  std::string own(parent == "/" ? "" : parent);
  own.append("/").append(kOwn);
  if (last != "service") own.append("-").append(last);
  return own;
}

Status read_config(const json::Tree& tree, Layout& layout) {
  if (!tree.is_object()) return fail(ErrorCode::kInvalidArgument, "it must be a JSON object");
  if (const auto kind = tree.find("queue"); kind != tree.end() && !kind->is_null()) {
    if (!kind->is_string()) return fail(ErrorCode::kInvalidArgument, "queue must be a string");
    if (*kind != "ZOOKEEPER")
      return fail(ErrorCode::kUnsupported, "queue is '" + kind->get<std::string>() + "': only ZOOKEEPER is known");
  }
  json::Tree queue = json::Tree::object();
  if (const auto given = tree.find("queueConfig"); given != tree.end() && !given->is_null()) queue = *given;
  if (!queue.is_object()) return fail(ErrorCode::kInvalidArgument, "queueConfig must be an object");
  auto path = path_of(queue, "zk_path", kDefaultQueue);
  if (!path) return fail(std::move(path).error().with_context("queueConfig"));
  layout.queue = std::move(*path);
  MY_TRY(layout.service, path_of(tree, "serviceRoot", kDefaultService));
  return {};
}

}  // namespace

std::string Layout::model(std::string_view name) const { return service + "/" + segment_of(name); }
std::string Layout::endpoint(std::string_view name, std::string_view id) const {
  return model(name) + "/" + segment_of(id);
}
std::string Layout::deployment(std::string_view name, std::string_view version) const {
  return deployments() + "/" + segment_of(name) + "@" + segment_of(version);
}
std::string Layout::instance(std::string_view id) const { return instances() + "/" + segment_of(id); }
std::string Layout::report(std::string_view id) const { return reports() + "/" + segment_of(id); }
std::string Layout::lease(std::string_view id) const { return leases() + "/" + segment_of(id); }
std::string Layout::name(std::string_view name) const { return names() + "/" + segment_of(name); }

Result<Layout> layout_from(std::string_view config_path, const std::optional<std::string>& data) {
  Layout layout;
  layout.config = config_path;
  layout.queue = kDefaultQueue;
  layout.service = kDefaultService;
  if (data) {
    const auto tree = json::parse(*data);
    Status read = tree ? read_config(*tree, layout) : Status(tl::unexpected<Error>(tree.error()));
    if (!read) return fail(std::move(read).error().with_context("the configuration node " + layout.config));
  }
  layout.own = own_beside(layout.service);
  return layout;
}

// "" is "%", which no other text becomes.
std::string segment_of(std::string_view text) {
  if (text.empty()) return "%";
  std::string out;
  const bool dots = text == "." || text == "..";
  for (const char c : text) {
    if (stands_as_it_is(c) && !dots) {
      out += c;
    } else {
      append_escaped(out, c);
    }
  }
  return out;
}

std::string text_of_segment(std::string_view segment) {
  if (segment == "%") return "";
  std::string out;
  for (size_t i = 0; i < segment.size(); ++i) {
    const bool escape = segment[i] == '%' && i + 2 < segment.size();
    const int high = escape ? hex_digit(segment[i + 1]) : -1;
    const int low = escape ? hex_digit(segment[i + 2]) : -1;
    if (high < 0 || low < 0) {
      out += segment[i];
      continue;
    }
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

}  // namespace modelyard::registry::zookeeper
