// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace modelyard::stellar {

// A time zone as java.util.TimeZone.getTimeZone(id) gives it: a region, GMT+h:mm, or one of the old three-letter names;
// an unknown id silently means GMT. Immutable, thread-safe.
class Zone {
 public:
  virtual ~Zone() = default;
  virtual int64_t offset_ms(int64_t utc_ms) const = 0;
  // Of a local time; in a gap the time before it counts on, of two the earlier.
  virtual int64_t offset_of_local_ms(int64_t local_ms) const = 0;
  virtual std::string short_name(int64_t utc_ms) const = 0;  // "EST"
  virtual std::string long_name(int64_t utc_ms) const = 0;   // "Eastern Standard Time"
};

std::shared_ptr<const Zone> zone_by_id(std::string_view id);
// The zone of the process (TZ, /etc/localtime).
std::shared_ptr<const Zone> default_zone();

// A zone's name at the start of a text, as a date holds it: the offset it means and its length.
struct NamedOffset {
  int64_t offset_ms;
  size_t length;
};
std::optional<NamedOffset> parse_zone_name(std::string_view text);

}  // namespace modelyard::stellar
