// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "http/client.h"
#include "runner/link.h"

namespace modelyard::runner {

// The Unix socket of one machine's controller (registry/instance_folder.h): keeps the order stream open, which is the
// lease, and brings the newest report; 50 ms doubling to 1 s between two tries, with jitter. The controller takes an
// endpoint out of service itself: before it orders a drain, or when a report says so.
class SocketLink final : public ControllerLink {
 public:
  SocketLink(io::Loop& loop, const registry::InstanceSpec& spec, Random& random);

  void start(OnOrder on_order) override;
  void report(registry::RunnerReport report) override;
  io::Task<void> withdraw(SteadyTime deadline) override;
  io::Task<bool> flush(SteadyTime deadline) override;
  io::Task<void> stop(SteadyTime deadline) override;

 private:
  io::Task<void> run_orders();
  io::Task<void> run_reports();
  io::Task<void> follow_orders();
  // True when the controller has taken it or has refused it for good.
  io::Task<bool> send(const registry::RunnerReport& report);
  void obey(const std::string& data);
  bool refuse(int status);
  milliseconds next_pause(milliseconds& pause);

  const registry::InstanceSpec& spec_;
  Random& random_;
  OnOrder on_order_;
  http::Client client_;
  http::Origin origin_;
  io::Event changed_;
  std::optional<registry::RunnerReport> newest_;
  int64_t number_ = 0;     // of the newest report
  int64_t delivered_ = 0;  // number of the last one that arrived
  milliseconds order_pause_{0};
  io::Scope scope_;
};

}  // namespace modelyard::runner
