// SPDX-License-Identifier: Apache-2.0
// The events of GET /api/v1/watch as values.
#include "client/snapshot_merge.h"
#include "json/json.h"
#include "json/tree.h"

namespace modelyard::client {
namespace {

struct Head {
  int64_t epoch;
  int64_t revision;
  bool settled;
};

Result<Head> head_of(const json::Tree& tree) {
  if (!tree.is_object()) return fail(ErrorCode::kProtocol, "an event of the registry is no JSON object");
  MY_TRY(const int64_t epoch, json::require_int(tree, "epoch"));
  MY_TRY(const int64_t revision, json::require_int(tree, "revision"));
  return Head{epoch, revision, json::get_bool(tree, "settled", true)};
}

Result<json::Tree> parse_event(std::string_view data) {
  Result<json::Tree> tree = json::parse(data, {.source = "event of the registry"});
  if (!tree) return fail(std::move(tree).error().with_code(ErrorCode::kProtocol));
  return tree;
}

const json::Tree& array_at(const json::Tree& tree, std::string_view key) {
  static const json::Tree kNone = json::Tree::array();
  const auto at = tree.find(key);
  return at == tree.end() || !at->is_array() ? kNone : *at;
}

}  // namespace

Result<std::shared_ptr<const registry::Snapshot>> snapshot_from_event(std::string_view data, size_t& skipped) {
  MY_TRY(const json::Tree tree, parse_event(data));
  Result<Head> head = head_of(tree);
  if (!head) return fail(std::move(head).error().with_code(ErrorCode::kProtocol));
  std::vector<registry::Endpoint> endpoints;
  for (const json::Tree& item : array_at(tree, "endpoints")) {
    Result<registry::Endpoint> endpoint = registry::endpoint_from_json(item);
    if (endpoint) {
      endpoints.push_back(std::move(*endpoint));
    } else {
      ++skipped;
    }
  }
  return registry::make_snapshot(std::move(endpoints), {}, head->epoch, head->revision, head->settled);
}

Result<ChangeSet> changes_from_event(std::string_view data) {
  MY_TRY(const json::Tree tree, parse_event(data));
  Result<Head> head = head_of(tree);
  if (!head) return fail(std::move(head).error().with_code(ErrorCode::kProtocol));
  ChangeSet out{head->epoch, head->revision, head->settled, {}};
  for (const json::Tree& item : array_at(tree, "changes")) {
    if (!item.is_object()) return fail(ErrorCode::kProtocol, "a change of the registry is no JSON object");
    ChangeSet::Item change;
    const std::string kind = json::get_string(item, "kind");
    change.kind = kind == "removed"   ? registry::Change::Kind::kRemoved
                  : kind == "changed" ? registry::Change::Kind::kChanged
                                      : registry::Change::Kind::kAdded;
    change.lost = json::get_bool(item, "lost", false);
    Result<registry::Endpoint> endpoint = fail(ErrorCode::kProtocol, "a change of the registry has no endpoint");
    if (const auto at = item.find("endpoint"); at != item.end() && at->is_object())
      endpoint = registry::endpoint_from_json(*at);
    if (endpoint) {
      change.endpoint = std::move(*endpoint);
    } else if (change.kind == registry::Change::Kind::kRemoved) {
      change.endpoint.name = json::get_string(item, "name");
      change.endpoint.version = json::get_string(item, "version");
      change.endpoint.id = json::get_string(item, "id");
    } else {
      return fail(std::move(endpoint).error().with_code(ErrorCode::kProtocol));
    }
    out.items.push_back(std::move(change));
  }
  return out;
}

}  // namespace modelyard::client
