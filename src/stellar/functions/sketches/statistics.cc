// SPDX-License-Identifier: Apache-2.0
#include "stellar/functions/sketches/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace modelyard::stellar {
namespace {
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr size_t kPendingMax = 512;

template <typename Of>
double total(const std::vector<double>& values, Of of) {
  double sum = 0;
  for (const double v : values) sum += of(v);
  return sum;
}
// As the reference's library: the first mean is corrected by the mean of what is left.
double mean_of(const std::vector<double>& values) {
  if (values.empty()) return kNaN;
  const auto n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  return mean + total(values, [mean](double v) { return v - mean; }) / n;
}
double squares_about(const std::vector<double>& values, double mean) {
  const double rest = total(values, [mean](double v) { return v - mean; });
  return total(values, [mean](double v) { return (v - mean) * (v - mean); }) -
         rest * rest / static_cast<double>(values.size());
}
}  // namespace

OpaqueObject* Statistics::copy_into(Arena& to) const {
  auto* copy = to.make<Statistics>(*this);
  copy->arena = &to;
  return copy;
}

bool Statistics::add(double value) {
  if (windowed()) {
    if (values_.size() < window_) {
      values_.push_back(value);
    } else {
      values_[start_] = value;
      start_ = (start_ + 1) % window_;
    }
    return true;
  }
  const double squares = sum_squares_ + value * value;
  if (std::isinf(squares) || (squares == 0 && value > 0)) return false;
  min_ = n_ == 0 ? value : std::min(min_, value);
  max_ = n_ == 0 ? value : std::max(max_, value);
  sum_ += value;
  sum_logs_ += std::log(value);
  sum_squares_ = squares;
  pending_.push_back(value);
  if (pending_.size() >= kPendingMax) digest();
  const auto before = static_cast<double>(n_);
  const auto n = static_cast<double>(++n_);
  const double delta = value - m1_;
  const double delta_n = delta / n;
  const double delta_n2 = delta_n * delta_n;
  const double term = delta * delta_n * before;
  m1_ += delta_n;
  m4_ += term * delta_n2 * (n * n - 3 * n + 3) + 6 * delta_n2 * m2_ - 4 * delta_n * m3_;
  m3_ += term * delta_n * (n - 2) - 3 * delta_n * m2_;
  m2_ += term;
  return true;
}

void Statistics::merge(const Statistics& other) {
  if (windowed() || other.windowed()) {
    if (!windowed()) {
      window_ = other.window_;
      values_.clear();
    }
    window_ = std::max(window_, other.window_);
    std::vector<double> all = ordered();
    const std::vector<double> more = other.ordered();
    all.insert(all.end(), more.begin(), more.end());
    values_.clear();
    start_ = 0;
    for (const double value : all) add(value);
    return;
  }
  if (other.n_ == 0) return;
  if (n_ == 0) {
    Arena* const mine = arena;
    *this = other;
    arena = mine;
    return;
  }
  const auto a = static_cast<double>(n_);
  const auto b = static_cast<double>(other.n_);
  const double n = a + b;
  const double delta = other.m1_ - m1_;
  const double delta2 = delta * delta;
  const double m2 = m2_ + other.m2_ + delta2 * a * b / n;
  const double m3 =
      m3_ + other.m3_ + delta * delta2 * a * b * (a - b) / (n * n) + 3 * delta * (a * other.m2_ - b * m2_) / n;
  const double m4 = m4_ + other.m4_ + delta2 * delta2 * a * b * (a * a - a * b + b * b) / (n * n * n) +
                    6 * delta2 * (a * a * other.m2_ + b * b * m2_) / (n * n) +
                    4 * delta * (a * other.m3_ - b * m3_) / n;
  m1_ = (a * m1_ + b * other.m1_) / n;
  m2_ = m2;
  m3_ = m3;
  m4_ = m4;
  n_ += other.n_;
  sum_ += other.sum_;
  sum_squares_ += other.sum_squares_;
  sum_logs_ += other.sum_logs_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  digest();
  digest_.add(other.digest());
}

