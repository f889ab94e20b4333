// SPDX-License-Identifier: Apache-2.0
#include "documents/writer.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "io/file.h"

namespace modelyard::documents {
namespace {

constexpr size_t kIdBytesMax = 256;
constexpr size_t kPositionBytesMax = 4096;
constexpr size_t kOlderDaysOpenMax = 8;
constexpr int64_t kBytesBetweenSweeps = int64_t{64} << 20;
// Streams without a name of their own (standard input) leave an offset that nobody asks for again.
constexpr int64_t kUnnamedOffsetMs = int64_t{7} * 24 * 3600 * 1000;
constexpr std::string_view kUnnamedSource = "stdin:";

Status check_names(const Batch& batch) {
  if (batch.sensor.empty()) return fail(ErrorCode::kInvalidArgument, "the batch names no sensor");
  if (batch.position.size() > kPositionBytesMax) {
    return fail(ErrorCode::kInvalidArgument, "position is longer than " + std::to_string(kPositionBytesMax) + " bytes");
  }
  for (const Document& document : batch.documents) {
    if (document.id.empty() || document.id.size() > kIdBytesMax) {
      return fail(ErrorCode::kInvalidArgument, "a document's id must have 1 to " + std::to_string(kIdBytesMax) +
                                                   " bytes, '" + document.id.substr(0, 64) + "' has " +
                                                   std::to_string(document.id.size()));
    }
  }
  return {};
}

void drop_unnamed(Offsets& offsets, int64_t now_ms) {
  std::erase_if(offsets, [&](const auto& entry) {
    return entry.first.second.starts_with(kUnnamedSource) && entry.second.updated_ms + kUnnamedOffsetMs < now_ms;
  });
}

}  // namespace

bool Shared::is_field(std::string_view name) const { return fields.find(name) != fields.end(); }

Result<std::unique_ptr<Writer>> Writer::open(const Options& options, const Clock& clock, Shared& shared) {
  std::unique_ptr<Writer> writer(new Writer(options, clock, shared));
  MY_TRY_VOID(writer->start());
  return writer;
}

Status Writer::start() {
  MY_TRY(auto days, list_days(options_.folder));
  // Opening each one once finds what is damaged or of a newer format now, and recovers what a crash left.
  std::vector<std::string> good;
  for (const std::string& day : days) {
    MY_TRY(const bool unborn, is_unborn(day_path(options_.folder, day)));
    if (unborn) {
      remove_day(options_.folder, day);
      continue;
    }
    MY_TRY(auto database, open_day(day_path(options_.folder, day), DayUse::kRead, nullptr));
    MY_TRY(const auto counts, load_counts(database));
    for (const auto& [key, count] : counts) shared_.statistics.documents += count;
    good.push_back(day);
  }
  if (!good.empty()) {
    MY_TRY(auto newest, open_day(day_path(options_.folder, good.back()), DayUse::kRead, nullptr));
    MY_TRY(auto carried, load_carried(newest));
    shared_.offsets = std::move(carried.offsets);
    shared_.fields = std::move(carried.fields);
  }
  shared_.days = good;
  // A clock that was set back does not reopen a day that is over.
  std::string day = day_of(clock_.wall());
  if (!good.empty() && good.back() > day) day = good.back();
  MY_TRY_VOID(begin_day(day));
  MY_TRY(const auto swept, sweep());
  if (!swept.empty()) spdlog::info("documents of {} day(s) were deleted, as --retain says", swept.size());
  return {};
}

Status Writer::begin_day(const std::string& day) {
  Carried carried{shared_.offsets, shared_.fields};
  drop_unnamed(carried.offsets, to_epoch_ms(clock_.wall()));
  MY_TRY(auto database, open_day(day_path(options_.folder, day), DayUse::kWrite, &carried));
  today_.reset();
  today_.emplace(std::move(database));
  day_ = day;
  const std::unique_lock lock(shared_.mutex);
  shared_.offsets = std::move(carried.offsets);
  if (shared_.days.empty() || shared_.days.back() != day) shared_.days.push_back(day);
  return {};
}

Status Writer::turn_day() {
  const std::string day = day_of(clock_.wall());
  if (day <= day_) return {};
  MY_TRY_VOID(begin_day(day));
  auto swept = sweep();
  if (!swept) spdlog::warn("deleting old documents: {}", swept.error().message());
  return {};
}

Result<std::optional<Stored>> Writer::judge_offset(const Batch& batch, bool* chained) const {
  *chained = false;
  if (batch.source.empty()) return std::optional<Stored>();
  const auto found = shared_.offsets.find(SourceKey(batch.sensor, batch.source));
  const bool known = found != shared_.offsets.end();
  const int64_t present = known ? found->second.offset.offset : 0;
  if (known && batch.offset <= present) {
    return std::optional<Stored>(Stored{0, static_cast<int64_t>(batch.documents.size())});
  }
  if (batch.after && *batch.after != present) {
    return fail(ErrorCode::kConflict, "the offset of '" + batch.source + "' for sensor '" + batch.sensor + "' is " +
                                          std::to_string(present) + ", the batch continues from " +
                                          std::to_string(*batch.after) +
                                          ": another writer was faster. Ask for the offset and go on from there");
  }
  *chained = batch.after.has_value();
  return std::optional<Stored>();
}

Result<Stored> Writer::write(const Batch& batch, News* news) {
  MY_TRY_VOID(check_names(batch));
  MY_TRY_VOID(turn_day());
  bool chained = false;
  MY_TRY(const auto told, judge_offset(batch, &chained));
  if (told) {
    const std::unique_lock lock(shared_.mutex);
    shared_.statistics.already += told->already;
    return *told;
  }
  Changes changes;
  const Status status = today_->transaction([&]() -> Status {
    MY_TRY_VOID(write_documents(batch, chained, &changes, news));
    return write_totals(batch, changes);
  });
  if (!status) return fail(status.error());
  const Stored stored = changes.stored;
  for (const Document& document : batch.documents) bytes_since_sweep_ += static_cast<int64_t>(document.json.size());
  publish(batch, std::move(changes));
  if (bytes_since_sweep_ > kBytesBetweenSweeps) {
    if (auto swept = sweep(); !swept) spdlog::warn("deleting old documents: {}", swept.error().message());
  }
  return stored;
}

Status Writer::write_documents(const Batch& batch, bool chained, Changes* changes, News* news) {
  for (const Document& document : batch.documents) {
    // The offsets of a chained batch were never told before, so neither were the ids made of them.
    if (!chained && shared_.days.size() > 1) {
      MY_TRY(const bool there, is_in_older_day(document.id));
      if (there) {
        ++changes->stored.already;
        continue;
      }
    }
    MY_TRY_VOID(write_document(document, batch, changes, news));
  }
  return {};
}

Status Writer::write_document(const Document& document, const Batch& batch, Changes* changes, News* news) {
  MY_TRY_VOID(reader_.read(document, batch.sensor));
  {
    MY_TRY(auto row,
           today_->prepare("INSERT INTO docs(id, sensor, alert, json) VALUES(?,?,?,?) ON CONFLICT(id) DO NOTHING"));
    row.bind(1, document.id).bind(2, reader_.sensor()).bind(3, reader_.is_alert() ? 1 : 0).bind(4, document.json);
    MY_TRY_VOID(row.run());
  }
  if (today_->changes() == 0) {
    ++changes->stored.already;
    return {};
  }
  {
    const int64_t n = today_->last_insert_id();
    MY_TRY(auto row, today_->prepare("INSERT INTO words(rowid, tokens) VALUES(?,?)"));
    MY_TRY_VOID(row.bind(1, n).bind(2, reader_.tokens()).run());
  }
  ++changes->stored.stored;
  ++changes->counts[{reader_.sensor(), reader_.is_alert()}];
  for (size_t i = 0; i < reader_.field_count(); ++i) {
    const std::string& name = reader_.fields()[i];
    if (shared_.is_field(name) || shared_.fields.size() + changes->fields.size() >= kFieldNamesMax) continue;
    if (std::find(changes->fields.begin(), changes->fields.end(), name) == changes->fields.end())
      changes->fields.push_back(name);
  }
  if (news != nullptr) news->documents.push_back({document.json, reader_.sensor(), reader_.is_alert()});
  return {};
}

Status Writer::write_totals(const Batch& batch, const Changes& changes) {
  for (const auto& [key, count] : changes.counts) {
    MY_TRY(auto row, today_->prepare("INSERT INTO counts(sensor, alert, count) VALUES(?1,?2,?3)"
                                     " ON CONFLICT(sensor, alert) DO UPDATE SET count = count + ?3"));
    MY_TRY_VOID(row.bind(1, key.first).bind(2, key.second ? 1 : 0).bind(3, count).run());
  }
  for (const std::string& name : changes.fields) {
    MY_TRY(auto row, today_->prepare("INSERT INTO fields(name) VALUES(?)"));
    MY_TRY_VOID(row.bind(1, name).run());
  }
  if (batch.source.empty()) return {};
  MY_TRY(auto row, today_->prepare("INSERT INTO offsets(sensor, source, offset, position, updated_ms) VALUES(?,?,?,?,?)"
                                   " ON CONFLICT(sensor, source) DO UPDATE SET offset = excluded.offset,"
                                   " position = excluded.position, updated_ms = excluded.updated_ms"));
  row.bind(1, batch.sensor).bind(2, batch.source).bind(3, batch.offset).bind(4, batch.position);
  return row.bind(5, to_epoch_ms(clock_.wall())).run();
}

void Writer::publish(const Batch& batch, Changes changes) {
  const std::unique_lock lock(shared_.mutex);
  shared_.statistics.documents += changes.stored.stored;
  shared_.statistics.stored += changes.stored.stored;
  shared_.statistics.already += changes.stored.already;
  for (std::string& name : changes.fields) shared_.fields.insert(std::move(name));
  if (batch.source.empty()) return;
  shared_.offsets[SourceKey(batch.sensor, batch.source)] =
      SourceOffset{{batch.offset, batch.position}, to_epoch_ms(clock_.wall())};
}

Result<bool> Writer::is_in_older_day(std::string_view id) {
  for (const std::string& day : shared_.days) {
    if (day == day_) continue;
    auto found = older_.find(day);
    if (found == older_.end()) {
      if (older_.size() >= kOlderDaysOpenMax) older_.erase(older_.begin());
      MY_TRY(auto database, open_day(day_path(options_.folder, day), DayUse::kRead, nullptr));
      found = older_.emplace(day, std::move(database)).first;
    }
    MY_TRY(auto row, found->second.prepare("SELECT 1 FROM docs WHERE id = ?"));
    MY_TRY(const bool there, row.bind(1, id).step());
    if (there) return true;
  }
  return false;
}

std::vector<std::string> Writer::days_to_delete() const {
  std::vector<std::string> gone;
  std::vector<std::string> kept = shared_.days;
  if (options_.retention.days) {
    const auto first = day_of(clock_.wall() - std::chrono::hours(24 * (*options_.retention.days - 1)));
    while (kept.size() > 1 && kept.front() < first) {
      gone.push_back(kept.front());
      kept.erase(kept.begin());
    }
  }
  if (options_.retention.bytes) {
    int64_t bytes = 0;
    for (const std::string& day : kept) bytes += day_bytes(options_.folder, day);
    while (kept.size() > 1 && bytes > *options_.retention.bytes) {
      bytes -= day_bytes(options_.folder, kept.front());
      gone.push_back(kept.front());
      kept.erase(kept.begin());
    }
  }
  return gone;
}

Result<std::vector<std::string>> Writer::sweep() {
  bytes_since_sweep_ = 0;
  std::vector<std::string> gone = days_to_delete();
  for (const std::string& day : gone) {
    int64_t documents = 0;
    {
      MY_TRY(auto database, open_day(day_path(options_.folder, day), DayUse::kRead, nullptr));
      MY_TRY(const auto counts, load_counts(database));
      for (const auto& [key, count] : counts) documents += count;
    }
    older_.erase(day);
    {
      const std::unique_lock lock(shared_.mutex);
      std::erase(shared_.days, day);
      shared_.statistics.documents -= documents;
    }
    remove_day(options_.folder, day);
  }
  return gone;
}

}  // namespace modelyard::documents
