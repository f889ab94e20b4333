// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace modelyard::stellar {

// A pattern of java.util.regex written as PCRE2 understands it in UTF mode. What differs is spelt out: line ends of
// '.', '^' and
// '$', class unions and intersections, \uXXXX, \p names, \Q…\E, references to groups that do not exist. The error is
// kInvalidArgument, or kUnsupported for the little that PCRE2 cannot do.
Result<std::string> translate_java_regex(std::string_view pattern);

}  // namespace modelyard::stellar
