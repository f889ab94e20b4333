// SPDX-License-Identifier: Apache-2.0
#include "sensor/driver.h"

namespace modelyard::sensor {
namespace {
// Records taken in before others are put out: keeps what is warm in the cache, and the loop looks at signals in
// between.
constexpr int kBurst = 64;
constexpr int kBurstsBetweenYields = 16;
}  // namespace

Driver::Driver(Source& source, pipeline::Worker& worker, Sink& sink, CallModel call_model, io::Executor executor,
               const Clock& clock, DriverOptions options)
    : source_(source),
      worker_(worker),
      sink_(sink),
      call_model_(std::move(call_model)),
      clock_(clock),
      options_(std::move(options)),
      scope_(executor),
      event_(executor),
      started_(clock.now()) {}

void Driver::wake() { event_.notify_all(); }

void Driver::request_stop() {
  if (stopping_) return;
  stopping_ = true;
  stop_deadline_ = clock_.now() + options_.drain_wait;
  wake();
}

io::Task<Status> Driver::run() {
  started_ = clock_.now();
  if (options_.on_progress) scope_.spawn(tell_progress());
  Status status = co_await pump();
  if (status) status = co_await sink_.finish(stopping_ ? stop_deadline_ : SteadyTime::max());
  co_await scope_.stop();
  co_return status;
}

io::Task<Status> Driver::pump() {
  int bursts = 0;
  while (!is_drained()) {
    if (sink_.failure() != nullptr) co_return fail(*sink_.failure());
    bool moved = false;
    MY_CO_TRY_VOID(take_in(&moved));
    start_calls();
    MY_CO_TRY_VOID(put_out(&moved));
    if (moved) {
      if (++bursts % kBurstsBetweenYields == 0) co_await io::sleep_for(std::chrono::nanoseconds(0));
      continue;
    }
    if (is_drained()) break;
    if (stopping_ && clock_.now() >= stop_deadline_) break;  // what is not done was not acknowledged either
    MY_CO_TRY_VOID(sink_.flush());
    co_await event_.wait_until(stop_deadline_);
  }
  co_return Status();
}

Status Driver::take_in(bool* moved) {
  if (stopping_ || source_dry_) return {};
  SourceRecord record;
  for (int i = 0; i < kBurst && !sink_.full() && worker_.can_accept(); ++i) {
    MY_TRY(const bool there, source_.next(&record));
    if (!there) {
      if (source_.at_end()) return {};
      source_dry_ = true;
      scope_.spawn(watch_source());
      return {};
    }
    const pipeline::Record taken{record.stream, record.offset, record.bytes, record.topic, record.key};
    if (options_.on_record) options_.on_record(taken);
    worker_.accept(taken);
    next_offsets_.push_back(record.next);
    *moved = true;
  }
  return {};
}

void Driver::start_calls() {
  for (pipeline::ModelCall& call : worker_.take_calls()) scope_.spawn(call_one(std::move(call)));
}

Status Driver::put_out(bool* moved) {
  while (!sink_.full()) {
    pipeline::FinishedRecord* done = worker_.finished();
    if (done == nullptr) return {};
    MY_TRY_VOID(sink_.put(*done, next_offsets_.front()));
    next_offsets_.pop_front();
    worker_.release_finished();
    *moved = true;
  }
  return {};
}

io::Task<void> Driver::call_one(pipeline::ModelCall call) {
  const uint64_t id = call.id;
  const auto answer = co_await call_model_(std::move(call));
  if (!answer) ++calls_failed_;
  worker_.answer(id, answer ? std::optional<std::string_view>(*answer) : std::nullopt);
  wake();
}

io::Task<void> Driver::watch_source() {
  co_await source_.wait_more();
  source_dry_ = false;
  wake();
}

io::Task<void> Driver::tell_progress() {
  while (true) {
    co_await io::sleep_for(std::chrono::seconds(1));
    options_.on_progress(summary());
  }
}

Summary Driver::summary() const {
  const pipeline::WorkerStatistics& worker = worker_.statistics();
  Summary summary;
  summary.records = worker.records;
  summary.documents = worker.documents;
  summary.errors = worker.errors;
  summary.filtered = worker.filtered;
  summary.calls = worker.calls;
  summary.calls_failed = calls_failed_;
  summary.stored = sink_.stored();
  summary.already = sink_.already();
  summary.stopped = stopping_ && !source_.at_end();
  summary.elapsed = std::chrono::duration_cast<milliseconds>(clock_.now() - started_);
  return summary;
}

}  // namespace modelyard::sensor
