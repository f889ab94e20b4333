// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "base/result.h"

namespace modelyard::runner {

// Fills an instance's working directory: empties it, copies the payload's files in (sharing blocks where the file
// system can), without a top-level endpoint.dat, and makes the one script executable. Blocks as long as the copy takes.
Status localize(const std::filesystem::path& payload, const std::filesystem::path& work, const std::string& script);

// The same of a payload that YARN has localized: its files may be links to a cache, which is read only and shared, so
// they are copied as the files that they lead to.
Status localize_links(const std::filesystem::path& payload, const std::filesystem::path& work,
                      const std::string& script);

}  // namespace modelyard::runner
