// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <tl/expected.hpp>

#include "stellar/syntax/diagnostic.h"
#include "stellar/syntax/tree.h"

namespace modelyard::stellar {

struct ParseLimits {
  size_t text_bytes_max = size_t{1} << 20;
  size_t depth_max = 1000;
};

// The tree of one expression, in `arena`; null for an empty or blank text. Names and texts without escapes are views of
// `text`.
tl::expected<Node*, Diagnostic> parse(std::string_view text, Arena& arena, const ParseLimits& limits = {});

}  // namespace modelyard::stellar
