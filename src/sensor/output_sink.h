// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "sensor/sink.h"

namespace modelyard::sensor {

// JSON lines to a descriptor (standard output), in large pieces. Blocks when the reader is slow: then there is nothing
// else to do. A reader that went away is kCancelled.
class OutputSink final : public Sink {
 public:
  explicit OutputSink(int fd) : fd_(fd) {}

  Status put(pipeline::FinishedRecord& record, int64_t next) override;
  Status flush() override;
  io::Task<Status> finish(SteadyTime deadline) override;
  io::Task<void> stop() override;

 private:
  const int fd_;
  std::string buffer_;
};

}  // namespace modelyard::sensor
