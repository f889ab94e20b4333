// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace modelyard::sqlite {

class Database;

// kResourceExhausted disk full, too large; kDataLoss corrupt, not a database; kUnavailable busy, I/O error, cannot
// open; kPermissionDenied read only; kConflict a constraint; kInternal anything else. The text names the file and says
// what to do.
Error error_of(int code, std::string_view message, const std::filesystem::path& path);

// A compiled statement, lent by Database::prepare() and reset when this ends. Bind from 1, columns from 0. Views that
// text() and blob() give last until the next step(). Confined to the database's thread.
class Statement {
 public:
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  Statement& bind(int index, int64_t value);
  Statement& bind(int index, int value) { return bind(index, static_cast<int64_t>(value)); }
  Statement& bind(int index, double value);
  Statement& bind(int index, std::string_view text);  // copied
  Statement& bind(int index, const char* text) { return bind(index, std::string_view(text)); }
  Statement& bind_blob(int index, std::string_view bytes);
  Statement& bind_null(int index);

  // True: a row is there. False: done. A failed bind shows here.
  Result<bool> step();
  // For a statement that gives no rows: one step, then reset, ready to bind again.
  Status run();
  void reset();

  int64_t integer(int column) const;
  double real(int column) const;
  std::string_view text(int column) const;
  std::string_view blob(int column) const;
  bool is_null(int column) const;
  int columns() const;
  std::string_view column_name(int column) const;

 private:
  friend class Database;
  Statement(Database* database, sqlite3_stmt* statement) : database_(database), statement_(statement) {}
  void note(int code) {
    if (code != 0) bind_code_ = code;
  }
  Database* database_;
  sqlite3_stmt* statement_;
  int bind_code_ = 0;
};

struct OpenOptions {
  // What makes the file ours: written into a new file, compared in an old one. Another number is kDataLoss "is not a …
  // file".
  int32_t application_id = 0;
  std::string_view kind = "database";  // in messages: "registry"
  // user_version of files that this program writes. A file of a newer one is kUnsupported; an older one goes through
  // migrate.
  int format = 1;
  // Makes the schema (from = 0) or brings it from an older format to the newest, inside a transaction.
  std::function<Status(Database&, int from)> migrate;
  bool read_only = false;
  bool synchronous_full = true;  // every commit survives a power cut; false: only a crash of the process
  milliseconds busy_wait{5'000};
  int64_t cache_bytes = 2 << 20;
  bool refuse_network_fs =
      true;  // NFS, SMB, FUSE over a network, …: kUnsupported; locks and mmap are not to be trusted there
};

// One SQLite file in WAL mode. Confined to one thread at a time (see Worker). Movable.
class Database {
 public:
  static Result<Database> open(const std::filesystem::path& path, const OpenOptions& options);
  Database(Database&& other) noexcept;
  Database& operator=(Database&&) = delete;
  ~Database();

  // One or more statements without parameters or rows.
  Status execute(std::string_view sql);
  // From the cache when the same text was prepared before; a text lent out twice at once is compiled twice.
  Result<Statement> prepare(std::string_view sql);
  // The first column of the first row; nothing when there is no row.
  Result<std::optional<int64_t>> query_integer(std::string_view sql);

  // fn inside BEGIN IMMEDIATE … COMMIT; an error rolls everything back.
  Status transaction(const std::function<Status()>& fn);

  int64_t changes() const;
  int64_t last_insert_id() const;
  const std::filesystem::path& path() const { return path_; }
  sqlite3* handle() const { return handle_; }  // for hooks and tests

  // Makes every statement from now on that writes fail with this SQLite result code; 0 = no longer. For tests of disk
  // full and the like.
  void fail_writes_for_testing(int code) { fail_writes_ = code; }

 private:
  friend class Statement;
  Database(sqlite3* handle, std::filesystem::path path) : handle_(handle), path_(std::move(path)) {}
  Error last_error(int code) const;
  void give_back(sqlite3_stmt* statement);

  sqlite3* handle_ = nullptr;
  std::filesystem::path path_;
  std::multimap<std::string, sqlite3_stmt*, std::less<>> idle_;  // prepared, lent to nobody
  int fail_writes_ = 0;
};

// Whether the file system of that folder is one over a network (statfs(2)); its name, or empty. Exposed for start-up
// checks.
std::string network_file_system(const std::filesystem::path& folder);
// The same for a number out of statfs, apart for the test table.
std::string network_file_system_of(int64_t statfs_type);

}  // namespace modelyard::sqlite
