// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "client/call_stats.h"
#include "client/snapshot_merge.h"

namespace modelyard::client {

struct Target;  // wire.h

// One endpoint and what this client knows of it. Lives on while a call holds it, also after its endpoint vanished.
struct Instance {
  registry::Endpoint endpoint;
  std::shared_ptr<const Target> target;
  bool last_resort = false;

  int in_flight = 0;
  int failures_in_a_row = 0;
  SteadyTime aside_until{};  // not chosen before, unless there is no other
  int64_t latency_us = 0;    // exponentially weighted mean of the answers; 0 = none yet
  int64_t slowest_us = 0;    // of the answers, fading

  CallReport report;
  bool reported = false;  // stands in the list of those with news
};
using InstancePtr = std::shared_ptr<Instance>;

// The endpoints this client may call, and the choice among them. Choosing takes well under a microsecond and allocates
// nothing, also with thousands of endpoints. Fed by Feed, or in-process by replace(). Confined to one loop; no I/O.
class Directory {
 public:
  Directory(const Clock& clock, Random random);
  ~Directory();

  // In-process: the registry of this very process tells (on this loop: post it there).
  void replace(std::shared_ptr<const registry::Snapshot> snapshot);
  // From elsewhere, with caution: snapshot_merge.h.
  void take(const std::shared_ptr<const registry::Snapshot>& told);
  SnapshotMerge::Outcome apply(const ChangeSet& changes);

  // Called after snapshot() became another, on the loop. Null `before`: the first. It may not destroy the directory.
  using OnChange = std::function<void(const std::shared_ptr<const registry::Snapshot>& before,
                                      const std::shared_ptr<const registry::Snapshot>& after)>;
  void on_change(OnChange callback) { on_change_ = std::move(callback); }

  // Null until something was told.
  const std::shared_ptr<const registry::Snapshot>& snapshot() const { return merge_.current(); }

  enum class Policy {
    kUniform,    // each with the same chance: what MAAS_GET_ENDPOINT promises
    kTwoChoices  // of two drawn at random, the one with fewer calls in flight, then the faster
  };
  // No version: the greatest that has an endpoint. `except` is passed over (null = none). Null when the model has no
  // endpoint.
  InstancePtr choose(std::string_view name, std::optional<std::string_view> version, Policy policy,
                     const Instance* except = nullptr);
  bool knows(std::string_view name) const;
  // More than this one to choose from.
  bool has_other(const Instance& instance);

  // What a call found out. An instance that failed is set aside: 0.5 s, then twice that each time, to 30 s, with
  // jitter.
  struct Seen {
    bool failed = false;       // the instance's fault
    bool unreachable = false;  // it could not even be connected to
    int64_t latency_us = 0;
  };
  void note(Instance& instance, const Seen& seen);

  // Of calls made by a bare url (call_endpoint): the instance of that url, if it is one of ours.
  InstancePtr find_url(std::string_view url) const;

  // Reports with news since the last time, and starts anew. give_back() undoes it when they could not be delivered.
  std::vector<CallReport> take_reports();
  void give_back(std::vector<CallReport> reports);

 private:
  using Instances = std::vector<InstancePtr>;
  struct Group {
    registry::Snapshot::Endpoints endpoints;  // what the list was made of
    Instances instances;
  };
  using Versions = std::vector<std::pair<std::string, Group>>;  // smallest first
  struct Model {
    Versions versions;
    Versions last_resort;
  };
  void rebuild();
  void rebuild_last_resort(const std::string& name, const std::vector<registry::Endpoint>& endpoints, Model& model);
  InstancePtr adopt(const registry::Endpoint& endpoint);
  const Instances* candidates(std::string_view name, std::optional<std::string_view> version);
  const InstancePtr* draw(const Instances& from, const Instance* except, const Instance* also_except);

  const Clock& clock_;
  Random random_;
  SnapshotMerge merge_;
  OnChange on_change_;
  std::shared_ptr<const registry::Snapshot> told_;  // to on_change_
  std::map<std::string, Model, std::less<>> models_;
  std::unordered_map<std::string_view, InstancePtr> by_id_;  // keys lie in the instances
  std::unordered_map<std::string_view, InstancePtr> by_url_;
  Instances with_news_;
  std::vector<CallReport> undelivered_;
};

}  // namespace modelyard::client
