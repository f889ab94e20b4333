// fuzz: DEPS stellar
// SPDX-License-Identifier: Apache-2.0
// A Java pattern up to the first NUL, then the text it is tried on: what translates, PCRE2 takes or refuses with a
// message.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "stellar/functions/regex.h"
#include "stellar/value.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace modelyard::stellar;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t nul = input.find('\0');
  const std::string_view pattern = input.substr(0, nul);
  const std::string_view text = nul == std::string_view::npos ? std::string_view() : input.substr(nul + 1);
  for (const Regex::Use use : {Regex::Use::kWholeMatch, Regex::Use::kFind}) {
    const auto regex = Regex::compile(pattern, use);
    if (!regex) continue;
    try {
      (void)(*regex)->match(RegexSubject(text), 0, 10'000);
    } catch (const BoundReached&) {
    }
  }
  return 0;
}
