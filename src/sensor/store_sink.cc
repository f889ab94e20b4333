// SPDX-License-Identifier: Apache-2.0
#include "sensor/store_sink.h"

#include <algorithm>

#include "base/strings.h"
#include "json/writer.h"

namespace modelyard::sensor {
namespace {
constexpr size_t kKeptOfTooLarge = size_t{64} << 10;
}

pipeline::OutputDocument too_large_document(const pipeline::OutputDocument& document, std::string_view sensor,
                                            size_t bytes_max, WallTime now) {
  pipeline::OutputDocument error;
  error.id = document.id;
  error.is_error = true;
  json::Writer writer(error.json);
  const auto put = [&](std::string_view key, std::string_view text) {
    writer.key(key);
    writer.string(text);
  };
  writer.begin_object();
  put("guid", random_uuid());
  put("source:type", "error");
  put("error_type", "indexing_error");
  put("failed_sensor_type", sensor);
  put("message", "the document has " + std::to_string(document.json.size()) + " bytes, the store takes at most " +
                     std::to_string(bytes_max) + ": its beginning is in raw_message");
  writer.key("timestamp");
  writer.number(to_epoch_ms(now));
  put("raw_message", to_valid_utf8(std::string_view(document.json).substr(0, kKeptOfTooLarge)));
  put("error_hash", sha256_hex(document.json));
  writer.end_object();
  return error;
}

StoreSink::StoreSink(StoreClient& client, StoreSinkOptions options, Position position, std::function<void()> changed,
                     io::Executor executor, const Clock& clock, Random random)
    : client_(client),
      options_(std::move(options)),
      position_(std::move(position)),
      changed_(std::move(changed)),
      clock_(clock),
      random_(random),
      event_(executor),
      scope_(executor) {}

void StoreSink::start() { scope_.spawn(send_all()); }

void StoreSink::notice(const std::string& text) const {
  if (options_.on_notice) options_.on_notice(text);
}

Status StoreSink::put(pipeline::FinishedRecord& record, int64_t next) {
  size_t bytes = 0;
  for (const auto& document : record.documents) bytes += document.json.size();
  const bool too_many = building_.documents.size() + record.documents.size() > options_.batch_documents_max ||
                        building_bytes_ + bytes > options_.batch_bytes_max;
  if (building_records_ > 0 && (too_many || building_.source != record.source)) cut();
  if (building_records_ == 0) {
    building_.sensor = options_.sensor;
    building_.source = record.source;
    building_since_ = clock_.now();
    event_.notify_all();  // the sender sets its timer
  }
  for (auto& document : record.documents) take_document(document);
  building_.offset = next;
  ++building_records_;
  return {};
}

void StoreSink::take_document(pipeline::OutputDocument& document) {
  if (document.json.size() > options_.document_bytes_max) {
    document = too_large_document(document, options_.sensor, options_.document_bytes_max, clock_.wall());
  }
  building_bytes_ += document.json.size() + document.id.size() + 32;
  building_.documents.push_back({std::move(document.id), std::move(document.json)});
}

void StoreSink::cut() {
  int64_t& after = after_[building_.source];
  building_.after = after;
  after = building_.offset;
  building_.position = position_(building_.source, building_.offset);
  ready_.push_back(std::move(building_));
  building_ = {};
  building_bytes_ = building_records_ = 0;
  event_.notify_all();
}

Status StoreSink::flush() {
  // With a batch on its way, the next one fills meanwhile.
  if (building_records_ > 0 && ready_.empty()) cut();
  return {};
}

io::Task<void> StoreSink::send_all() {
  while (!failure_) {
    if (ready_.empty() && building_records_ > 0 && clock_.now() >= building_since_ + options_.linger) cut();
    if (ready_.empty()) {
      const SteadyTime until = building_records_ > 0 ? building_since_ + options_.linger : SteadyTime::max();
      co_await event_.wait_until(until);
      continue;
    }
    Status status = co_await send(ready_.front());
    if (!status) {
      failure_ = std::move(status).error();
    } else {
      ready_.pop_front();
    }
    event_.notify_all();
    changed_();
  }
}

io::Task<Status> StoreSink::send(const documents::Batch& batch) {
  std::string body;
  documents::append_json(body, batch);
  std::optional<SteadyTime> away_since;
  for (int attempt = 0;; ++attempt) {
    auto answer = co_await client_.store(body);
    if (answer) {
      if (away_since) notice("the store answers again");
      stored_ += static_cast<uint64_t>(answer->stored);
      already_ += static_cast<uint64_t>(answer->already);
      co_return Status();
    }
    if (answer.error().permanent) {
      co_return fail(std::move(answer.error().error).with_context("storing documents of '" + batch.source + "'"));
    }
    if (!away_since) {
      away_since = clock_.now();
      notice("the store does not take documents now, trying again: " + answer.error().error.message());
    }
    auto end = co_await wait_for_retry(answer.error().error, *away_since, attempt);
    if (end) co_return fail(std::move(*end));
  }
}

io::Task<std::optional<Error>> StoreSink::wait_for_retry(const Error& error, SteadyTime since, int attempt) {
  if (options_.retry_for && clock_.now() - since >= *options_.retry_for) {
    co_return Error(ErrorCode::kUnavailable,
                    "the store did not take documents for " + std::to_string(options_.retry_for->count() / 1000) +
                        " s: " + error.message() + ". Nothing is lost: the next run goes on from what was stored");
  }
  const auto longest = std::min(options_.retry_last, options_.retry_first * (int64_t{1} << std::min(attempt, 16)));
  // Between half and the whole, so that many sensors do not come back at once.
  const double part = 0.5 + random_.unit() / 2;
  co_await io::sleep_for(std::chrono::duration_cast<std::chrono::nanoseconds>(longest * part));
  co_return std::nullopt;
}

io::Task<Status> StoreSink::finish(SteadyTime deadline) {
  if (building_records_ > 0 && !failure_) cut();
  while (!ready_.empty() && !failure_) {
    if (!co_await event_.wait_until(deadline)) {
      co_return fail(ErrorCode::kDeadline,
                     "the store did not take the last documents in time: the next run brings them");
    }
  }
  if (failure_) co_return fail(*failure_);
  co_return Status();
}

io::Task<void> StoreSink::stop() { co_await scope_.stop(); }

}  // namespace modelyard::sensor
