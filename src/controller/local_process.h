// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/file.h"

// The parts of the local launcher that need no loop.
namespace modelyard::controller {

// Starts `runner --spec FOLDER/spec.json --lock-fd 3` in a session of its own, with the lock as its only inherited
// descriptor besides runner.log, and an environment of PATH, MODELYARD_INSTANCE, MODELYARD_LOG_DIR and `more`. Returns
// the pid.
// kResourceExhausted: no process slot or memory; kNotFound: no such program.
Result<int64_t> spawn_runner(const std::filesystem::path& runner, const std::filesystem::path& folder,
                             const std::string& id, int lock_fd, const std::vector<std::string>& more = {});

// What belongs to each instance below this folder: id -> pids, by MODELYARD_LOG_DIR in their environment.
std::map<std::string, std::vector<int64_t>> find_marked(const std::filesystem::path& instances);

// The last lines of stdout.log and stderr.log in a log folder, at most 4 KiB, valid UTF-8.
std::vector<std::string> read_log_tail(const std::filesystem::path& log_folder);

}  // namespace modelyard::controller
