// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "io/file.h"

// The log files of instances: DATA/instances/ID/log/{stdout,stderr}.log with .1 … .5 behind them, and log.previous/ of
// the run before (registry/instance_folder.h, controller/launcher.h). Blocks; for a worker's thread.
namespace modelyard::runner {

// The last `count` lines of stream ("stdout") in the folder, oldest first, reaching into rotated files; at most 16 MiB
// are read. A file that is not there has no lines. Bytes that are no UTF-8 become U+FFFD.
std::vector<std::string> last_lines(const std::filesystem::path& log_folder, std::string_view stream, int64_t count);

// Follows one file from its present end, over rotation: what was written before the file was moved away is read to its
// end first.
class FollowedFile {
 public:
  FollowedFile(std::filesystem::path path, bool from_start);
  // Complete lines written since the last call, at most about 1 MiB. A line over 64 KiB comes in parts.
  std::vector<std::string> read_lines();

 private:
  bool open_current();
  void read_some(std::vector<std::string>& lines, size_t& budget);

  std::filesystem::path path_;
  bool from_start_;
  io::UniqueFd file_;
  uint64_t inode_ = 0;
  std::string pending_;
};

// {"instance","stream","line"} and a line end, appended.
void append_log_record(std::string& out, std::string_view instance, std::string_view stream, std::string_view line);

}  // namespace modelyard::runner
