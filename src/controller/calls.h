// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "controller/requests.h"

namespace modelyard::controller {

// What clients said of their calls in the last minute, per instance, in slots of five seconds. Memory is bounded: one
// entry per instance, forgotten when forget() says so. Confined to the controller's loop.
class CallBook {
 public:
  // True: it and every call before it failed, at least kFailuresInRow of them since the last success.
  bool note(const CallReport& report, SteadyTime now);
  // Over the last ten seconds.
  double calls_per_second(const std::string& id, SteadyTime now) const;
  // Over the last minute, of all these instances together; 0 without calls. share: 0.5, 0.99.
  double latency_ms(const std::vector<std::string>& ids, double share, SteadyTime now) const;
  void forget(const std::string& id) { entries_.erase(id); }

  static constexpr int64_t kFailuresInRow = 5;

 private:
  static constexpr int64_t kSlotSeconds = 5;
  static constexpr size_t kSlots = 12;
  // Upper bounds grow by the square root of two from 100 us to about 6 minutes.
  static constexpr size_t kBuckets = 44;
  struct Slot {
    int64_t number = -1;  // of five seconds since the clock's beginning
    int64_t calls = 0;
    std::array<uint32_t, kBuckets> latency{};
  };
  struct Entry {
    std::array<Slot, kSlots> slots;
    int64_t failed_in_row = 0;
  };
  static int64_t slot_of(SteadyTime now);
  static size_t bucket_of(int64_t us);
  static double bound_ms(size_t bucket);
  std::map<std::string, Entry> entries_;
};

}  // namespace modelyard::controller
