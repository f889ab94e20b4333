// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "stellar/functions/sketches/tdigest.h"
#include "stellar/value.h"

namespace modelyard::stellar {

// What STATS_* work on: either all values ever seen, kept as moments and a t-digest (window 0), or the last `window`
// values.
class Statistics final : public OpaqueObject {
 public:
  explicit Statistics(uint32_t window = 0) : window_(window) {}
  std::string_view kind() const override { return "stats"; }
  OpaqueObject* copy_into(Arena& to) const override;

  // False: the sum of squares left the range of a Double (the value is not added); windowed statistics never do.
  bool add(double value);
  // Merging takes both as they are; two windows become one of the larger size.
  void merge(const Statistics& other);

  bool windowed() const { return window_ > 0; }
  double count() const;
  double sum() const;
  double sum_logs() const;
  double sum_squares() const;
  double min() const;
  double max() const;
  double mean() const;
  double geometric_mean() const;
  double quadratic_mean() const;
  double variance() const;
  double population_variance() const;
  double deviation() const;
  double skewness() const;
  double kurtosis() const;
  // p in [0, 100], for a window above 0.
  double percentile(double p) const;

 private:
  std::vector<double> ordered() const;
  const TDigest& digest() const;

  uint32_t window_;
  // windowed: the last values, the oldest at start_
  std::vector<double> values_;
  size_t start_ = 0;
  // online
  uint64_t n_ = 0;
  double sum_ = 0;
  double sum_squares_ = 0;
  double sum_logs_ = 0;
  double min_ = 0;
  double max_ = 0;
  double m1_ = 0;
  double m2_ = 0;
  double m3_ = 0;
  double m4_ = 0;
  // Values wait in values_ until a percentile is asked for: most expressions never do.
  mutable TDigest digest_;
  mutable std::vector<double> pending_;
};

}  // namespace modelyard::stellar
