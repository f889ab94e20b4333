// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "base/strings.h"
#include "json/tree.h"
#include "json/writer.h"
#include "registry/json_fields.h"
#include "registry/zookeeper/layout.h"

namespace modelyard::registry::zookeeper {
namespace {

using internal::Fields;

constexpr int64_t kInstancesMax = 10'000;
constexpr int64_t kMemoryMbMax = std::numeric_limits<int32_t>::max();  // the reference's type
constexpr size_t kPathMax = 4'096;
constexpr size_t kRejectedDataMax = 4'096;

tl::unexpected<Error> junk(std::string what) { return fail(ErrorCode::kInvalidArgument, std::move(what)); }

// A whole number, as the reference's reader takes it: 2, "2", and 2.0.
Result<int64_t> number_in(const json::Tree& object, std::string_view key, int64_t fallback, int64_t least,
                          int64_t most) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return fallback;
  std::optional<int64_t> value;
  if (found->is_number_unsigned()) {
    if (const auto wide = found->get<uint64_t>(); wide <= static_cast<uint64_t>(most))
      value = static_cast<int64_t>(wide);
  } else if (found->is_number_integer()) {
    value = found->get<int64_t>();
  } else if (found->is_number_float()) {
    const auto real = found->get<double>();
    if (real >= static_cast<double>(least) && real <= static_cast<double>(most) &&
        real == static_cast<double>(static_cast<int64_t>(real)))
      value = static_cast<int64_t>(real);
  } else if (found->is_string()) {
    value = parse_int(found->get<std::string>());
  }
  if (!value || *value < least || *value > most) {
    return junk(std::string(key) + " must be a whole number, " + std::to_string(least) + " to " + std::to_string(most));
  }
  return *value;
}

Result<std::string> name_in(const json::Tree& object, std::string_view key) {
  MY_TRY(auto name, json::require_string(object, key));
  if (const std::string why = why_bad_name(name); !why.empty()) return junk(std::string(key) + ": " + why);
  return name;
}

Result<std::string> path_in(const json::Tree& object) {
  const auto found = object.find("path");
  if (found == object.end() || found->is_null()) return std::string();
  if (!found->is_string()) return junk("path must be a string");
  auto path = found->get<std::string>();
  if (path.size() > kPathMax) return junk("path is longer than " + std::to_string(kPathMax) + " bytes");
  for (const char c : path) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) return junk("path holds a control character");
  }
  return path;
}

}  // namespace

std::string to_json(const Request& request) {
  std::string text;
  json::Writer out(text);
  out.begin_object();
  out.key("name");
  out.string(request.name);
  out.key("version");
  out.string(request.version);
  out.key("numInstances");
  out.number(int64_t{request.instances});
  out.key("memory");
  out.number(request.memory_mb);
  out.key("action");
  out.string(request.action == Request::Action::kAdd ? "ADD" : "REMOVE");
  out.key("path");
  if (request.path.empty()) {
    out.null();
  } else {
    out.string(request.path);
  }
  out.end_object();
  return text;
}

Result<std::optional<Request>> request_from(std::string_view data) {
  const auto tree = json::parse(data);
  if (!tree) return junk("no JSON: " + tree.error().message());
  if (tree->is_null()) return std::optional<Request>();
  if (!tree->is_object()) return junk("it must be a JSON object");
  Request request;
  MY_TRY(const auto action, json::require_string(*tree, "action"));
  if (equal_ignoring_case_ascii(action, "REMOVE")) {
    request.action = Request::Action::kRemove;
  } else if (!equal_ignoring_case_ascii(action, "ADD")) {
    return junk("action is '" + to_valid_utf8(action.substr(0, 100)) + "': it must be ADD or REMOVE");
  }
  MY_TRY(request.name, name_in(*tree, "name"));
  MY_TRY(request.version, name_in(*tree, "version"));
  MY_TRY(const int64_t instances, number_in(*tree, "numInstances", 1, 1, kInstancesMax));
  request.instances = static_cast<int>(instances);
  MY_TRY(request.memory_mb, number_in(*tree, "memory", 0, 0, kMemoryMbMax));
  MY_TRY(request.path, path_in(*tree));
  return std::optional<Request>(std::move(request));
}

json::Tree to_json(const RejectedRequest& rejected) {
  return {{"item", rejected.item},
          {"data", to_valid_utf8(rejected.data.substr(0, kRejectedDataMax))},
          {"reason", rejected.reason},
          {"at_ms", rejected.at_ms}};
}

Result<RejectedRequest> rejected_from_json(const json::Tree& tree) {
  Fields fields(tree, "rejected request");
  RejectedRequest rejected;
  fields.require("item", rejected.item);
  fields.read("data", rejected.data);
  fields.read("reason", rejected.reason);
  fields.read("at_ms", rejected.at_ms);
  MY_TRY_VOID(fields.status());
  return rejected;
}

json::Tree to_json(const LeaderRecord& record) {
  return {{"id", record.id},
          {"host", record.host},
          {"pid", record.pid},
          {"url", record.url},
          {"launcher", record.launcher},
          {"place", record.place},
          {"application", record.application},
          {"token_place", record.token_place},
          {"version", record.version},
          {"since_ms", record.since_ms}};
}

Result<LeaderRecord> leader_record_from_json(const json::Tree& tree) {
  Fields fields(tree, "leader");
  LeaderRecord record;
  fields.require("id", record.id);
  fields.read("host", record.host);
  fields.read("pid", record.pid);
  fields.read("url", record.url);
  fields.read("launcher", record.launcher);
  fields.read("place", record.place);
  fields.read("application", record.application);
  fields.read("token_place", record.token_place);
  fields.read("version", record.version);
  fields.read("since_ms", record.since_ms);
  MY_TRY_VOID(fields.status());
  return record;
}

json::Tree to_json(const LeaseRecord& record) {
  return {{"incarnation", record.incarnation}, {"host", record.host}, {"runner_pid", record.runner_pid}};
}

Result<LeaseRecord> lease_record_from_json(const json::Tree& tree) {
  Fields fields(tree, "lease");
  LeaseRecord record;
  fields.read("incarnation", record.incarnation);
  fields.read("host", record.host);
  fields.read("runner_pid", record.runner_pid);
  MY_TRY_VOID(fields.status());
  return record;
}

json::Tree to_json(const Settings& settings) {
  json::Tree tree = json::Tree::object();
  tree["world_may_read"] = settings.world_may_read;
  for (const auto& [key, text] : settings.others) {
    if (auto value = json::parse(text)) tree[key] = std::move(*value);
  }
  return tree;
}

Result<Settings> settings_from_json(const json::Tree& tree) {
  Fields fields(tree, "settings");
  Settings settings;
  fields.read("world_may_read", settings.world_may_read);
  MY_TRY_VOID(fields.status());
  for (const auto& [key, value] : tree.items()) {
    if (key != "world_may_read") settings.others.emplace(key, json::dump(value));
  }
  return settings;
}

}  // namespace modelyard::registry::zookeeper
