// SPDX-License-Identifier: Apache-2.0
#include "registry/embedded_schema.h"

#include <algorithm>

#include "json/tree.h"

namespace modelyard::registry::internal {
namespace {

using sqlite::Database;

// The name-level record and the endpoints are tables of their own from the first format: rollouts and other readers of
// the file find them where they will stay.
constexpr std::string_view kSchema = R"sql(
CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE deployments(name TEXT NOT NULL, version TEXT NOT NULL, generation INTEGER NOT NULL, record TEXT NOT NULL,
  PRIMARY KEY(name, version)) WITHOUT ROWID;
CREATE TABLE instances(id TEXT PRIMARY KEY, incarnation INTEGER NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL,
  state TEXT NOT NULL, record TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE endpoints(id TEXT PRIMARY KEY, name TEXT NOT NULL, version TEXT NOT NULL, url TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE events(sequence INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL,
  instance TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL);
CREATE INDEX events_by_deployment ON events(name, version, sequence);
CREATE TABLE names(name TEXT PRIMARY KEY, pin TEXT NOT NULL, weights TEXT NOT NULL) WITHOUT ROWID;
)sql";

Result<int64_t> meta(Database& database, std::string_view key) {
  MY_TRY(auto statement, database.prepare("SELECT value FROM meta WHERE key=?1"));
  statement.bind(1, key);
  MY_TRY(const bool row, statement.step());
  return row ? statement.integer(0) : 0;
}

Status set_meta(Database& database, std::string_view key, int64_t value) {
  MY_TRY(auto statement, database.prepare("INSERT INTO meta VALUES(?1,?2) ON CONFLICT(key) DO UPDATE SET value=?2"));
  return statement.bind(1, key).bind(2, value).run();
}

// A record that cannot be read names its row: nothing is dropped silently.
template <typename Record>
Status read_records(Database& database, std::string_view sql, Result<Record> (*parse)(const json::Tree&),
                    std::vector<Record>& out) {
  MY_TRY(auto statement, database.prepare(sql));
  for (;;) {
    MY_TRY(const bool row, statement.step());
    if (!row) return {};
    const std::string key(statement.text(0));
    auto tree = json::parse(statement.text(1));
    auto record = tree ? parse(*tree) : Result<Record>(tl::unexpected<Error>(tree.error()));
    if (!record) {
      return fail(Error(ErrorCode::kDataLoss, "'" + database.path().string() + "': the record of '" + key +
                                                  "' cannot be read: " + record.error().message()));
    }
    out.push_back(std::move(*record));
  }
}

Status read_names(Database& database, std::map<std::string, NameRecord>& out) {
  MY_TRY(auto statement, database.prepare("SELECT name, pin, weights FROM names"));
  for (;;) {
    MY_TRY(const bool row, statement.step());
    if (!row) return {};
    NameRecord record;
    record.pin = statement.text(1);
    if (const auto weights = json::parse(statement.text(2)); weights && weights->is_object()) {
      for (const auto& [version, share] : weights->items()) {
        if (share.is_number()) record.weights.emplace(version, share.template get<double>());
      }
    }
    out.emplace(statement.text(0), std::move(record));
  }
}

Status put_deployment(Database& database, const Deployment& deployment) {
  MY_TRY(auto select, database.prepare("SELECT generation FROM deployments WHERE name=?1 AND version=?2"));
  select.bind(1, deployment.name).bind(2, deployment.version);
  MY_TRY(const bool row, select.step());
  const int64_t stored = row ? select.integer(0) : 0;
  if (stored != deployment.generation - 1) {
    return fail(ErrorCode::kConflict, "deployment '" + deployment.name + "' version '" + deployment.version +
                                          "' was changed meanwhile: it has generation " + std::to_string(stored));
  }
  MY_TRY(auto put,
         database.prepare("INSERT INTO deployments VALUES(?1,?2,?3,?4) ON CONFLICT(name, version) DO UPDATE SET "
                          "generation=?3, record=?4"));
  put.bind(1, deployment.name).bind(2, deployment.version).bind(3, deployment.generation);
  return put.bind(4, json::dump(to_json(deployment))).run();
}

Status remove_endpoint(Database& database, const std::string& id) {
  MY_TRY(auto statement, database.prepare("DELETE FROM endpoints WHERE id=?1"));
  return statement.bind(1, id).run();
}

Status put_instance(Database& database, const Instance& instance) {
  MY_TRY(auto put, database.prepare("INSERT INTO instances VALUES(?1,?2,?3,?4,?5,?6) ON CONFLICT(id) DO UPDATE SET "
                                    "incarnation=?2, state=?5, record=?6"));
  put.bind(1, instance.id).bind(2, instance.incarnation).bind(3, instance.name).bind(4, instance.version);
  MY_TRY_VOID(put.bind(5, to_string(instance.state)).bind(6, json::dump(to_json(instance))).run());
  if (instance.state != InstanceState::kReady || !instance.endpoint) return remove_endpoint(database, instance.id);
  MY_TRY(auto endpoint,
         database.prepare("INSERT INTO endpoints VALUES(?1,?2,?3,?4) ON CONFLICT(id) DO UPDATE SET url=?4"));
  return endpoint.bind(1, instance.id)
      .bind(2, instance.name)
      .bind(3, instance.version)
      .bind(4, instance.endpoint->url)
      .run();
}

Status put_name(Database& database, const std::string& name, const NameRecord& record) {
  json::Tree weights = json::Tree::object();
  for (const auto& [version, share] : record.weights) weights[version] = share;
  MY_TRY(auto put,
         database.prepare("INSERT INTO names VALUES(?1,?2,?3) ON CONFLICT(name) DO UPDATE SET pin=?2, weights=?3"));
  return put.bind(1, name).bind(2, record.pin).bind(3, json::dump(weights)).run();
}

Status append_event(Database& database, const Event& event) {
  MY_TRY(auto put,
         database.prepare("INSERT INTO events(at_ms, name, version, instance, kind, text) VALUES(?1,?2,?3,?4,?5,?6)"));
  put.bind(1, event.at_ms).bind(2, event.name).bind(3, event.version).bind(4, event.instance);
  return put.bind(5, event.kind).bind(6, event.text).run();
}

Status remove(Database& database, const Write& write) {
  if (write.kind == Write::Kind::kRemoveInstance) {
    MY_TRY_VOID(remove_endpoint(database, write.id));
    MY_TRY(auto statement, database.prepare("DELETE FROM instances WHERE id=?1"));
    return statement.bind(1, write.id).run();
  }
  MY_TRY(auto statement, database.prepare("DELETE FROM deployments WHERE name=?1 AND version=?2"));
  return statement.bind(1, write.name).bind(2, write.version).run();
}

Status write_one(Database& database, const Write& write) {
  switch (write.kind) {
    case Write::Kind::kPutDeployment: return put_deployment(database, write.deployment);
    case Write::Kind::kPutInstance: return put_instance(database, write.instance);
    case Write::Kind::kPutName: return put_name(database, write.name, write.record);
    case Write::Kind::kAppendEvent: return append_event(database, write.event);
    case Write::Kind::kTakeRequest:
    case Write::Kind::kRejectRequest: return fail(ErrorCode::kUnsupported, "this registry has no queue of requests");
    case Write::Kind::kRemoveDeployment:
    case Write::Kind::kRemoveInstance: return remove(database, write);
  }
  return {};
}

}  // namespace

Status make_schema(Database& database, int from) {
  if (from != 0)
    return fail(ErrorCode::kUnsupported, "'" + database.path().string() + "' has format " + std::to_string(from));
  return database.execute(kSchema);
}

Result<Contents> lead(Database& database) {
  Contents out;
  MY_TRY_VOID(database.transaction([&]() -> Status {
    MY_TRY(const int64_t epoch, meta(database, "epoch"));
    out.epoch = epoch + 1;
    MY_TRY_VOID(set_meta(database, "epoch", out.epoch));
    MY_TRY(out.last_incarnation, meta(database, "last_incarnation"));
    MY_TRY_VOID(read_records(database, "SELECT name || '@' || version, record FROM deployments", deployment_from_json,
                             out.deployments));
    MY_TRY_VOID(read_records(database, "SELECT id, record FROM instances", instance_from_json, out.instances));
    return read_names(database, out.names);
  }));
  return out;
}

Status write(Database& database, const std::vector<Write>& batch, int64_t epoch, int64_t events_max) {
  return database.transaction([&]() -> Status {
    MY_TRY(const int64_t stored, meta(database, "epoch"));
    if (stored != epoch) return fail(ErrorCode::kConflict, "another controller leads now");
    int64_t greatest = 0;
    bool has_events = false;
    for (const Write& write : batch) {
      MY_TRY_VOID(write_one(database, write));
      if (write.kind == Write::Kind::kPutInstance) greatest = std::max(greatest, write.instance.incarnation);
      has_events = has_events || write.kind == Write::Kind::kAppendEvent;
    }
    MY_TRY(const int64_t last, meta(database, "last_incarnation"));
    if (greatest > last) MY_TRY_VOID(set_meta(database, "last_incarnation", greatest));
    if (!has_events) return {};
    MY_TRY(auto trim, database.prepare("DELETE FROM events WHERE sequence <= (SELECT max(sequence) FROM events) - ?1"));
    return trim.bind(1, events_max).run();
  });
}

Result<std::vector<Event>> events(Database& database, const std::string& name, const std::string& version, int limit) {
  MY_TRY(auto statement,
         database.prepare("SELECT sequence, at_ms, name, version, instance, kind, text FROM events WHERE "
                          "(?1='' OR name=?1) AND (?2='' OR version=?2) ORDER BY sequence DESC LIMIT ?3"));
  statement.bind(1, name).bind(2, version).bind(3, std::clamp(limit, 0, 100'000));
  std::vector<Event> out;
  for (;;) {
    MY_TRY(const bool row, statement.step());
    if (!row) break;
    Event& event = out.emplace_back();
    event.sequence = statement.integer(0);
    event.at_ms = statement.integer(1);
    event.name = statement.text(2);
    event.version = statement.text(3);
    event.instance = statement.text(4);
    event.kind = statement.text(5);
    event.text = statement.text(6);
  }
  std::reverse(out.begin(), out.end());
  return out;
}

}  // namespace modelyard::registry::internal