const TDigest& Statistics::digest() const {
  for (const double value : pending_) digest_.add(value);
  pending_.clear();
  return digest_;
}

std::vector<double> Statistics::ordered() const {
  std::vector<double> out(values_.begin() + static_cast<std::ptrdiff_t>(start_), values_.end());
  out.insert(out.end(), values_.begin(), values_.begin() + static_cast<std::ptrdiff_t>(start_));
  return out;
}

double Statistics::count() const { return windowed() ? static_cast<double>(values_.size()) : static_cast<double>(n_); }

double Statistics::sum() const {
  return windowed() ? total(ordered(), [](double v) { return v; }) : sum_;
}
double Statistics::sum_logs() const {
  return windowed() ? total(ordered(), [](double v) { return std::log(v); }) : sum_logs_;
}
double Statistics::sum_squares() const {
  return windowed() ? total(ordered(), [](double v) { return v * v; }) : sum_squares_;
}
double Statistics::min() const {
  if (count() == 0) return kNaN;
  return windowed() ? *std::min_element(values_.begin(), values_.end()) : min_;
}
double Statistics::max() const {
  if (count() == 0) return kNaN;
  return windowed() ? *std::max_element(values_.begin(), values_.end()) : max_;
}
double Statistics::mean() const { return windowed() ? mean_of(ordered()) : sum_ / static_cast<double>(n_); }

double Statistics::geometric_mean() const { return count() == 0 ? kNaN : std::exp(sum_logs() / count()); }
double Statistics::quadratic_mean() const { return count() == 0 ? kNaN : std::sqrt(sum_squares() / count()); }

double Statistics::variance() const {
  if (!windowed()) return n_ == 0 ? kNaN : m2_ / (static_cast<double>(n_) - 1);
  if (values_.empty()) return kNaN;
  if (values_.size() == 1) return 0;
  const std::vector<double> values = ordered();
  return squares_about(values, mean_of(values)) / (count() - 1);
}
double Statistics::population_variance() const {
  if (count() == 0) return kNaN;
  if (!windowed()) return m2_ / count();
  const std::vector<double> values = ordered();
  return squares_about(values, mean_of(values)) / count();
}
double Statistics::deviation() const { return std::sqrt(variance()); }

double Statistics::skewness() const {
  const double n = count();
  if (n < 3) return kNaN;
  const double v = variance();
  if (!windowed()) return n * m3_ / ((n - 1) * (n - 2) * std::sqrt(v) * v);
  if (v < 1e-20) return 0;
  const std::vector<double> values = ordered();
  const double mean = mean_of(values);
  const double cubes =
      total(values, [mean](double x) { return (x - mean) * (x - mean) * (x - mean); }) / (v * std::sqrt(v));
  return n / ((n - 1) * (n - 2)) * cubes;
}

double Statistics::kurtosis() const {
  const double n = count();
  if (n < 4) return kNaN;
  const double v = variance();
  double fourth = m4_;
  if (windowed()) {
    const std::vector<double> values = ordered();
    const double mean = mean_of(values);
    fourth = total(values, [mean](double x) { return (x - mean) * (x - mean) * (x - mean) * (x - mean); });
  }
  return n * (n + 1) / ((n - 1) * (n - 2) * (n - 3)) * (fourth / (v * v)) - 3 * (n - 1) * (n - 1) / ((n - 2) * (n - 3));
}

double Statistics::percentile(double p) const {
  if (!windowed()) return digest().quantile(p / 100);
  if (values_.empty()) return kNaN;
  std::vector<double> sorted = values_;
  std::sort(sorted.begin(), sorted.end());
  if (sorted.size() == 1) return sorted.front();
  const double position = p * (static_cast<double>(sorted.size()) + 1) / 100;
  if (position < 1) return sorted.front();
  if (position >= static_cast<double>(sorted.size())) return sorted.back();
  const double whole = std::floor(position);
  const double lower = sorted[static_cast<size_t>(whole) - 1];
  return lower + (position - whole) * (sorted[static_cast<size_t>(whole)] - lower);
}

}  // namespace modelyard::stellar
