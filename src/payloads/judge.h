// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace modelyard::payloads {

// The model contract (docs/models.md): a payload is a folder with exactly one *.sh at its top level. Returns its file
// name. kInvalidArgument names what was found instead and what to do. Blocks (reads one folder).
Result<std::string> judge_payload(const std::filesystem::path& folder);

}  // namespace modelyard::payloads
