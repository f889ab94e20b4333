// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "io/task.h"
#include "pipeline/worker.h"
#include "sensor/sensor.h"
#include "sensor/sink.h"
#include "sensor/source.h"

namespace modelyard::sensor {

// Carries out one model call. The answer is the model's JSON text; an error makes the call null in the expression.
using CallModel = std::function<io::Task<Result<std::string>>(pipeline::ModelCall)>;

struct DriverOptions {
  milliseconds drain_wait{10'000};
  std::function<void(const Summary&)> on_progress;
  std::function<void(const pipeline::Record&)> on_record;  // each one that is taken in
};

// The one path of a record: source -> worker -> sink -> acknowledged (the sink stores offset and documents together).
// Everything on it is bounded: the worker's records and calls in flight, the sink's batches; what is full holds up what
// is before it. Confined to its loop; what it is given outlives it.
class Driver {
 public:
  Driver(Source& source, pipeline::Worker& worker, Sink& sink, CallModel call_model, io::Executor executor,
         const Clock& clock, DriverOptions options);

  // Until the source ends, request_stop() was called and what is in flight is done, or something fails. Then every
  // coroutine of its own has ended.
  io::Task<Status> run();
  // Nothing more is read; what was read is finished within drain_wait.
  void request_stop();
  // Something outside changed: the sink has room again.
  void wake();
  Summary summary() const;

 private:
  io::Task<Status> pump();
  Status take_in(bool* moved);
  void start_calls();
  Status put_out(bool* moved);
  io::Task<void> call_one(pipeline::ModelCall call);
  io::Task<void> watch_source();
  io::Task<void> tell_progress();
  bool is_drained() const { return (stopping_ || source_.at_end()) && worker_.idle(); }

  Source& source_;
  pipeline::Worker& worker_;
  Sink& sink_;
  const CallModel call_model_;
  const Clock& clock_;
  const DriverOptions options_;
  io::Scope scope_;
  io::Event event_;
  std::deque<int64_t> next_offsets_;  // of the records in the worker, in order
  bool source_dry_ = false;           // a watch runs
  bool stopping_ = false;
  SteadyTime stop_deadline_ = SteadyTime::max();
  SteadyTime started_;
  uint64_t calls_failed_ = 0;
};

}  // namespace modelyard::sensor
