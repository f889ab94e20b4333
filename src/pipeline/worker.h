// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "pipeline/pipeline.h"
#include "pipeline/record.h"
#include "stellar/capabilities.h"

namespace modelyard::pipeline {

struct WorkerOptions {
  Stage stage = Stage::kIndex;
  size_t records_in_flight_max = 1024;            // accepted and not yet taken out
  size_t bytes_in_flight_max = size_t{64} << 20;  // of their raw bytes
  size_t calls_in_flight_max = 4096;              // different calls given to the driver; more wait inside
  size_t record_bytes_max = size_t{16} << 20;  // a longer record becomes an error document with the first 64 KiB of it
};

struct WorkerStatistics {
  uint64_t records = 0;
  uint64_t documents = 0;
  uint64_t errors = 0;     // error documents
  uint64_t filtered = 0;   // messages that the filter dropped
  uint64_t calls = 0;      // given to the driver
  uint64_t coalesced = 0;  // answered by the call of another message that asked the same at the same time
  uint64_t cached = 0;     // answered from the cache that the sensor's cacheConfig asks for
};

// Runs records through a pipeline on one thread, many at once: a message whose expression waits for a model is parked,
// others go on, and what came of the records leaves in the order in which they were accepted. Sans-I/O: no socket, no
// timer, no thread inside. Confined to its thread. The driver's loop:
//
//   while (worker.can_accept() && source.has(record)) worker.accept(record);
//   for (ModelCall& call : worker.take_calls()) client.call(call, [&](answer) { worker.answer(call.id, answer); });
//   while (FinishedRecord* done = worker.finished()) { sink.write(*done); worker.release_finished(); }
//
// The same records in the same order, with the same answers, give the same documents but for guid, timestamps of error
// documents and what expressions make of time and chance.
class Worker {
 public:
  // Capabilities (which endpoints there are; clock and chance of expressions) and clock outlive the worker.
  Worker(std::shared_ptr<const Pipeline> pipeline, stellar::Capabilities& capabilities, const Clock& clock,
         const WorkerOptions& options = {});
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // False: take finished records out, or answer calls, first. accept() must not be called then.
  bool can_accept() const;
  // Takes one record and runs it as far as it goes now.
  void accept(const Record& record);

  // New calls since the last time. Equal calls in flight are one.
  std::vector<ModelCall> take_calls();
  // The answer of one call: the model's JSON text; nothing, or text that is no JSON, makes the call null in the
  // expression. An id that is not in flight is ignored.
  void answer(uint64_t id, std::optional<std::string_view> json);

  // The oldest record, if it is done. Valid until release_finished(), which takes it out; its parts may be moved away
  // before.
  FinishedRecord* finished();
  void release_finished();

  bool idle() const;               // nothing accepted is left inside
  size_t calls_in_flight() const;  // given to the driver and not answered
  const WorkerStatistics& statistics() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace modelyard::pipeline
