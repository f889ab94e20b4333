// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/random.h"
#include "base/result.h"
#include "http/client.h"
#include "io/task.h"
#include "registry/instance_folder.h"

namespace modelyard::runner {

// What the controller wants of this instance. kDisowned: it knows no such instance, or a newer incarnation of it.
enum class Order { kServe, kDrain, kStop, kDisowned };

// The runner's side of the controller's socket (registry/instance_folder.h): keeps the order stream open, which is the
// lease, and brings the newest report. While the controller is away it tries again for ever, 50 ms doubling to 1 s with
// jitter; nothing else of the runner waits for it. Confined to its loop; run() and deliver() run in the owner's scope.
class ControllerLink {
 public:
  ControllerLink(io::Loop& loop, const registry::InstanceSpec& spec, Random& random,
                 std::function<void(Order)> on_order);

  // The newest report wins; what was not sent before is never sent.
  void report(registry::RunnerReport report);
  // The two coroutines; they end only by cancellation.
  io::Task<void> run_orders();
  io::Task<void> run_reports();
  // Waits until the newest report has arrived (true) or the deadline has passed.
  io::Task<bool> flush(SteadyTime deadline);

 private:
  io::Task<void> follow_orders();
  // True when the controller has taken it or has refused it for good.
  io::Task<bool> send(const registry::RunnerReport& report);
  void obey(const std::string& data);
  bool refuse(int status);
  milliseconds next_pause(milliseconds& pause);

  const registry::InstanceSpec& spec_;
  Random& random_;
  std::function<void(Order)> on_order_;
  http::Client client_;
  http::Origin origin_;
  io::Event changed_;
  std::optional<registry::RunnerReport> newest_;
  int64_t number_ = 0;     // of the newest report
  int64_t delivered_ = 0;  // number of the last one that arrived
  milliseconds order_pause_{0};
};

}  // namespace modelyard::runner
