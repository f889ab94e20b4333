// fuzz: DEPS stellar
// SPDX-License-Identifier: Apache-2.0
// A date pattern up to the first NUL, then a text: compiled, parsed both ways, formatted.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "stellar/functions/dates/date_format.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace modelyard::stellar;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t nul = input.find('\0');
  const auto format = DateFormat::compile(input.substr(0, nul));
  if (!format) return 0;
  const std::string_view text = nul == std::string_view::npos ? std::string_view() : input.substr(nul + 1);
  const auto zone = zone_by_id("America/New_York");
  constexpr int64_t kNow = 1'500'000'000'000;
  const auto lenient = (*format)->parse(text, *zone, true, kNow);
  (void)(*format)->parse(text, *zone, false, kNow);
  if (lenient) (void)(*format)->format(*lenient, *zone);
  return 0;
}
