// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"
#include "payloads/limits.h"

namespace modelyard::payloads {

// "sha256:…" over the relative paths in byte order, each with its kind, its executable bit and its content (a link's
// target). Not over times, owners or other mode bits, and not over a top-level endpoint.dat, which is never part of a
// payload. Blocks.
Result<std::string> digest_folder(const std::filesystem::path& folder, const Limits& limits = {});

// "sha256:" and 64 lower-case hexadecimal digits: what may become part of a path.
bool is_digest(std::string_view text);

}  // namespace modelyard::payloads
