// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

#include "configuration/document.h"

namespace modelyard::configuration {

// Offsets of a value and of the key before it (the same for an item of a list) in a JSON text that is known to be well
// formed.
struct Position {
  size_t key = 0;
  size_t value = 0;
};
Position locate(std::string_view text, const Path& path);

// Offset of the byte of the source that spells byte `inside` of the decoded string whose opening quote is at `quote`.
size_t locate_inside_string(std::string_view text, size_t quote, size_t inside);

}  // namespace modelyard::configuration
