// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace modelyard::payloads {

// Copies `named` (relative paths below root, files or folders) and the folders that hold them into `to`, which exists.
// What is no part of a model stays out: version control, caches of Python, virtual environments, sockets, links that
// lead outside. Where a folder around a file is the home folder, /, /tmp, or larger than 256 MiB or 10,000 files, the
// file alone goes along, and notes say so.
Status pack_surroundings(const std::filesystem::path& root, const std::vector<std::string>& named,
                         const std::filesystem::path& to, std::vector<std::string>& notes);

}  // namespace modelyard::payloads
