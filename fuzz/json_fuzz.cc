// SPDX-License-Identifier: Apache-2.0
// fuzz: DEPS json
// The configuration reader on any bytes: a tree or an error with its place; what it wrote, it reads back.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "json/tree.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace modelyard;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto tree = json::parse(text, {.comments = true, .source = "input"});
  if (tree && !json::parse(json::dump(*tree), {.depth_max = 400})) std::abort();
  return 0;
}
