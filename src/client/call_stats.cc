// SPDX-License-Identifier: Apache-2.0
#include "client/call_stats.h"

#include <algorithm>

#include "json/writer.h"

namespace modelyard::client {

void LatencyHistogram::add(int64_t us) {
  us = std::max<int64_t>(us, 0);
  const auto bound = std::lower_bound(kBoundsUs.begin(), kBoundsUs.end(), us);
  ++counts_[std::min(static_cast<size_t>(bound - kBoundsUs.begin()), kBoundsUs.size() - 1)];
  sum_us_ += us;
  max_us_ = std::max(max_us_, us);
}

std::string reports_json(const std::vector<CallReport>& reports) {
  std::string out;
  json::Writer writer(out);
  writer.begin_array();
  for (const CallReport& report : reports) {
    writer.begin_object();
    writer.key("id");
    writer.string(report.id);
    writer.key("calls");
    writer.number(report.calls);
    writer.key("failures");
    writer.number(report.failures);
    writer.key("latency_us");
    writer.begin_object();
    writer.key("sum");
    writer.number(report.latency.sum_us());
    writer.key("max");
    writer.number(report.latency.max_us());
    writer.key("buckets");
    writer.begin_object();
    for (size_t i = 0; i < LatencyHistogram::kBoundsUs.size(); ++i) {
      if (report.latency.count(i) == 0) continue;
      writer.key(std::to_string(LatencyHistogram::kBoundsUs[i]));
      writer.number(report.latency.count(i));
    }
    writer.end_object();
    writer.end_object();
    writer.end_object();
  }
  writer.end_array();
  return out;
}

}  // namespace modelyard::client
