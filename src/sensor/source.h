// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/task.h"

namespace modelyard::sensor {

// One record as a source gives it.
struct SourceRecord {
  std::string_view stream;  // the name under which its offsets are kept; a source of several partitions has several
  int64_t offset = 0;       // of the record in its stream
  int64_t next = 0;         // the offset after it: what is stored when the record is done. Always greater than offset
  std::string_view bytes;   // without the line end
  std::string_view topic;   // metadata of sources that have it
  std::string_view key;
};

// What the store knows of a stream from the last time.
struct StoredOffset {
  int64_t offset = 0;
  std::string position;
};

// Where records come from. Confined to the sensor's loop. Offsets of a stream grow with each record and are the same
// for the same record each time, so that documents named by them replace themselves on a replay.
//
// Lifecycle: streams() -> resume() for each -> open() -> next() …
class Source {
 public:
  virtual ~Source() = default;

  // The names of the streams whose offsets are to be asked for; empty when they are of no use (a pipe cannot be read
  // again).
  virtual std::vector<std::string> streams() const = 0;
  virtual Status resume(std::string_view stream, const StoredOffset& stored) = 0;
  virtual Status open() = 0;

  // The next complete record, if there is one now. Its views last until the next call. False: wait, unless at_end().
  virtual Result<bool> next(SourceRecord* record) = 0;
  virtual bool at_end() const = 0;
  // Suspends until next() may have something. Cancellable.
  virtual io::Task<void> wait_more() = 0;

  // What is to be kept beside the offset `next` of a record, so that resume() knows its place again.
  virtual std::string position(std::string_view stream, int64_t next) = 0;
};

}  // namespace modelyard::sensor
