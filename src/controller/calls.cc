// SPDX-License-Identifier: Apache-2.0
#include "controller/calls.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace modelyard::controller {
namespace {

constexpr double kFirstBoundUs = 100;

uint32_t add_bounded(uint32_t a, int64_t b) {
  constexpr int64_t kMax = std::numeric_limits<uint32_t>::max();
  return static_cast<uint32_t>(std::min<int64_t>(kMax, int64_t{a} + std::clamp<int64_t>(b, 0, kMax)));
}

}  // namespace

int64_t CallBook::slot_of(SteadyTime now) {
  return std::chrono::duration_cast<seconds>(now.time_since_epoch()).count() / kSlotSeconds;
}

size_t CallBook::bucket_of(int64_t us) {
  if (us <= kFirstBoundUs) return 0;
  const double steps = std::ceil(2 * std::log2(static_cast<double>(us) / kFirstBoundUs) - 1e-9);
  return std::min(kBuckets - 1, static_cast<size_t>(steps));
}

double CallBook::bound_ms(size_t bucket) { return kFirstBoundUs * std::exp2(static_cast<double>(bucket) / 2) / 1000; }

bool CallBook::note(const CallReport& report, SteadyTime now) {
  Entry& entry = entries_[report.id];
  const int64_t number = slot_of(now);
  Slot& slot = entry.slots[static_cast<size_t>(number) % kSlots];
  if (slot.number != number) {
    slot = Slot{};
    slot.number = number;
  }
  const int64_t calls = std::max<int64_t>(report.calls, 0);
  const int64_t failures = std::clamp<int64_t>(report.failures, 0, calls);
  slot.calls += calls;
  for (const auto& [bound, count] : report.latency_buckets) {
    uint32_t& bucket = slot.latency[bucket_of(bound)];
    bucket = add_bounded(bucket, count);
  }
  entry.failed_in_row = failures < calls ? 0 : entry.failed_in_row + failures;
  return entry.failed_in_row >= kFailuresInRow;
}

double CallBook::calls_per_second(const std::string& id, SteadyTime now) const {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return 0;
  // Two whole slots and the one that has begun, over the time they span.
  const int64_t present = slot_of(now);
  int64_t calls = 0;
  for (const Slot& slot : found->second.slots) {
    if (slot.number >= present - 2) calls += slot.calls;
  }
  const double begun = std::fmod(std::chrono::duration<double>(now.time_since_epoch()).count(), kSlotSeconds);
  return static_cast<double>(calls) / (2 * kSlotSeconds + begun);
}

double CallBook::latency_ms(const std::vector<std::string>& ids, double share, SteadyTime now) const {
  std::array<int64_t, kBuckets> sums{};
  int64_t total = 0;
  const int64_t oldest = slot_of(now) - static_cast<int64_t>(kSlots) + 1;
  for (const std::string& id : ids) {
    const auto found = entries_.find(id);
    if (found == entries_.end()) continue;
    for (const Slot& slot : found->second.slots) {
      if (slot.number < oldest) continue;
      for (size_t i = 0; i < kBuckets; ++i) {
        sums[i] += slot.latency[i];
        total += slot.latency[i];
      }
    }
  }
  if (total == 0) return 0;
  const double wanted = share * static_cast<double>(total);
  int64_t seen = 0;
  for (size_t i = 0; i < kBuckets; ++i) {
    seen += sums[i];
    if (static_cast<double>(seen) >= wanted) return bound_ms(i);
  }
  return bound_ms(kBuckets - 1);
}

}  // namespace modelyard::controller
