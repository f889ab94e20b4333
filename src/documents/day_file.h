// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "documents/documents.h"
#include "sqlite/database.h"

// One day's file, FOLDER/2026-11-23.db. The newest one also holds the offsets of all sources and the names of all
// fields: they are carried into each new file in the transaction that makes it, so documents and offset are always
// committed to the same file.
//
//   docs(n, id, sensor, alert, json)          n grows with arrival
//   words                                     FTS5 without content, rowid = docs.n, tokens of documents/tokens.h
//   counts(sensor, alert, count)              kept by the writer
//   offsets(sensor, source, offset, position, updated_ms)
//   fields(name)
namespace modelyard::documents {

using SourceKey = std::pair<std::string, std::string>;  // sensor, source
struct SourceOffset {
  Offset offset;
  int64_t updated_ms = 0;
};
using Offsets = std::map<SourceKey, SourceOffset, std::less<>>;

struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};
using FieldNames = std::unordered_set<std::string, TextHash, std::equal_to<>>;

// A stream of made-up names must not fill the memory: names beyond are not known as fields.
inline constexpr size_t kFieldNamesMax = 10'000;

struct Carried {
  Offsets offsets;
  FieldNames fields;
};

std::string day_of(WallTime time);  // "2026-11-23"
std::filesystem::path day_path(const std::filesystem::path& folder, std::string_view day);
// The days that have a file, oldest first.
Result<std::vector<std::string>> list_days(const std::filesystem::path& folder);
// With its -wal and -shm.
void remove_day(const std::filesystem::path& folder, std::string_view day);
int64_t day_bytes(const std::filesystem::path& folder, std::string_view day);

enum class DayUse { kWrite, kRead };
// Opens a day's file; a new one begins with what is carried. Confined to one thread.
Result<sqlite::Database> open_day(const std::filesystem::path& path, DayUse use, const Carried* carried);
// True for a file whose first transaction never ended: it holds nothing.
Result<bool> is_unborn(const std::filesystem::path& path);
Result<Carried> load_carried(sqlite::Database& database);

using Counts = std::map<std::pair<std::string, bool>, int64_t>;  // sensor, alert
Result<Counts> load_counts(sqlite::Database& database);

}  // namespace modelyard::documents
