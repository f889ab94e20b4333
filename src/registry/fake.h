// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "registry/registry.h"

namespace modelyard::registry {

// A registry in memory, for tests: remembers what was asked, and can fail or forget to answer. Confined to its loop.
class FakeRegistry final : public Registry {
 public:
  // What happens to the next writes (and lead()s), in order; when the list is empty all goes well.
  enum class Fate {
    kWell,
    kRefused,    // not stored, kUnavailable
    kForgotten,  // stored, but the answer is kDeadline
  };
  std::deque<Fate> fates;
  // Each call in one line: "lead", "put-instance dga-1.0-000001 ready", "event dga@1.0 ready".
  std::vector<std::string> accesses;
  std::vector<Event> stored_events;
  Contents contents;

  io::Task<Result<Contents>> lead() override;
  io::Task<Status> write(std::vector<Write> batch) override;
  io::Task<Result<std::vector<Event>>> events(std::string name, std::string version, int limit) override;

 private:
  Fate next_fate();
  Status store(const std::vector<Write>& batch);
};

}  // namespace modelyard::registry
