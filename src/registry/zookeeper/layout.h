// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "json/json.h"
#include "registry/contents.h"
#include "registry/registry.h"
#include "registry/types.h"

// What lies where in ZooKeeper, and in which form. Two worlds:
//
// The reference's, which its clients read and write. Nothing of ours is added to it, not a key, not a node:
//   ZK_ROOT (/metron/maas/config)   {"queue":"ZOOKEEPER","queueConfig":{"zk_path":"/maas/queue"},"serviceRoot":
//                                   "/maas/service"}; absent = these defaults
//   QUEUE/qn-0000000007             a request, persistent sequential, taken lowest first
//   SERVICE_ROOT/NAME/ID            an endpoint: an ephemeral node of its runner's session, in the JSON of Curator's
//                                   service discovery
//
// Ours, OWN = "modelyard" beside SERVICE_ROOT (/maas/modelyard; where SERVICE_ROOT is not named "service":
// modelyard-LASTPART):
//
// - OWN/leader/n-0000000003: a candidate, ephemeral sequential, LeaderRecord; the lowest leads
// - OWN/epoch: its data version is the epoch; set by each new leader in a multi with the check of its node
// - OWN/deployments/NAME@V: registry::Deployment; NAME and V percent-encoded (segment_of)
// - OWN/instances/ID: registry::Instance; written by the leader alone. The runner of the instance reads it and obeys
//   it: its incarnation and its state say serve, drain or stop (order_of)
// - OWN/reports/ID: registry::RunnerReport, made empty by the leader with the instance, set by its runner
// - OWN/leases/ID: LeaseRecord, ephemeral node of the runner's session: as long as it is there, the runner is
// - OWN/names/NAME: registry::NameRecord
// - OWN/events/e-0000000012: registry::Event, persistent sequential; the newest kEventsMax are kept
// - OWN/incarnation: the greatest incarnation ever given, as text
// - OWN/rejected/r-0000000001: RejectedRequest; the newest kRejectedMax are kept
// - OWN/settings: Settings
namespace modelyard::registry::zookeeper {

inline constexpr std::string_view kDefaultRoot = "/metron/maas/config";
inline constexpr size_t kEventsMax = 1'000;
inline constexpr size_t kRejectedMax = 100;

struct Layout {
  std::string config;   // ZK_ROOT
  std::string queue;    // "/maas/queue"
  std::string service;  // "/maas/service"
  std::string own;      // "/maas/modelyard"

  std::string model(std::string_view name) const;  // SERVICE_ROOT/NAME
  std::string endpoint(std::string_view name, std::string_view id) const;
  std::string leader() const { return own + "/leader"; }
  std::string epoch() const { return own + "/epoch"; }
  std::string incarnation() const { return own + "/incarnation"; }
  std::string deployments() const { return own + "/deployments"; }
  std::string deployment(std::string_view name, std::string_view version) const;
  std::string instances() const { return own + "/instances"; }
  std::string instance(std::string_view id) const;
  std::string reports() const { return own + "/reports"; }
  std::string report(std::string_view id) const;
  std::string leases() const { return own + "/leases"; }
  std::string lease(std::string_view id) const;
  std::string names() const { return own + "/names"; }
  std::string name(std::string_view name) const;
  std::string events() const { return own + "/events"; }
  std::string rejected() const { return own + "/rejected"; }
  std::string settings() const { return own + "/settings"; }
};

// data: of ZK_ROOT; nothing = the node is absent. kInvalidArgument names the key that is wrong; a queue of another kind
// than ZOOKEEPER is kUnsupported. Unknown keys are passed over.
Result<Layout> layout_from(std::string_view config_path, const std::optional<std::string>& data);

// A path component from any text: bytes that may not stand there are %XX; "." and ".." too. Reversible.
std::string segment_of(std::string_view text);
std::string text_of_segment(std::string_view segment);

// An endpoint node, byte for byte as the reference's clients need it (every key, null ones too, no other;
// serviceType DYNAMIC). The url's host is replaced where it is loopback or any-address: by `host`.
std::string to_discovery_json(const Endpoint& endpoint, int64_t registered_ms);
// Tolerant: unknown fields, absent `functions`, STATIC; endpoints of the reference too. kProtocol says what is missing.
Result<Endpoint> endpoint_from_discovery(std::string_view data);

// A request of the queue.
struct Request {
  enum class Action { kAdd, kRemove };
  Action action = Action::kAdd;
  std::string name;
  std::string version;
  int instances = 1;
  int64_t memory_mb = 0;
  std::string path;  // of an ADD: a bare path, hdfs://… or file://…; "" = null
};
std::string to_json(const Request& request);  // as the reference writes it
// nullopt: the item "null", which is skipped. An error: junk, with its reason. Any case of ADD; unknown keys are passed
// over; numbers must be in range.
Result<std::optional<Request>> request_from(std::string_view data);

struct RejectedRequest {
  std::string item;  // "qn-0000000007"
  std::string data;  // as it was, at most 4 KiB
  std::string reason;
  int64_t at_ms = 0;
};
json::Tree to_json(const RejectedRequest& rejected);
Result<RejectedRequest> rejected_from_json(const json::Tree& tree);

// Who stands for leadership; what others need to find it.
struct LeaderRecord {
  std::string id;  // random, of the process's candidacy
  std::string host;
  int64_t pid = 0;
  std::string url;          // of its HTTP API, as reached from elsewhere; "" = none
  std::string launcher;     // "local", "yarn"
  std::string place;        // what every controller of this registry must share: "HOST:DATA" (local), the RM (yarn)
  std::string application;  // YARN's id, "" = none
  std::string token_place;  // where who may use it finds the token: "hdfs://…", "file:…", "" = none needed
  std::string version;      // of the program
  int64_t since_ms = 0;
};
json::Tree to_json(const LeaderRecord& record);
Result<LeaderRecord> leader_record_from_json(const json::Tree& tree);

using registry::LeaseRecord;
json::Tree to_json(const LeaseRecord& record);
Result<LeaseRecord> lease_record_from_json(const json::Tree& tree);

// Ours, OWN/settings. Unknown keys are kept.
struct Settings {
  bool world_may_read = true;
  std::map<std::string, std::string> others;  // what else stands there: key -> JSON
};
json::Tree to_json(const Settings& settings);
Result<Settings> settings_from_json(const json::Tree& tree);

}  // namespace modelyard::registry::zookeeper
