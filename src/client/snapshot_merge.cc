// SPDX-License-Identifier: Apache-2.0
#include "client/snapshot_merge.h"

#include <algorithm>
#include <set>

namespace modelyard::client {

using registry::Change;
using registry::Endpoint;
using registry::Snapshot;

namespace {

using Ids = std::set<std::string_view>;

template <typename Visit>
void for_each_endpoint(const Snapshot::Versions& versions, const Visit& visit) {
  for (const auto& [version, endpoints] : versions) {
    for (const Endpoint& endpoint : *endpoints) visit(endpoint);
  }
}

template <typename Visit>
void for_each_endpoint(const Snapshot& snapshot, const Visit& visit) {
  for (const auto& [name, versions] : snapshot.models) for_each_endpoint(versions, visit);
}

Ids ids_of(const Snapshot& snapshot, std::string_view name) {
  Ids ids;
  if (const auto model = snapshot.models.find(name); model != snapshot.models.end())
    for_each_endpoint(model->second, [&](const Endpoint& endpoint) { ids.insert(endpoint.id); });
  return ids;
}

}  // namespace

void SnapshotMerge::replace(std::shared_ptr<const Snapshot> snapshot) {
  current_ = std::move(snapshot);
  last_resort_.clear();
  incomplete_ = false;
}

void SnapshotMerge::take(const std::shared_ptr<const Snapshot>& told, SteadyTime now) {
  if (!current_) {
    current_ = told;
    return;
  }
  if (told->settled) {
    put_last_resort(*current_, *told, now);
    current_ = told;
    incomplete_ = false;
    drop_returned();
    return;
  }
  std::map<std::string, Endpoint> all;
  for_each_endpoint(*current_, [&](const Endpoint& endpoint) { all.insert_or_assign(endpoint.id, endpoint); });
  size_t told_count = 0;
  for_each_endpoint(*told, [&](const Endpoint& endpoint) {
    ++told_count;
    all.insert_or_assign(endpoint.id, endpoint);
  });
  incomplete_ = all.size() > told_count;
  std::vector<Endpoint> endpoints;
  for (auto& [id, endpoint] : all) endpoints.push_back(std::move(endpoint));
  current_ = registry::make_snapshot(std::move(endpoints), *current_, told->epoch, told->revision, false);
  drop_returned();
}

SnapshotMerge::Outcome SnapshotMerge::apply(const ChangeSet& changes, SteadyTime now) {
  if (!current_ || changes.epoch != current_->epoch) return Outcome::kGap;
  if (changes.revision <= current_->revision) return Outcome::kStale;
  if (changes.revision != current_->revision + 1) return Outcome::kGap;
  auto next = std::make_shared<Snapshot>(*current_);
  next->revision = changes.revision;
  next->settled = changes.settled;
  auto lost = std::make_shared<Snapshot>(*current_);  // without what was lost, but with what was taken away on purpose
  bool any_lost = false;
  for (const ChangeSet::Item& item : changes.items) {
    const Endpoint& endpoint = item.endpoint;
    const bool removed = item.kind == Change::Kind::kRemoved;
    if (!removed) {
      registry::put_endpoint(*next, endpoint);
      continue;
    }
    registry::remove_endpoint(*next, endpoint.name, endpoint.version, endpoint.id);
    if (item.lost) {
      any_lost = true;
      registry::remove_endpoint(*lost, endpoint.name, endpoint.version, endpoint.id);
    } else {
      forget(endpoint.name, endpoint.id);
    }
  }
  if (any_lost) put_last_resort(*current_, *lost, now);
  current_ = std::move(next);
  drop_returned();
  // A registry that has settled says nothing of endpoints it never knew: only its whole snapshot tells that they are
  // gone.
  return current_->settled && incomplete_ ? Outcome::kGap : Outcome::kTaken;
}

void SnapshotMerge::put_last_resort(const Snapshot& before, const Snapshot& after, SteadyTime now) {
  for (const auto& [name, versions] : before.models) {
    const Ids left = ids_of(after, name);
    size_t count = 0;
    std::vector<Endpoint> vanished;
    for_each_endpoint(versions, [&](const Endpoint& endpoint) {
      ++count;
      if (!left.contains(endpoint.id)) vanished.push_back(endpoint);
    });
    if (vanished.size() * 2 <= count) continue;
    last_resort_[name] = std::move(vanished);
    last_resort_until_ = now + kLastResortTime;
  }
}

void SnapshotMerge::drop_returned() {
  for (auto at = last_resort_.begin(); at != last_resort_.end();) {
    const Ids present = ids_of(*current_, at->first);
    std::erase_if(at->second, [&](const Endpoint& endpoint) { return present.contains(endpoint.id); });
    at = at->second.empty() ? last_resort_.erase(at) : std::next(at);
  }
}

bool SnapshotMerge::forget(std::string_view name, std::string_view id) {
  const auto model = last_resort_.find(name);
  if (model == last_resort_.end()) return false;
  const size_t dropped = std::erase_if(model->second, [&](const Endpoint& endpoint) { return endpoint.id == id; });
  if (model->second.empty()) last_resort_.erase(model);
  return dropped > 0;
}

bool SnapshotMerge::expire(SteadyTime now) {
  if (last_resort_.empty() || now < last_resort_until_) return false;
  last_resort_.clear();
  return true;
}

}  // namespace modelyard::client
