// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "registry/types.h"

// Snapshots and their differences; what a registry holds and how it is changed.
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

// A snapshot with these endpoints (any order, later ones replace earlier ones with the same id); lists equal to those
// of `before` are shared with it.
std::shared_ptr<const Snapshot> make_snapshot(std::vector<Endpoint> endpoints, const Snapshot& before, int64_t epoch,
                                              int64_t revision, bool settled);

// Changes one endpoint of a snapshot that is being made (a copy of another one): a few microseconds, however many there
// are. put: in the place of the one with the same name, version and id.
void put_endpoint(Snapshot& snapshot, Endpoint endpoint);
// False: there is none.
bool remove_endpoint(Snapshot& snapshot, std::string_view name, std::string_view version, std::string_view id);
// By name and id, of any version; null: there is none. As long as the snapshot lives.
const Endpoint* find_endpoint(const Snapshot& snapshot, std::string_view name, std::string_view id);

// What stands beside all versions of one name.
struct NameRecord {
  std::string pin;                        // the version that "no version" means; "" = the greatest
  std::map<std::string, double> weights;  // version -> share of calls; empty = all to the greatest
  bool operator==(const NameRecord&) const = default;
};

// One change of the stored state. A batch of them is stored whole or not at all.
struct Write {
  enum class Kind {
    kPutDeployment,
    kRemoveDeployment,
    kPutInstance,
    kRemoveInstance,
    kPutName,
    kAppendEvent,
    kTakeRequest,    // the item leaves the queue; kConflict if it is not there any more. Registries with a queue alone
    kRejectRequest,  // the same, and it is kept with its reason
  };
  Kind kind = Kind::kAppendEvent;
  Deployment deployment;  // put: stored if the stored generation is generation - 1 (0 = absent), else kConflict
  Instance instance;
  Event event;                // sequence is given by the registry
  std::string name, version;  // remove
  std::string id;
  std::string data;  // of a rejected request
  NameRecord record;

  static Write put(Deployment deployment);
  static Write remove_deployment(std::string name, std::string version);
  static Write put(Instance instance);
  static Write remove_instance(std::string id);
  static Write put_name(std::string name, NameRecord record);
  static Write append(Event event);
  static Write take_request(std::string item);
  static Write reject_request(std::string item, std::string data, std::string reason);  // the reason: event.text
};

// Everything stored, as read at once when a controller begins to lead.
struct Contents {
  int64_t epoch = 0;             // of this leadership; greater than every earlier one
  int64_t last_incarnation = 0;  // the greatest ever stored, of removed instances too
  std::vector<Deployment> deployments;
  std::vector<Instance> instances;
  std::map<std::string, NameRecord> names;
};

}  // namespace modelyard::registry
