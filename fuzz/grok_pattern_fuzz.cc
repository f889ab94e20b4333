// fuzz: DEPS grok
// SPDX-License-Identifier: Apache-2.0
// A pattern file, its first definition compiled as an expression and tried on the file's own text.
#include <cstddef>
#include <cstdint>

#include "grok/grok.h"

using namespace modelyard::grok;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 4096) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  PatternSet patterns = PatternSet::common();
  patterns.add(text, "fuzz");
  const std::string name(text.substr(0, text.find_first_of(" \t")));
  const auto grok = Grok::compile(patterns, "%{" + name + "}", {.expanded_bytes_max = 1 << 14, .match_limit = 10'000});
  if (!grok) return 0;
  Scratch scratch;
  std::vector<Capture> captures;
  (void)grok->match(text, scratch, captures);
  return 0;
}
