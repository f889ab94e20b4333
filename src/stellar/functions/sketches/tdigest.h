// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace modelyard::stellar {

// A t-digest (Dunning and Ertl) that merges as the reference's balanced-tree variant does: a value joins its nearest
// centroid where that one's share of the distribution leaves room, else it becomes a centroid of its own.
class TDigest {
 public:
  explicit TDigest(double compression = 150) : compression_(compression) {}

  void add(double value, uint64_t weight = 1);
  void add(const TDigest& other);
  double quantile(double q) const;  // q in [0, 1]; NaN while empty
  uint64_t count() const { return count_; }

 private:
  struct Centroid {
    double mean;
    uint64_t weight;
  };
  void compress();

  double compression_;
  uint64_t count_ = 0;
  std::vector<Centroid> centroids_;          // by mean
  uint64_t chance_ = 0x2545F4914F6CDD1DULL;  // picks among centroids that are equally near
};

}  // namespace modelyard::stellar
