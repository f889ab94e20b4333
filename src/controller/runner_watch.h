// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "registry/registry.h"

namespace modelyard::controller {

// Where runners speak to the registry themselves: what they hold and say there, as the facts that the controller knows
// from its socket. A lease of another incarnation than the record's is nobody's; what a runner said last counts while
// its lease is there, and of one that has none any more its word that it failed or ended. Confined to the controller's
// loop.
class RunnerWatch {
 public:
  struct Sink {
    // As Controller::open_lease and report.
    std::function<Result<std::shared_ptr<void>>(const std::string& id, int64_t incarnation)> open_lease;
    std::function<Status(registry::RunnerReport report)> report;
  };
  RunnerWatch(registry::Registry& registry, Sink sink) : registry_(registry), sink_(std::move(sink)) {}

  // Begins to listen; when it does already, says everything once more: the records have been read anew.
  void start();
  // Forgets everything; the leases end.
  void stop();

 private:
  struct Known {
    registry::RunnerNews news;
    int64_t incarnation = 0;  // of the open lease
    std::shared_ptr<void> lease;
  };
  void take(const registry::RunnerNews& news);
  void apply(Known& known);

  registry::Registry& registry_;
  const Sink sink_;
  std::map<std::string, Known> known_;
  registry::Registry::Subscription subscription_;
};

}  // namespace modelyard::controller
