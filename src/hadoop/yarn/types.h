// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "hadoop/rpc/client.h"
#include "hadoop/security/tokens.h"
#include "hadoop/yarn/ids.h"

// The nouns of YARN's protocols for application masters.
namespace modelyard::hadoop::yarn {

using NodeId = rpc::Address;

struct Resource {
  int64_t memory_mb = 0;
  int32_t vcores = 0;
  bool operator==(const Resource&) const = default;
};

// A place on a node that was given to us: startable until 600 s after the allocation
// (container-allocation.expiry-interval-ms), with its token.
struct Container {
  ContainerId id;
  NodeId node;
  std::string node_http;  // "node1:8042"
  Resource resource;
  int32_t priority = 0;
  Token token;
};

// Exit statuses that YARN itself gives (ContainerExitStatus); others are those of the process: 137 = KILL, 143 = TERM.
namespace exit_status {
inline constexpr int32_t kInvalid = -1000;  // never started: localizing failed
inline constexpr int32_t kAborted = -100;   // released, or its node is lost
inline constexpr int32_t kDisksFailed = -101;
inline constexpr int32_t kPreempted = -102;
inline constexpr int32_t kOverVirtualMemory = -103;
inline constexpr int32_t kOverMemory = -104;
inline constexpr int32_t kKilledByMaster = -105;
inline constexpr int32_t kKilledByResourceManager = -106;
inline constexpr int32_t kKilledAfterApplication = -107;
}  // namespace exit_status

struct ContainerStatus {
  ContainerId id;
  bool complete = false;
  int32_t exit_status = exit_status::kInvalid;
  std::string diagnostics;  // at most 4 KiB of what the node manager says
};

// Why a container ended, in words: "killed: more than 512 MB of memory used". memory_mb: what it had; 0 = unknown. The
// node manager's text follows where it adds something.
std::string explain(const ContainerStatus& status, int64_t memory_mb = 0);
// Whether the node is to be blamed for it, and not a file that is gone or changed: counts towards its blacklisting.
bool is_nodes_fault(const ContainerStatus& status);

struct NodeUpdate {
  enum class State { kUsable, kUnhealthy, kGone };
  NodeId node;
  State state = State::kUsable;
  std::string text;  // the node's health report
};

// What is copied to a container's working folder before it starts.
struct LocalResource {
  std::string scheme;  // "hdfs"
  std::string host;
  int32_t port = -1;  // -1 = none: a name service of HDFS
  std::string path;   // "/apps/bundle.tar.gz"
  int64_t size = 0;   // must be the file's own, as its time must: else the container does not start
  int64_t timestamp_ms = 0;
  bool is_archive = false;  // unpacked by the node manager into a folder of the name
  enum class Visibility { kPublic = 1, kPrivate = 2, kApplication = 3 };
  Visibility visibility = Visibility::kApplication;
};
// "hdfs://host[:port]/path"; kInvalidArgument otherwise.
Result<LocalResource> parse_local_resource(std::string_view url);

struct LaunchContext {
  std::map<std::string, LocalResource> resources;  // by the name in the working folder
  std::map<std::string, std::string> environment;  // <LOG_DIR> is expanded by the node manager
  std::vector<std::string> commands;               // a shell's
  Credentials credentials;                         // of the container's token file; the master's token is taken out
};

}  // namespace modelyard::hadoop::yarn
