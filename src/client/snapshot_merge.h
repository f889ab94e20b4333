// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "registry/contents.h"

namespace modelyard::client {

// One `change` event of GET /api/v1/watch.
struct ChangeSet {
  struct Item {
    registry::Change::Kind kind = registry::Change::Kind::kAdded;
    registry::Endpoint endpoint;
    // Of a removed one: it was not drained, it is just not there any more.
    bool lost = false;
  };
  int64_t epoch = 0;
  int64_t revision = 0;
  bool settled = true;
  std::vector<Item> items;
};

// Makes of what a registry tells the endpoints that a client calls, so that neither a restarting registry nor a lost
// connection leaves a client with less than it had. Pure: no I/O, the time is an argument. Confined to its owner.
//
// - A settled snapshot replaces; an unsettled one only adds and changes: what a restarted controller has not accounted
// for stays.
// - When a snapshot, or changes that say `lost`, take away over half of a model's endpoints at once, those stay as a
// last resort for
//   kLastResortTime: called only while the model has no other.
// - Changes continue the (epoch, revision) known; a gap asks for a fresh snapshot.
class SnapshotMerge {
 public:
  static constexpr seconds kLastResortTime{60};

  enum class Outcome {
    kTaken,
    kStale,  // older than what is known; ignored
    kGap,    // something between was missed: ask for a snapshot
  };
  void take(const std::shared_ptr<const registry::Snapshot>& told, SteadyTime now);
  // From the registry of this process, whose every removal is meant: replaces without any of the caution.
  void replace(std::shared_ptr<const registry::Snapshot> snapshot);
  Outcome apply(const ChangeSet& changes, SteadyTime now);

  // Null before the first.
  const std::shared_ptr<const registry::Snapshot>& current() const { return current_; }

  // Endpoints that vanished, per model; forget() drops the one that did not answer, expire() those whose time is over.
  // True when something changed.
  using LastResort = std::map<std::string, std::vector<registry::Endpoint>, std::less<>>;
  const LastResort& last_resort() const { return last_resort_; }
  bool forget(std::string_view name, std::string_view id);
  bool expire(SteadyTime now);

 private:
  void put_last_resort(const registry::Snapshot& before, const registry::Snapshot& after, SteadyTime now);
  void drop_returned();

  std::shared_ptr<const registry::Snapshot> current_;
  LastResort last_resort_;
  SteadyTime last_resort_until_{};
  bool incomplete_ = false;  // endpoints are held that the unsettled registry did not name
};

// The data of the two events of GET /api/v1/watch (docs/api.md). kProtocol; an endpoint that is malformed is skipped
// and counted.
Result<std::shared_ptr<const registry::Snapshot>> snapshot_from_event(std::string_view data, size_t& skipped);
Result<ChangeSet> changes_from_event(std::string_view data);

}  // namespace modelyard::client
