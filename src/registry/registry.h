// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/task.h"
#include "registry/types.h"

namespace modelyard::registry {

// One difference between two snapshots.
struct Change {
  enum class Kind { kAdded, kRemoved, kChanged };
  int64_t at_ms = 0;
  Kind kind = Kind::kAdded;
  Endpoint endpoint;  // as it is now; of a removed one, as it was
};
std::string_view to_string(Change::Kind kind);  // "added"

// Removed first, then changed, then added; each by name, version, id.
std::vector<Change> diff(const Snapshot& before, const Snapshot& after, int64_t at_ms);

// A snapshot with these endpoints (any order, later ones replace earlier ones with the same id); vectors equal to those of `before`
// are shared with it.
std::shared_ptr<const Snapshot> make_snapshot(std::vector<Endpoint> endpoints, const Snapshot& before, int64_t epoch,
                                              int64_t revision, bool settled);

// What stands beside all versions of one name.
struct NameRecord {
  std::string pin;                        // the version that "no version" means; "" = the greatest
  std::map<std::string, double> weights;  // version -> share of calls; empty = all to the greatest
  bool operator==(const NameRecord&) const = default;
};

// One change of the stored state. A batch of them is stored whole or not at all.
struct Write {
  enum class Kind { kPutDeployment, kRemoveDeployment, kPutInstance, kRemoveInstance, kPutName, kAppendEvent };
  Kind kind = Kind::kAppendEvent;
  Deployment deployment;       // put: stored if the stored generation is generation - 1 (0 = absent), else kConflict
  Instance instance;
  Event event;                 // sequence is given by the registry
  std::string name, version;   // remove
  std::string id;
  NameRecord record;

  static Write put(Deployment deployment);
  static Write remove_deployment(std::string name, std::string version);
  static Write put(Instance instance);
  static Write remove_instance(std::string id);
  static Write put_name(std::string name, NameRecord record);
  static Write append(Event event);
};

// Everything stored, as read at once when a controller begins to lead.
struct Contents {
  int64_t epoch = 0;             // of this leadership; greater than every earlier one
  int64_t last_incarnation = 0;  // the greatest ever stored, of removed instances too
  std::vector<Deployment> deployments;
  std::vector<Instance> instances;
  std::map<std::string, NameRecord> names;
};

// The one store of what is wanted and what is known to run, as a controller sees it. Implementations: embedded (SQLite, embedded.h),
// fake (memory, fake.h). On one machine clients follow the endpoints over HTTP from the controller, which computes the snapshot from
// the instances' records (make_snapshot). Confined to one loop; what it answers is durable. After kDeadline or kUnavailable the caller does not know whether a write happened and asks again: every write
// is whole records, so saying it twice is harmless.
class Registry {
 public:
  virtual ~Registry() = default;

  // Waits to be the one that writes and reads everything. Embedded: at once, a second process is refused when it opens the file.
  // Afterwards every write of an earlier leader is kConflict.
  virtual io::Task<Result<Contents>> lead() = 0;

  // All in one transaction.
  virtual io::Task<Status> write(std::vector<Write> batch) = 0;

  // Oldest first, at most limit of the newest. Empty = any.
  virtual io::Task<Result<std::vector<Event>>> events(std::string name, std::string version, int limit) = 0;
};

}  // namespace modelyard::registry
