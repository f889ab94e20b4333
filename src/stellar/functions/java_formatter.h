// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "stellar/value.h"

namespace modelyard::stellar {

// java.util.Formatter in en_US: %d %o %x %e %f %g %a %s %b %h %c %t %n %%, with flags, width, precision and argument
// indices. A conversion that does not fit its argument, a missing argument and an illegal flag are kInvalidArgument.
// The result is at most `bytes_max` long, else BoundReached{"result"}.
Result<std::string> java_format(std::string_view format, std::span<const Value> arguments, size_t bytes_max);

}  // namespace modelyard::stellar
