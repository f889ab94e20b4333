// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <tuple>

#include "base/version.h"
#include "registry/contents.h"

namespace modelyard::registry {
namespace {

// By name, then id: what belongs together in two snapshots. Pointers live as long as the snapshot.
using ById = std::map<std::pair<std::string_view, std::string_view>, const Endpoint*>;

ById by_id(const Snapshot& snapshot) {
  ById out;
  for (const auto& [name, versions] : snapshot.models) {
    for (const auto& [version, endpoints] : versions) {
      for (const Endpoint& endpoint : *endpoints)
        out.emplace(std::pair(std::string_view(endpoint.name), std::string_view(endpoint.id)), &endpoint);
    }
  }
  return out;
}

const Snapshot::Endpoints* find(const Snapshot& snapshot, const std::string& name, const std::string& version) {
  const auto model = snapshot.models.find(name);
  if (model == snapshot.models.end()) return nullptr;
  for (const auto& [known, endpoints] : model->second) {
    if (known == version) return &endpoints;
  }
  return nullptr;
}

// Where the version stands, or where it belongs.
Snapshot::Versions::iterator place_of(Snapshot::Versions& versions, std::string_view version) {
  return std::lower_bound(versions.begin(), versions.end(), version, [](const auto& entry, std::string_view wanted) {
    return compare_versions(entry.first, wanted) < 0;
  });
}

bool change_before(const Change& a, const Change& b) {
  const auto rank = [](Change::Kind kind) {
    return kind == Change::Kind::kRemoved ? 0 : kind == Change::Kind::kChanged ? 1 : 2;
  };
  if (rank(a.kind) != rank(b.kind)) return rank(a.kind) < rank(b.kind);
  if (a.endpoint.name != b.endpoint.name) return a.endpoint.name < b.endpoint.name;
  if (const auto order = compare_versions(a.endpoint.version, b.endpoint.version); order != 0) return order < 0;
  return a.endpoint.id < b.endpoint.id;
}

}  // namespace

std::string_view to_string(Change::Kind kind) {
  switch (kind) {
    case Change::Kind::kAdded: return "added";
    case Change::Kind::kRemoved: return "removed";
    case Change::Kind::kChanged: return "changed";
  }
  return "?";
}

std::vector<Change> diff(const Snapshot& before, const Snapshot& after, int64_t at_ms) {
  std::vector<Change> out;
  const ById old = by_id(before);
  const ById now = by_id(after);
  for (const auto& [key, endpoint] : old) {
    if (now.find(key) == now.end()) out.push_back({at_ms, Change::Kind::kRemoved, *endpoint});
  }
  for (const auto& [key, endpoint] : now) {
    const auto was = old.find(key);
    if (was == old.end()) {
      out.push_back({at_ms, Change::Kind::kAdded, *endpoint});
    } else if (!(*was->second == *endpoint)) {
      out.push_back({at_ms, Change::Kind::kChanged, *endpoint});
    }
  }
  std::sort(out.begin(), out.end(), change_before);
  return out;
}

std::shared_ptr<const Snapshot> make_snapshot(std::vector<Endpoint> endpoints, const Snapshot& before, int64_t epoch,
                                              int64_t revision, bool settled) {
  std::map<std::string, std::map<std::string, std::map<std::string, Endpoint>, VersionLess>> sorted;
  for (Endpoint& endpoint : endpoints) {
    auto& slot = sorted[endpoint.name][endpoint.version][endpoint.id];
    slot = std::move(endpoint);
  }
  auto out = std::make_shared<Snapshot>();
  out->epoch = epoch;
  out->revision = revision;
  out->settled = settled;
  for (auto& [name, versions] : sorted) {
    Snapshot::Versions model;
    for (auto& [version, by_instance] : versions) {
      Snapshot::EndpointList list;
      for (auto& [id, endpoint] : by_instance) list.put(std::move(endpoint));
      const Snapshot::Endpoints* same = find(before, name, version);
      const bool shared = same != nullptr && **same == list;
      model.emplace_back(version, shared ? *same : std::make_shared<const Snapshot::EndpointList>(std::move(list)));
    }
    out->models.put({name, std::move(model)});
  }
  return out;
}

void put_endpoint(Snapshot& snapshot, Endpoint endpoint) {
  const auto model = snapshot.models.find(endpoint.name);
  const std::string name = endpoint.name;
  const std::string version = endpoint.version;
  Snapshot::Versions versions = model == snapshot.models.end() ? Snapshot::Versions() : model->second;
  const auto at = place_of(versions, version);
  const bool known = at != versions.end() && at->first == version;
  Snapshot::EndpointList list = known ? *at->second : Snapshot::EndpointList();
  list.put(std::move(endpoint));
  auto shared = std::make_shared<const Snapshot::EndpointList>(std::move(list));
  if (known) {
    at->second = std::move(shared);
  } else {
    versions.insert(at, {version, std::move(shared)});
  }
  snapshot.models.put({name, std::move(versions)});
}

bool remove_endpoint(Snapshot& snapshot, std::string_view name, std::string_view version, std::string_view id) {
  const auto model = snapshot.models.find(name);
  if (model == snapshot.models.end()) return false;
  Snapshot::Versions versions = model->second;
  const auto at = place_of(versions, version);
  if (at == versions.end() || at->first != version) return false;
  Snapshot::EndpointList list = *at->second;
  if (!list.erase(id)) return false;
  if (list.empty()) {
    versions.erase(at);
  } else {
    at->second = std::make_shared<const Snapshot::EndpointList>(std::move(list));
  }
  const std::string key(name);  // the caller's may lie in the member that goes
  if (versions.empty()) {
    snapshot.models.erase(key);
  } else {
    snapshot.models.put({key, std::move(versions)});
  }
  return true;
}

const Endpoint* find_endpoint(const Snapshot& snapshot, std::string_view name, std::string_view id) {
  const auto model = snapshot.models.find(name);
  if (model == snapshot.models.end()) return nullptr;
  for (const auto& [version, endpoints] : model->second) {
    if (const auto at = endpoints->find(id); at != endpoints->end()) return &*at;
  }
  return nullptr;
}

Write Write::put(Deployment deployment) {
  Write write;
  write.kind = Kind::kPutDeployment;
  write.deployment = std::move(deployment);
  return write;
}
Write Write::remove_deployment(std::string name, std::string version) {
  Write write;
  write.kind = Kind::kRemoveDeployment;
  write.name = std::move(name);
  write.version = std::move(version);
  return write;
}
Write Write::put(Instance instance) {
  Write write;
  write.kind = Kind::kPutInstance;
  write.instance = std::move(instance);
  return write;
}
Write Write::remove_instance(std::string id) {
  Write write;
  write.kind = Kind::kRemoveInstance;
  write.id = std::move(id);
  return write;
}
Write Write::put_name(std::string name, NameRecord record) {
  Write write;
  write.kind = Kind::kPutName;
  write.name = std::move(name);
  write.record = std::move(record);
  return write;
}
Write Write::append(Event event) {
  Write write;
  write.kind = Kind::kAppendEvent;
  write.event = std::move(event);
  return write;
}
Write Write::take_request(std::string item) {
  Write write;
  write.kind = Kind::kTakeRequest;
  write.id = std::move(item);
  return write;
}
Write Write::reject_request(std::string item, std::string data, std::string reason) {
  Write write;
  write.kind = Kind::kRejectRequest;
  write.id = std::move(item);
  write.data = std::move(data);
  write.event.text = std::move(reason);
  return write;
}

}  // namespace modelyard::registry
