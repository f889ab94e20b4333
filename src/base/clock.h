// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace modelyard {

// Leases, back-off and deadlines count on the steady clock (CLOCK_MONOTONIC); records for people carry the wall clock.
using SteadyTime = std::chrono::steady_clock::time_point;
using WallTime = std::chrono::system_clock::time_point;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Where a part of the program gets the time. Passed in, never global, so a test decides what time it is. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual SteadyTime now() const = 0;
  virtual WallTime wall() const = 0;
};

// The machine's clocks. One object for the whole process.
const Clock& system_clock();

// Stands still until advance(). Confined to the test's thread.
class FakeClock final : public Clock {
 public:
  SteadyTime now() const override { return now_; }
  WallTime wall() const override { return wall_; }
  void advance(std::chrono::nanoseconds by) {
    now_ += std::chrono::duration_cast<SteadyTime::duration>(by);
    wall_ += std::chrono::duration_cast<WallTime::duration>(by);
  }

 private:
  SteadyTime now_{seconds(1000)};
  WallTime wall_{seconds(1700000000)};
};

// Milliseconds since 1970, the form of time in every stored record and document.
int64_t to_epoch_ms(WallTime time);
WallTime from_epoch_ms(int64_t ms);
// 2023-11-14T22:13:20.123Z
std::string to_iso8601(WallTime time);

}  // namespace modelyard
