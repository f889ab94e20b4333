// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace modelyard {

// A small seedable generator (xoshiro256**, Blackman and Vigna 2018; seeded by splitmix64). Passed in wherever chance
// decides, so a simulation replays from its seed. Not for secrets. Confined to one thread.
class Random {
 public:
  using result_type = uint64_t;
  explicit Random(uint64_t seed);
  static Random from_system();  // seeded by getrandom(2)

  uint64_t operator()();
  static constexpr uint64_t min() { return 0; }
  static constexpr uint64_t max() { return ~uint64_t{0}; }

  // Uniform in [0, bound); bound > 0.
  uint64_t below(uint64_t bound);
  // Uniform in [0, 1).
  double unit();

 private:
  uint64_t state_[4];
};

// Lower-case hexadecimal from getrandom(2), two characters a byte: tokens and instance ids. Thread-safe.
std::string random_hex(size_t bytes);
// RFC 9562 version 4.
std::string random_uuid();

}  // namespace modelyard
