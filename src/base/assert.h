// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace modelyard {
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);
}  // namespace modelyard

// Our own invariants, in every build: prints the place and aborts. Never on input from a file or the network.
#define MY_ASSERT(condition) \
  (static_cast<bool>(condition) ? void(0) : ::modelyard::assertion_failed(#condition, __FILE__, __LINE__))
