// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "hadoop/configuration.h"
#include "hadoop/rest.h"
#include "json/json.h"

namespace modelyard::hadoop {

struct NewApplication {
  std::string id;  // "application_1700000000000_0001"
  int64_t memory_mb_max = 0;
  int64_t vcores_max = 0;
};

// A file of HDFS that the node manager puts into the container's folder. size and modified_ms must be those of its
// FileStatus, else the container fails.
struct LocalFile {
  std::string name;  // of the link in the container's folder
  std::string uri;   // "hdfs://nn1:8020/…"
  bool archive = false;
  int64_t size = 0;
  int64_t modified_ms = 0;
};

struct Submission {
  std::string id;
  std::string name;
  std::string type = "MODELYARD";
  std::string queue = "default";
  std::string node_label;  // "" = the queue's default; see use_node_label
  bool use_node_label = false;
  int64_t memory_mb = 0;
  int64_t vcores = 1;
  int attempts_max = 0;  // 0 = the cluster's
  bool keep_containers = false;
  milliseconds attempt_failures_validity{0};  // 0 = failures are never forgotten
  std::vector<std::string> tags;
  std::string command;  // for /bin/sh; "<LOG_DIR>" is the container's log folder
  std::map<std::string, std::string> environment;
  std::vector<LocalFile> files;
  std::vector<std::pair<std::string, std::string>> tokens;  // alias and urlString
  std::map<std::string, std::string> secrets;               // arrive in the container's token file
};
// The body of POST /ws/v1/cluster/apps. It holds secrets: never logged.
json::Tree to_json(const Submission& submission);

struct ApplicationReport {
  std::string id;
  std::string state;         // NEW NEW_SAVING SUBMITTED ACCEPTED RUNNING FINISHED FAILED KILLED
  std::string final_status;  // UNDEFINED SUCCEEDED FAILED KILLED
  std::string diagnostics;
  std::string tracking_url;
  std::string log_url;  // of the application master's container
  std::string user;
  std::string queue;
  bool ended() const { return state == "FINISHED" || state == "FAILED" || state == "KILLED"; }
};

struct ClusterInfo {
  std::string version;
  std::string state;     // STARTED
  std::string ha_state;  // ACTIVE, STANDBY
};
struct ClusterMetrics {
  int64_t nodes_active = 0;
  int64_t nodes_lost = 0;
  int64_t nodes_unhealthy = 0;
  int64_t memory_mb_total = 0;
  int64_t memory_mb_free = 0;
  int64_t vcores_total = 0;
  int64_t vcores_free = 0;
};
struct NodeReport {
  std::string id;  // "host:port"
  std::string state;
  std::string health;
  std::string http_address;
  int64_t memory_mb_free = 0;
  int64_t vcores_free = 0;
};
struct QueueReport {
  std::string path;  // "root.models"
  std::string name;  // "models"
  std::string state;
  bool leaf = false;
};

// YARN's REST interface, as its clients use it. Highly available: the one that answered last is asked first; standby
// and absent ones are passed over until RestOptions::failover_time is over. Every call may be said twice without harm
// (an application is submitted under the id that was given before), so a lost answer is asked for again.
//
// Blocks; one thread at a time. Errors as WebHdfs; kInvalidArgument carries the resource manager's own reason.
class ResourceManager {
 public:
  ResourceManager(std::vector<ResourceManagerAddress> addresses, RestOptions options);

  Result<NewApplication> new_application();
  // Accepted, not yet running: refusals that need the scheduler (an unknown queue) come in report().
  Status submit(const Submission& submission);
  Result<ApplicationReport> report(const std::string& id);
  // Done when it was accepted, also of one that has ended.
  Status kill(const std::string& id);
  Result<ClusterInfo> info();
  Result<ClusterMetrics> metrics();
  Result<std::vector<NodeReport>> nodes();
  // All of them, whatever the scheduler; empty where it has none.
  Result<std::vector<QueueReport>> queues();
  Result<std::vector<std::string>> node_labels();

 private:
  Result<RestAnswer> call(const std::string& method, const std::string& path, const std::string& body = "");
  Result<RestAnswer> call_once(const std::string& method, const std::string& path, const std::string& body,
                               bool& elsewhere);
  Result<json::Tree> get(const std::string& path, const char* key);

  std::vector<ResourceManagerAddress> addresses_;
  RestConnection connection_;
  size_t active_ = 0;
};

}  // namespace modelyard::hadoop
