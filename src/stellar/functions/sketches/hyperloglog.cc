// SPDX-License-Identifier: Apache-2.0
#include "stellar/functions/sketches/hyperloglog.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace modelyard::stellar {

HyperLogLog::HyperLogLog(int p, int sp) : p_(p), sp_(sp) {}

OpaqueObject* HyperLogLog::copy_into(Arena& to) const {
  auto* copy = to.make<HyperLogLog>(*this);
  copy->arena = &to;
  return copy;
}

void HyperLogLog::add(uint64_t hash) {
  if (!registers_.empty()) return add_to_registers(hash);
  if (sparse_.insert(static_cast<uint32_t>(hash >> (64 - sp_))).second) {
    hashes_.push_back(hash);
    if (static_cast<double>(sparse_.size()) > 0.75 * static_cast<double>(uint64_t{1} << p_)) to_registers();
  }
}

void HyperLogLog::add_to_registers(uint64_t hash) {
  const auto index = static_cast<size_t>(hash >> (64 - p_));
  const auto rank = static_cast<uint8_t>(std::countl_zero(hash << p_ | uint64_t{1} << (p_ - 1)) + 1);
  registers_[index] = std::max(registers_[index], rank);
}

void HyperLogLog::to_registers() {
  registers_.assign(size_t{1} << p_, 0);
  for (const uint64_t hash : hashes_) add_to_registers(hash);
  sparse_.clear();
  hashes_.clear();
}

void HyperLogLog::merge(const HyperLogLog& other) {
  if (other.registers_.empty()) {
    for (const uint64_t hash : other.hashes_) add(hash);
    return;
  }
  if (registers_.empty()) to_registers();
  for (size_t i = 0; i < registers_.size(); ++i) registers_[i] = std::max(registers_[i], other.registers_[i]);
}

uint64_t HyperLogLog::cardinality() const {
  const auto linear = [](double buckets, double empty) {
    return static_cast<uint64_t>(std::llround(buckets * std::log(buckets / empty)));
  };
  if (registers_.empty()) {
    const auto buckets = static_cast<double>(uint64_t{1} << sp_);
    return linear(buckets, buckets - static_cast<double>(sparse_.size()));
  }
  // Ertl's estimator: unbiased over the whole range without tables of corrections.
  const int q = 64 - p_;
  std::vector<double> counts(static_cast<size_t>(q) + 2);
  for (const uint8_t rank : registers_) ++counts[rank];
  const auto m = static_cast<double>(registers_.size());
  double x = 1 - counts[static_cast<size_t>(q) + 1] / m;
  double z = 0;
  if (x > 0 && x < 1) {
    double y = 1;
    double sum = 1 - x;
    double before;
    do {
      x = std::sqrt(x);
      before = sum;
      y *= 0.5;
      sum -= (1 - x) * (1 - x) * y;
    } while (sum != before);
    z = m * sum / 3;
  }
  for (int k = q; k >= 1; --k) z = 0.5 * (z + counts[static_cast<size_t>(k)]);
  x = counts[0] / m;
  double sigma = x;
  if (x == 1) {
    return 0;
  } else if (x > 0) {
    double y = 1;
    double before;
    do {
      x *= x;
      before = sigma;
      sigma += x * y;
      y += y;
    } while (sigma != before);
  }
  return static_cast<uint64_t>(std::llround(m * m / (2 * std::log(2.0)) / (z + m * sigma)));
}

}  // namespace modelyard::stellar
