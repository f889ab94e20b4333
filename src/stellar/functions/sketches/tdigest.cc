// SPDX-License-Identifier: Apache-2.0
#include "stellar/functions/sketches/tdigest.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace modelyard::stellar {
namespace {

double interpolate(double index, double previous_index, double next_index, double previous_mean, double next_mean) {
  const double delta = next_index - previous_index;
  return previous_mean * ((next_index - index) / delta) + next_mean * ((index - previous_index) / delta);
}

}  // namespace

void TDigest::add(double value, uint64_t weight) {
  const auto above = std::upper_bound(centroids_.begin(), centroids_.end(), value,
                                      [](double v, const Centroid& c) { return v < c.mean; });
  size_t start = static_cast<size_t>(above - centroids_.begin());
  if (start > 0) --start;
  // The nearest centroids: those of one distance, from `start` to before `end`.
  double nearest = std::numeric_limits<double>::max();
  size_t end = centroids_.size();
  for (size_t i = start; i < centroids_.size(); ++i) {
    const double distance = std::fabs(centroids_[i].mean - value);
    if (distance < nearest) {
      start = i;
      nearest = distance;
    } else if (distance > nearest) {
      end = i;
      break;
    }
  }
  double before = 0;
  // While no centroid may hold two, all of this finds nothing.
  const bool room_anywhere = static_cast<double>(count_) / compression_ >= 2;
  size_t closest = centroids_.size();
  if (room_anywhere) {
    for (size_t i = 0; i < start; ++i) before += static_cast<double>(centroids_[i].weight);
    double candidates = 0;
    for (size_t i = start; i < end; ++i) {
      const auto w = static_cast<double>(centroids_[i].weight);
      const double q = count_ == 1 ? 0.5 : (before + (w - 1) / 2) / static_cast<double>(count_ - 1);
      if (w + static_cast<double>(weight) <= 4 * static_cast<double>(count_) * q * (1 - q) / compression_) {
        ++candidates;
        chance_ = chance_ * 6364136223846793005ULL + 1442695040888963407ULL;
        if (static_cast<double>(chance_ >> 11) * 0x1.0p-53 < 1 / candidates) closest = i;
      }
      before += w;
    }
  }
  count_ += weight;
  if (closest == centroids_.size()) {
    centroids_.insert(std::upper_bound(centroids_.begin(), centroids_.end(), value,
                                       [](double v, const Centroid& c) { return v < c.mean; }),
                      {value, weight});
  } else {
    Centroid& centroid = centroids_[closest];
    const auto sum = static_cast<double>(centroid.weight + weight);
    const double mean =
        (centroid.mean * static_cast<double>(centroid.weight) + value * static_cast<double>(weight)) / sum;
    centroid.mean = std::max(std::min(centroid.mean, value), std::min(mean, std::max(centroid.mean, value)));
    centroid.weight += weight;
    // Of several with one mean not the first may have moved.
    while (closest > 0 && centroids_[closest - 1].mean > centroids_[closest].mean) {
      std::swap(centroids_[closest - 1], centroids_[closest]);
      --closest;
    }
    while (closest + 1 < centroids_.size() && centroids_[closest + 1].mean < centroids_[closest].mean) {
      std::swap(centroids_[closest + 1], centroids_[closest]);
      ++closest;
    }
  }
  if (static_cast<double>(centroids_.size()) > 20 * compression_) compress();
}

void TDigest::add(const TDigest& other) {
  const std::vector<Centroid> copy = other.centroids_;
  for (const Centroid& centroid : copy) add(centroid.mean, centroid.weight);
}

void TDigest::compress() {
  std::vector<Centroid> old = std::move(centroids_);
  centroids_.clear();
  count_ = 0;
  for (size_t i = old.size(); i > 1; --i) {
    chance_ = chance_ * 6364136223846793005ULL + 1442695040888963407ULL;
    std::swap(old[i - 1], old[(chance_ >> 33) % i]);
  }
  for (const Centroid& centroid : old) add(centroid.mean, centroid.weight);
}

double TDigest::quantile(double q) const {
  if (centroids_.empty()) return std::numeric_limits<double>::quiet_NaN();
  if (centroids_.size() == 1) return centroids_.front().mean;
  const double index = q * static_cast<double>(count_ - 1);
  double previous_mean = std::numeric_limits<double>::quiet_NaN();
  double previous_index = 0;
  double total = 0;  // weight before centroid `next`
  size_t next = 0;
  while (next + 1 < centroids_.size() && total + static_cast<double>(centroids_[next].weight) <= std::floor(index)) {
    total += static_cast<double>(centroids_[next].weight);
    ++next;
  }
  if (next > 0) {
    previous_mean = centroids_[next - 1].mean;
    previous_index = total - (static_cast<double>(centroids_[next - 1].weight) + 1) / 2;
  }
  while (true) {
    const Centroid& at = centroids_[next];
    const double next_index = total + (static_cast<double>(at.weight) - 1) / 2;
    if (next_index >= index) {
      if (std::isnan(previous_mean)) {
        // Before the first centroid: values grow on linearly.
        if (next_index == previous_index) return at.mean;
        const Centroid& second = centroids_[next + 1];
        const double second_index =
            total + static_cast<double>(at.weight) + (static_cast<double>(second.weight) - 1) / 2;
        previous_mean = (second_index * at.mean - next_index * second.mean) / (second_index - next_index);
      }
      return interpolate(index, previous_index, next_index, previous_mean, at.mean);
    }
    if (next + 1 == centroids_.size()) {
      // Behind the last one.
      const auto last_index = static_cast<double>(count_ - 1);
      const double last_mean = (at.mean * (last_index - previous_index) - previous_mean * (last_index - next_index)) /
                               (next_index - previous_index);
      return interpolate(index, next_index, last_index, at.mean, last_mean);
    }
    total += static_cast<double>(at.weight);
    previous_mean = at.mean;
    previous_index = next_index;
    ++next;
  }
}

}  // namespace modelyard::stellar
