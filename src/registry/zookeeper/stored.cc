// SPDX-License-Identifier: Apache-2.0
#include "registry/zookeeper/stored.h"

#include <algorithm>

#include "base/strings.h"
#include "json/tree.h"
#include "registry/json_fields.h"

namespace modelyard::registry::zookeeper {
namespace {

using internal::Fields;
using modelyard::zookeeper::Acl;
using modelyard::zookeeper::AclList;

constexpr size_t kEventTextMax = 16 << 10;

template <typename Record>
Result<Record> parsed(std::string_view data, Result<Record> (*read)(const json::Tree&)) {
  MY_TRY(const json::Tree tree, json::parse(data));
  return read(tree);
}

// The server gives back the entries in an order of its own.
bool same_acl(AclList a, AclList b) {
  const auto before = [](const Acl& x, const Acl& y) {
    return std::tie(x.scheme, x.id, x.perms) < std::tie(y.scheme, y.id, y.perms);
  };
  std::sort(a.begin(), a.end(), before);
  std::sort(b.begin(), b.end(), before);
  return a == b;
}

}  // namespace

Result<Deployment> deployment_of(std::string_view data) { return parsed(data, deployment_from_json); }
Result<Instance> instance_of(std::string_view data) { return parsed(data, instance_from_json); }
Result<RunnerReport> report_of(std::string_view data) { return parsed(data, runner_report_from_json); }

json::Tree name_record_to_json(const NameRecord& record) { return {{"pin", record.pin}, {"weights", record.weights}}; }

Result<NameRecord> name_record_from_json(const json::Tree& tree) {
  Fields fields(tree, "name");
  NameRecord record;
  fields.read("pin", record.pin);
  if (const json::Tree* weights = fields.find("weights")) {
    if (!weights->is_object()) fields.fail("weights must be an object of numbers");
    for (const auto& [version, share] : weights->items()) {
      if (!share.is_number()) {
        fields.fail("weights must be an object of numbers");
        break;
      }
      record.weights.emplace(version, share.get<double>());
    }
  }
  MY_TRY_VOID(fields.status());
  return record;
}

json::Tree event_to_json(const Event& event) {
  return {{"at_ms", event.at_ms},     {"name", event.name},
          {"version", event.version}, {"instance", event.instance},
          {"kind", event.kind},       {"text", to_valid_utf8(event.text.substr(0, kEventTextMax))}};
}

Result<Event> event_from_json(const json::Tree& tree) {
  Fields fields(tree, "event");
  Event event;
  fields.read("at_ms", event.at_ms);
  fields.read("name", event.name);
  fields.read("version", event.version);
  fields.read("instance", event.instance);
  fields.read("kind", event.kind);
  fields.read("text", event.text);
  MY_TRY_VOID(fields.status());
  return event;
}

std::optional<int64_t> sequence_of(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return std::nullopt;
  return parse_int(name.substr(prefix.size()));
}

io::Task<Status> ensure_node(modelyard::zookeeper::Client& client, std::string path, std::string data, AclList acl,
                             bool keep, SteadyTime deadline) {
  const auto made =
      co_await client.create(path, std::move(data), modelyard::zookeeper::CreateMode::kPersistent, acl, deadline);
  if (made || (made.error().code() == ErrorCode::kAlreadyExists && keep)) co_return Status();
  if (made.error().code() != ErrorCode::kAlreadyExists) co_return fail(Error(made.error()).with_context(path));
  auto present = co_await client.get_acl(path, deadline);
  if (!present) co_return fail(std::move(present).error().with_context(path));
  if (same_acl(present->first, acl)) co_return Status();
  auto set = co_await client.set_acl(path, std::move(acl), present->second.aversion, deadline);
  if (!set) co_return fail(std::move(set).error().with_context(path));
  co_return Status();
}

io::Task<Status> make_parents(modelyard::zookeeper::Client& client, std::string path, SteadyTime deadline) {
  for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    const auto made = co_await client.create(part, "", modelyard::zookeeper::CreateMode::kPersistent,
                                             modelyard::zookeeper::open_acl(), deadline);
    if (!made && made.error().code() != ErrorCode::kAlreadyExists) {
      // An upper node may forbid children and have the next one all the same.
      const auto present = co_await client.exists(part, {}, deadline);
      if (!present) co_return fail(Error(made.error()).with_context("making " + part));
    }
    if (slash == std::string::npos) co_return Status();
  }
}

}  // namespace modelyard::registry::zookeeper
