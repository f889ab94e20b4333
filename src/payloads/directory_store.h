// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>

#include "payloads/limits.h"
#include "payloads/store.h"

namespace modelyard::payloads {

// Payloads as folders: ROOT/sha256-HEX/…, made complete under ROOT/incoming and renamed. Creates ROOT (0700). One
// process writes to a ROOT at a time (the data folder's lock sees to that); runners read.
Result<std::unique_ptr<PayloadStore>> open_directory_store(const std::filesystem::path& root,
                                                           const Limits& limits = {});

}  // namespace modelyard::payloads
