// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "io/file.h"

namespace modelyard::runner {

// Bounds the memory of one model's tree. By a memory cgroup (v2 or v1) of its own where the runner may make one: below
// the runner's own group, else beside it. Where it may not, struck() adds up what the tree's processes hold, so the
// caller asks often (100 ms). Confined to one thread. Does not remove the group: the guard does when the tree is gone
// (guard.h).
class MemoryLimit {
 public:
  enum class Kind { kNone, kCgroup2, kCgroup1, kWatchdog };

  // memory_mb 0 = no limit. Never fails: the watchdog needs nothing.
  static MemoryLimit make(const std::string& instance_id, int64_t memory_mb);
  static MemoryLimit watchdog(int64_t memory_mb);

  Kind kind() const { return kind_; }
  int procs_fd() const { return procs_.get(); }
  const std::filesystem::path& cgroup_folder() const { return folder_; }

  // The reason when the limit has struck: "out of memory: used 131 of 128 MB". root: the process above the tree.
  std::optional<std::string> struck(int64_t root_pid) const;

 private:
  explicit MemoryLimit(int64_t memory_mb) : bytes_(memory_mb << 20) {}
  bool enter(const std::filesystem::path& folder, Kind kind);
  int64_t count_kills() const;
  std::optional<std::string> struck_cgroup() const;
  std::optional<std::string> struck_watchdog(int64_t root_pid) const;
  std::string reason(int64_t used_bytes) const;

  int64_t bytes_ = 0;
  Kind kind_ = Kind::kNone;
  std::filesystem::path folder_;
  io::UniqueFd procs_;
  int64_t kills_before_ = 0;  // a group that could not be made anew has a past
};

}  // namespace modelyard::runner
