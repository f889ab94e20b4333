// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "documents/day_file.h"
#include "documents/documents.h"
#include "documents/index_text.h"

namespace modelyard::documents {

// What the writer tells everybody else in the process. Locked for moments, never across input or output.
struct Shared {
  mutable std::shared_mutex mutex;
  std::vector<std::string> days;  // oldest first; the last is being written
  Offsets offsets;
  FieldNames fields;
  Store::Statistics statistics;

  bool is_field(std::string_view name) const;
};

// The one that writes: keeps the present day's file open, begins a new one when the day has changed, deletes old ones.
// Confined to the store's writing thread. What is in Shared changes only after the commit, so a failed batch leaves no
// trace.
class Writer {
 public:
  static Result<std::unique_ptr<Writer>> open(const Options& options, const Clock& clock, Shared& shared);

  // With news when given: what was new.
  Result<Stored> write(const Batch& batch, News* news);
  Result<std::vector<std::string>> sweep();

  sqlite::Database& database_for_testing() { return *today_; }

 private:
  Writer(const Options& options, const Clock& clock, Shared& shared)
      : options_(options), clock_(clock), shared_(shared) {}

  // What one transaction changes beside the file.
  struct Changes {
    Stored stored;
    Counts counts;
    std::vector<std::string> fields;
    bool has_offset = false;
  };
  Status start();
  Status begin_day(const std::string& day);
  Status turn_day();
  // Nothing = go on; a value = the batch is told already.
  Result<std::optional<Stored>> judge_offset(const Batch& batch, bool* chained) const;
  Status write_documents(const Batch& batch, bool chained, Changes* changes, News* news);
  Status write_document(const Document& document, const Batch& batch, Changes* changes, News* news);
  Status write_totals(const Batch& batch, const Changes& changes);
  void publish(const Batch& batch, Changes changes);
  Result<bool> is_in_older_day(std::string_view id);
  std::vector<std::string> days_to_delete() const;

  const Options options_;
  const Clock& clock_;
  Shared& shared_;
  std::string day_;
  std::optional<sqlite::Database> today_;
  std::map<std::string, sqlite::Database> older_;  // opened for looking up ids, newest few
  DocumentReader reader_;
  int64_t bytes_since_sweep_ = 0;
};

}  // namespace modelyard::documents
