// SPDX-License-Identifier: Apache-2.0
#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace modelyard {

void assertion_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "modelyard: internal error: %s does not hold at %s:%d\n", expression, file, line);
  std::abort();
}

}  // namespace modelyard
