// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "io/descriptor.h"
#include "sensor/line_buffer.h"
#include "sensor/source.h"

namespace modelyard::sensor {

// Lines of a descriptor that is read once: standard input. Each run is a stream of its own, whose name is made up, so
// the same text piped in twice is stored twice; within a run a replay adds nothing. A last line without its end counts.
class StreamSource final : public Source {
 public:
  // The descriptor stays the caller's.
  StreamSource(int fd, size_t line_bytes_max, io::Executor executor);

  std::vector<std::string> streams() const override { return {}; }
  Status resume(std::string_view, const StoredOffset&) override { return {}; }
  Status open() override;
  Result<bool> next(SourceRecord* record) override;
  bool at_end() const override { return at_end_ && lines_.empty(); }
  io::Task<void> wait_more() override;
  std::string position(std::string_view, int64_t) override { return ""; }

 private:
  // False: nothing there now, or the end.
  Result<bool> read_piece();

  const std::string stream_;
  const int fd_;
  io::Executor executor_;
  LineBuffer lines_;
  std::unique_ptr<io::Descriptor> ready_;  // null for a regular file, which is always ready
  int64_t offset_ = 0;
  bool at_end_ = false;
};

}  // namespace modelyard::sensor
