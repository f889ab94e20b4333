// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/random.h"
#include "documents/batch.h"
#include "sensor/sink.h"
#include "sensor/store_client.h"

namespace modelyard::sensor {

struct StoreSinkOptions {
  std::string sensor;
  size_t batch_documents_max = 4'000;
  size_t batch_bytes_max = size_t{4} << 20;
  milliseconds linger{100};                      // a batch that is not full waits so long for more
  size_t batches_waiting_max = 2;                // beyond that the sink is full
  size_t document_bytes_max = size_t{40} << 20;  // a larger one is replaced by an error document
  std::optional<milliseconds> retry_for;         // a store that is away longer is a failure; nothing = never
  milliseconds retry_first{50};
  milliseconds retry_last{2'000};
  std::function<void(std::string_view)> on_notice;
};

// Documents and offsets to the store, batch after batch, each continuing from the one before. A store that is away or
// full is tried again with growing pauses while the sensor waits; a batch whose answer was lost is sent again and
// counts as stored already.
class StoreSink final : public Sink {
 public:
  // position(stream, next): Source::position. changed: called when full() or failure() may have changed. All outlive
  // the sink.
  using Position = std::function<std::string(std::string_view stream, int64_t next)>;
  StoreSink(StoreClient& client, StoreSinkOptions options, Position position, std::function<void()> changed,
            io::Executor executor, const Clock& clock, Random random);

  // The offset from which the stream goes on.
  void resume(const std::string& stream, int64_t offset) { after_[stream] = offset; }
  void start();

  Status put(pipeline::FinishedRecord& record, int64_t next) override;
  bool full() const override { return ready_.size() >= options_.batches_waiting_max; }
  Status flush() override;
  const Error* failure() const override { return failure_ ? &*failure_ : nullptr; }
  io::Task<Status> finish(SteadyTime deadline) override;
  io::Task<void> stop() override;
  uint64_t stored() const override { return stored_; }
  uint64_t already() const override { return already_; }

 private:
  void take_document(pipeline::OutputDocument& document);
  void cut();
  io::Task<void> send_all();
  io::Task<Status> send(const documents::Batch& batch);
  // Nothing = try again; a value = that is the end of it.
  io::Task<std::optional<Error>> wait_for_retry(const Error& error, SteadyTime since, int attempt);
  void notice(const std::string& text) const;

  StoreClient& client_;
  const StoreSinkOptions options_;
  const Position position_;
  const std::function<void()> changed_;
  const Clock& clock_;
  Random random_;
  io::Event event_;
  io::Scope scope_;
  std::map<std::string, int64_t, std::less<>> after_;
  documents::Batch building_;
  size_t building_bytes_ = 0;
  size_t building_records_ = 0;
  SteadyTime building_since_{};
  std::deque<documents::Batch> ready_;  // the first is being sent
  std::optional<Error> failure_;
  uint64_t stored_ = 0;
  uint64_t already_ = 0;
};

// The error document that stands for one too large to be stored. Its id is the same.
pipeline::OutputDocument too_large_document(const pipeline::OutputDocument& document, std::string_view sensor,
                                            size_t bytes_max, WallTime now);

}  // namespace modelyard::sensor
