// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "payloads/limits.h"

namespace modelyard::payloads {

// One thing inside a payload.
struct Entry {
  enum class Kind { kFile, kFolder, kLink };
  std::string path;  // relative, '/' between names
  Kind kind = Kind::kFile;
  bool executable = false;
  int64_t size = 0;    // of a file
  std::string target;  // of a link
};

// What may be left out of a payload; given a relative path and whether it is a folder.
using LeaveOut = std::function<bool(std::string_view path, bool is_folder)>;

// Everything below the folder in byte order of the paths, links not followed, a top-level endpoint.dat left out.
// Refuses what a payload may not hold (see unpack_tar) with a text that names it. Blocks.
Result<std::vector<Entry>> list_tree(const std::filesystem::path& folder, const Limits& limits = {},
                                     const LeaveOut& leave_out = {});

// Empty = good. A path must be relative, without "..", NUL or over-long names.
std::string why_bad_path(std::string_view path, const Limits& limits);
// Empty = the target stays inside the payload. ".." may stand at the front alone, at most as often as the link is deep:
// then no chain of links can lead out either, since every folder above a link is a real one.
std::string why_bad_link(std::string_view path, std::string_view target);

// A model's url must not outlive the process that wrote it: never part of a payload.
inline bool is_stale_endpoint(std::string_view path) { return path == "endpoint.dat"; }

// Copies the entries of one folder to another, sharing the blocks where the file system can. Modes become 0644, 0755.
// Blocks.
Status copy_tree(const std::filesystem::path& from, const std::vector<Entry>& entries, const std::filesystem::path& to);

// Sends what was written to the disk, so that a name given afterwards never stands for half a payload.
Status sync_tree(const std::filesystem::path& folder, const std::vector<Entry>& entries);

Status copy_file(const std::filesystem::path& from, const std::filesystem::path& to, bool executable);

}  // namespace modelyard::payloads
