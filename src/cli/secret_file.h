// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.h"

namespace modelyard::cli {

// The one word of a file that only its owner may read: what anybody on the machine can read guards nothing. `option`
// names it in errors.
Result<std::string> read_secret_file(const std::string& option, const std::string& file, size_t least = 1);
// The same for the token of a server: at least 16 characters.
Result<std::string> read_token_file(const std::string& file);

}  // namespace modelyard::cli
