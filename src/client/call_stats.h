// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace modelyard::client {

// How long calls took: counts per bound of the 1-2-5 series from 100 µs to 100 s, the last for all above. No
// allocation.
class LatencyHistogram {
 public:
  static constexpr std::array<int64_t, 19> kBoundsUs = {
      100,     200,     500,       1'000,     2'000,     5'000,      10'000,     20'000,     50'000,     100'000,
      200'000, 500'000, 1'000'000, 2'000'000, 5'000'000, 10'000'000, 20'000'000, 50'000'000, 100'000'000};
  void add(int64_t us);
  int64_t count(size_t bound) const { return counts_[bound]; }
  int64_t sum_us() const { return sum_us_; }
  int64_t max_us() const { return max_us_; }

 private:
  std::array<int64_t, kBoundsUs.size()> counts_{};
  int64_t sum_us_ = 0;
  int64_t max_us_ = 0;
};

// What was seen of one instance since it was last told. A failure is the instance's: not reached, reset, too late, 5xx,
// rubbish; an answer that blames the caller (4xx) is none.
struct CallReport {
  std::string id;
  int64_t calls = 0;
  int64_t failures = 0;
  LatencyHistogram latency;
};

// The body of POST /api/v1/calls.
std::string reports_json(const std::vector<CallReport>& reports);

}  // namespace modelyard::client
