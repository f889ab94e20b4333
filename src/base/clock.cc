// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <fmt/format.h>

#include <ctime>

namespace modelyard {
namespace {
class SystemClock final : public Clock {
 public:
  SteadyTime now() const override { return std::chrono::steady_clock::now(); }
  WallTime wall() const override { return std::chrono::system_clock::now(); }
};
}  // namespace

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

int64_t to_epoch_ms(WallTime time) { return std::chrono::duration_cast<milliseconds>(time.time_since_epoch()).count(); }

WallTime from_epoch_ms(int64_t ms) {
  return WallTime(std::chrono::duration_cast<WallTime::duration>(milliseconds(ms)));
}

std::string to_iso8601(WallTime time) {
  const int64_t ms = to_epoch_ms(time);
  const std::time_t whole = static_cast<std::time_t>(ms >= 0 ? ms / 1000 : (ms - 999) / 1000);
  std::tm parts{};
  ::gmtime_r(&whole, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, ms - static_cast<int64_t>(whole) * 1000);
}

}  // namespace modelyard
