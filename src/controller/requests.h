// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>

// What people ask of a controller, and what it orders its runners.
namespace modelyard::controller {

struct DeployRequest {
  std::string name;
  std::string version;
  int instances = 1;
  int64_t memory_mb = 0;  // 0 = unlimited
  int vcores = 1;
  std::map<std::string, std::string> env;
  std::map<std::string, std::string> inherited_env;  // names that are not is_inherited_variable() are dropped
  std::string health_path;
  std::string protocol = "get-query";
  std::string owner;
  std::string digest;  // of the payload, stored already
};

struct DeployOutcome {
  int64_t revision = 0;
  bool created = false;  // the first of this name and version
  bool changed = false;  // the stored deployment differs from before
};

struct RemoveOutcome {
  int deployments = 0;  // that end
  int instances = 0;    // that end
};

// What a client saw of one instance since it last told. Buckets: upper bound in microseconds -> calls.
struct CallReport {
  std::string id;
  int64_t calls = 0;
  int64_t failures = 0;
  int64_t latency_sum_us = 0;
  int64_t latency_max_us = 0;
  std::map<int64_t, int64_t> latency_buckets;
};

// What an instance shall do now: serve | drain | stop.
struct Order {
  std::string want;
  int64_t incarnation = 0;
  bool operator==(const Order&) const = default;
};

}  // namespace modelyard::controller
