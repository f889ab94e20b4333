// SPDX-License-Identifier: Apache-2.0
#include "documents/day_file.h"

#include <algorithm>
#include <system_error>

#include "documents/tokens.h"

namespace modelyard::documents {
namespace {

constexpr int32_t kApplicationId = 0x4d594443;  // "MYDC"
constexpr int kFormat = 1;

constexpr std::string_view kSchema = R"sql(
CREATE TABLE docs(
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  sensor TEXT NOT NULL,
  alert INTEGER NOT NULL,
  json TEXT NOT NULL);
CREATE VIRTUAL TABLE words USING fts5(tokens, content='', tokenize='modelyard', columnsize=0);
-- Pieces of the index are merged eight at a time, not four: less rewriting for a little more work in a search.
INSERT INTO words(words, rank) VALUES('automerge', 8);
CREATE TABLE counts(
  sensor TEXT NOT NULL,
  alert INTEGER NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY(sensor, alert)) WITHOUT ROWID;
CREATE TABLE offsets(
  sensor TEXT NOT NULL,
  source TEXT NOT NULL,
  offset INTEGER NOT NULL,
  position TEXT NOT NULL,
  updated_ms INTEGER NOT NULL,
  PRIMARY KEY(sensor, source)) WITHOUT ROWID;
CREATE TABLE fields(name TEXT PRIMARY KEY) WITHOUT ROWID;
)sql";

bool is_day_name(std::string_view name) {
  if (name.size() != 10) return false;
  for (size_t i = 0; i < name.size(); ++i) {
    const bool dash = i == 4 || i == 7;
    if (dash ? name[i] != '-' : (name[i] < '0' || name[i] > '9')) return false;
  }
  return true;
}

Status carry(sqlite::Database& database, const Carried& carried) {
  MY_TRY(auto offset,
         database.prepare("INSERT INTO offsets(sensor, source, offset, position, updated_ms) VALUES(?,?,?,?,?)"));
  for (const auto& [key, value] : carried.offsets) {
    offset.bind(1, key.first).bind(2, key.second).bind(3, value.offset.offset).bind(4, value.offset.position);
    MY_TRY_VOID(offset.bind(5, value.updated_ms).run());
  }
  MY_TRY(auto field, database.prepare("INSERT INTO fields(name) VALUES(?)"));
  for (const std::string& name : carried.fields) MY_TRY_VOID(field.bind(1, name).run());
  return {};
}

Status know_tokens(sqlite::Database& database) {
  if (register_tokenizer(database.handle())) return {};
  return fail(ErrorCode::kUnsupported, "this SQLite has no full-text search (FTS5): install Debian's libsqlite3-0");
}

}  // namespace

std::string day_of(WallTime time) { return to_iso8601(time).substr(0, 10); }

std::filesystem::path day_path(const std::filesystem::path& folder, std::string_view day) {
  return folder / (std::string(day) + ".db");
}

Result<std::vector<std::string>> list_days(const std::filesystem::path& folder) {
  std::vector<std::string> days;
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() != ".db") continue;
    if (std::string stem = it->path().stem().string(); is_day_name(stem)) days.push_back(std::move(stem));
  }
  if (error) return fail(errno_error(error.value(), "reading the folder '" + folder.string() + "'"));
  std::sort(days.begin(), days.end());
  return days;
}

void remove_day(const std::filesystem::path& folder, std::string_view day) {
  const std::string path = day_path(folder, day).string();
  std::error_code ignored;  // what is left is tried again at the next sweep
  // The file itself goes last: while it is there, the day is listed.
  for (const char* suffix : {"-wal", "-shm", ""}) std::filesystem::remove(path + suffix, ignored);
}

int64_t day_bytes(const std::filesystem::path& folder, std::string_view day) {
  const std::string path = day_path(folder, day).string();
  int64_t bytes = 0;
  for (const char* suffix : {"", "-wal"}) {
    std::error_code error;
    const auto size = std::filesystem::file_size(path + suffix, error);
    if (!error) bytes += static_cast<int64_t>(size);
  }
  return bytes;
}

Result<sqlite::Database> open_day(const std::filesystem::path& path, DayUse use, const Carried* carried) {
  sqlite::OpenOptions options;
  options.application_id = kApplicationId;
  options.kind = "documents";
  options.format = kFormat;
  options.cache_bytes = use == DayUse::kWrite ? 16 << 20 : 2 << 20;
  options.migrate = [carried](sqlite::Database& database, int) -> Status {
    MY_TRY_VOID(know_tokens(database));
    MY_TRY_VOID(database.execute(kSchema));
    return carried != nullptr ? carry(database, *carried) : Status();
  };
  MY_TRY(auto database, sqlite::Database::open(path, options));
  MY_TRY_VOID(know_tokens(database));
  // A reader opens for writing too, since only such a connection may recover a log left by a crash; it is bound to
  // reading after.
  MY_TRY_VOID(database.execute(use == DayUse::kWrite ? "PRAGMA wal_autocheckpoint=4000" : "PRAGMA query_only=ON"));
  return database;
}

Result<bool> is_unborn(const std::filesystem::path& path) {
  sqlite::OpenOptions options;
  options.application_id = kApplicationId;
  options.kind = "documents";
  options.format = kFormat;
  options.migrate = [](sqlite::Database&, int) -> Status { return fail(ErrorCode::kNotFound, "unborn"); };
  auto database = sqlite::Database::open(path, options);
  if (!database && database.error().code() == ErrorCode::kNotFound) return true;
  if (!database) return fail(std::move(database).error());
  return false;
}

Result<Carried> load_carried(sqlite::Database& database) {
  Carried carried;
  {
    MY_TRY(auto row, database.prepare("SELECT sensor, source, offset, position, updated_ms FROM offsets"));
    while (true) {
      MY_TRY(const bool there, row.step());
      if (!there) break;
      carried.offsets[{std::string(row.text(0)), std::string(row.text(1))}] =
          SourceOffset{{row.integer(2), std::string(row.text(3))}, row.integer(4)};
    }
  }
  MY_TRY(auto row, database.prepare("SELECT name FROM fields"));
  while (true) {
    MY_TRY(const bool there, row.step());
    if (!there) break;
    carried.fields.emplace(row.text(0));
  }
  return carried;
}

Result<Counts> load_counts(sqlite::Database& database) {
  Counts counts;
  MY_TRY(auto row, database.prepare("SELECT sensor, alert, count FROM counts"));
  while (true) {
    MY_TRY(const bool there, row.step());
    if (!there) break;
    counts[{std::string(row.text(0)), row.integer(1) != 0}] = row.integer(2);
  }
  return counts;
}

}  // namespace modelyard::documents
