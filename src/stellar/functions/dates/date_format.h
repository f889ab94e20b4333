// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "stellar/functions/dates/zones.h"

namespace modelyard::stellar {

class CalendarBuilder;

// A pattern of java.text.SimpleDateFormat in en_US, compiled. Immutable, thread-safe.
class DateFormat {
 public:
  // kInvalidArgument for a letter that means nothing and an open quote.
  static Result<std::shared_ptr<const DateFormat>> compile(std::string_view pattern);
  // The same, kept for the thread's next call (the 64 last).
  static Result<std::shared_ptr<const DateFormat>> cached(std::string_view pattern);

  std::string format(int64_t utc_ms, const Zone& zone) const;

  // Reads a prefix of the text; what follows is ignored. Lenient rolls over what is out of range (13th month), strict
  // refuses it. `now_ms` decides the century of two-digit years: within 80 years before and 20 after. Nothing =
  // unparsable.
  std::optional<int64_t> parse(std::string_view text, const Zone& zone, bool lenient, int64_t now_ms) const;

 private:
  struct Part {
    char letter = 0;  // 0: literal text
    int count = 0;
    std::string literal;
  };
  bool parse_part(const Part& part, bool abutting, std::string_view text, size_t& pos, CalendarBuilder& into,
                  int64_t now_ms, bool& two_digits) const;
  std::vector<Part> parts_;
};

}  // namespace modelyard::stellar
