// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "io/task.h"
#include "registry/contents.h"

namespace modelyard::registry {

// The one store of what is wanted and what is known to run, as a controller sees it. Implementations: embedded (SQLite,
// embedded.h), fake (memory, fake.h). On one machine clients follow the endpoints over HTTP from the controller, which
// computes the snapshot from the instances' records (make_snapshot). Confined to one loop; what it answers is durable.
// After kDeadline or kUnavailable the caller does not know whether a write happened and asks again: every write is
// whole records, so saying it twice is harmless.
class Registry {
 public:
  virtual ~Registry() = default;

  // Waits to be the one that writes and reads everything. Embedded: at once, a second process is refused when it opens
  // the file. Afterwards every write of an earlier leader is kConflict.
  virtual io::Task<Result<Contents>> lead() = 0;

  // All in one transaction.
  virtual io::Task<Status> write(std::vector<Write> batch) = 0;

  // Oldest first, at most limit of the newest. Empty = any.
  virtual io::Task<Result<std::vector<Event>>> events(std::string name, std::string version, int limit) = 0;
};

}  // namespace modelyard::registry
