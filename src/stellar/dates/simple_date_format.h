// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace modelyard::stellar {

// Reads dates as java.text.SimpleDateFormat does, lenient, locale en_US: a prefix of the text is enough, 2016-13-45 rolls over,
// `S` counts milliseconds (".047266" adds 47,266 ms), a two-digit year lies within 80 years before and 20 after now, fields that
// the pattern does not have are those of 1970-01-01 00:00. Immutable, shared by threads.
//
// Letters: G y M L d D H k K h m s S a E u z Z X, text in '…'. Not the week-based ones (Y w W F): a pattern with them is
// kUnsupported; one with another letter or an open quote is kInvalidArgument.
class SimpleDateFormat {
 public:
  // zone: an id of the time zone database ("Europe/Berlin", "UTC") or "GMT+2", "GMT-05:30"; as in Java an unknown one is GMT.
  static Result<SimpleDateFormat> compile(std::string_view pattern, std::string_view zone);

  // Milliseconds since 1970; nothing when the text does not fit.
  std::optional<int64_t> parse(std::string_view text, WallTime now) const;

  struct Item {
    char letter = 0;      // 0 = literal text
    int count = 0;
    bool abuts = false;   // followed by another letter: takes exactly `count` digits
    std::string literal;
  };

 private:
  SimpleDateFormat() = default;
  std::vector<Item> items_;
  std::optional<int> fixed_offset_s_;
  const void* zone_ = nullptr;  // of the time zone database, when not fixed
};

}  // namespace modelyard::stellar
