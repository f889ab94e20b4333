// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "base/result.h"
#include "io/task.h"
#include "pipeline/record.h"

namespace modelyard::sensor {

// Where finished records go, in order. Confined to the sensor's loop. A record counts as done when all its documents
// are there for good; the sink tells nobody but its own store of offsets.
class Sink {
 public:
  virtual ~Sink() = default;

  // Takes the documents of one record (they may be moved away) and the offset after it. Not while full().
  virtual Status put(pipeline::FinishedRecord& record, int64_t next) = 0;
  // Nothing may be put now: the sensor stops reading until this changes (back-pressure).
  virtual bool full() const { return false; }
  // Nothing follows for the moment: what was put need not wait for company.
  virtual Status flush() { return {}; }
  // The reason why nothing can be put any more.
  virtual const Error* failure() const { return nullptr; }
  // Returns when all that was put is there; kDeadline when that took too long.
  virtual io::Task<Status> finish(SteadyTime deadline) = 0;
  // Ends what runs for the sink. Before it is destroyed.
  virtual io::Task<void> stop() = 0;

  virtual uint64_t stored() const { return 0; }
  virtual uint64_t already() const { return 0; }
};

}  // namespace modelyard::sensor
