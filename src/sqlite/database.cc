// SPDX-License-Identifier: Apache-2.0
#include "sqlite/database.h"

#include <sqlite3.h>
#include <sys/vfs.h>

#include <utility>

#include "base/assert.h"

namespace modelyard::sqlite {
namespace {

// Idle statements beyond this are closed: a caller that builds texts must not fill the memory.
constexpr size_t kIdleStatementsMax = 64;

struct CodeOf {
  int sqlite;
  ErrorCode code;
  std::string_view advice;
};
constexpr CodeOf kCodes[] = {
    {SQLITE_FULL, ErrorCode::kResourceExhausted, "the disk is full: free some space"},
    {SQLITE_TOOBIG, ErrorCode::kResourceExhausted, "a value is too large"},
    {SQLITE_NOMEM, ErrorCode::kResourceExhausted, "out of memory"},
    {SQLITE_CORRUPT, ErrorCode::kDataLoss,
     "the file is damaged: put it aside and restore it, or start with an empty one"},
    {SQLITE_NOTADB, ErrorCode::kDataLoss, "the file is not a database: put it aside"},
    {SQLITE_BUSY, ErrorCode::kUnavailable, "another process uses the file"},
    {SQLITE_LOCKED, ErrorCode::kUnavailable, "another process uses the file"},
    {SQLITE_IOERR, ErrorCode::kUnavailable, "reading or writing failed: look at the disk"},
    {SQLITE_CANTOPEN, ErrorCode::kUnavailable, "it cannot be opened: look at the folder and its permissions"},
    {SQLITE_READONLY, ErrorCode::kPermissionDenied,
     "it may not be written: look at the permissions of file and folder"},
    {SQLITE_PERM, ErrorCode::kPermissionDenied, "access is denied"},
    {SQLITE_AUTH, ErrorCode::kPermissionDenied, "access is denied"},
    {SQLITE_CONSTRAINT, ErrorCode::kConflict, ""},
    {SQLITE_INTERRUPT, ErrorCode::kCancelled, ""},
};

struct NetworkFs {
  int64_t magic;
  std::string_view name;
};
// statfs(2) and linux/magic.h. FUSE (0x65735546) is here because the common FUSE systems are remote (sshfs, s3fs,
// glusterfs).
constexpr NetworkFs kNetworkFs[] = {
    {0x6969, "NFS"},      {0x517b, "SMB"},        {0xff534d42, "CIFS"},   {0xfe534d42, "SMB2"},
    {0x65735546, "FUSE"}, {0x5346414f, "AFS"},    {0x6b414653, "AFS"},    {0x73757245, "Coda"},
    {0x01021997, "9P"},   {0x00c36400, "Ceph"},   {0x0bd00bd0, "Lustre"}, {0x47504653, "GPFS"},
    {0x564c, "NCP"},      {0x19830326, "BeeGFS"}, {0x7461636f, "OCFS2"},  {0x01161970, "GFS2"},
};

Status check_identity(Database& database, const OpenOptions& options, int64_t* format) {
  MY_TRY(const auto id, database.query_integer("PRAGMA application_id"));
  MY_TRY(const auto version, database.query_integer("PRAGMA user_version"));
  MY_TRY(const auto tables, database.query_integer("SELECT count(*) FROM sqlite_schema"));
  const bool is_new = id.value_or(0) == 0 && version.value_or(0) == 0 && tables.value_or(0) == 0;
  const std::string name = "'" + database.path().string() + "'";
  if (!is_new && id.value_or(0) != options.application_id) {
    return fail(ErrorCode::kDataLoss, name + " is not a modelyard " + std::string(options.kind) +
                                          " file: put it aside or choose another folder");
  }
  if (version.value_or(0) > options.format) {
    return fail(ErrorCode::kUnsupported,
                name + " has format " + std::to_string(*version) + ", this program knows up to format " +
                    std::to_string(options.format) +
                    ": it was written by a newer modelyard. Use that one, or another data folder");
  }
  *format = is_new ? 0 : version.value_or(0);
  return {};
}

Status bring_up_to_date(Database& database, const OpenOptions& options, int64_t format) {
  if (format == options.format || options.read_only) return {};
  return database.transaction([&]() -> Status {
    if (options.migrate) MY_TRY_VOID(options.migrate(database, static_cast<int>(format)));
    MY_TRY_VOID(database.execute("PRAGMA application_id=" + std::to_string(options.application_id)));
    return database.execute("PRAGMA user_version=" + std::to_string(options.format));
  });
}

}  // namespace

Error error_of(int code, std::string_view message, const std::filesystem::path& path) {
  std::string text = "'" + path.string() + "': " + std::string(message);
  for (const CodeOf& row : kCodes) {
    if (row.sqlite != (code & 0xff)) continue;
    if (!row.advice.empty()) text += " (" + std::string(row.advice) + ")";
    return Error(row.code, std::move(text));
  }
  return Error(ErrorCode::kInternal, std::move(text));
}

std::string network_file_system_of(int64_t statfs_type) {
  for (const NetworkFs& row : kNetworkFs) {
    if (row.magic == (statfs_type & 0xffffffff)) return std::string(row.name);
  }
  return "";
}

std::string network_file_system(const std::filesystem::path& folder) {
  struct statfs info {};
  if (statfs(folder.empty() ? "." : folder.c_str(), &info) != 0) return "";
  return network_file_system_of(static_cast<int64_t>(info.f_type));
}

Result<Database> Database::open(const std::filesystem::path& path, const OpenOptions& options) {
  const bool in_memory = path == ":memory:";
  if (!in_memory && options.refuse_network_fs) {
    if (const std::string fs = network_file_system(path.parent_path()); !fs.empty()) {
      return fail(ErrorCode::kUnsupported, "'" + path.string() + "' lies on a network file system (" + fs +
                                               "), where a database is not safe: choose a folder on a local disk");
    }
  }
  sqlite3* handle = nullptr;
  const int flags = (options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) |
                    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  Database database(handle, path);
  if (code != SQLITE_OK) return fail(database.last_error(code));
  sqlite3_busy_timeout(handle, static_cast<int>(options.busy_wait.count()));
  sqlite3_extended_result_codes(handle, 1);

  // The first read is what finds a file that is no database.
  int64_t format = 0;
  MY_TRY_VOID(check_identity(database, options, &format));
  if (!options.read_only) MY_TRY_VOID(database.execute("PRAGMA journal_mode=WAL"));
  MY_TRY_VOID(database.execute(options.synchronous_full ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL"));
  MY_TRY_VOID(database.execute("PRAGMA cache_size=-" + std::to_string(options.cache_bytes >> 10)));
  MY_TRY_VOID(database.execute("PRAGMA foreign_keys=ON"));
  MY_TRY_VOID(database.execute("PRAGMA trusted_schema=OFF"));
  MY_TRY_VOID(bring_up_to_date(database, options, format));
  return database;
}

Database::Database(Database&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)),
      path_(std::move(other.path_)),
      idle_(std::move(other.idle_)),
      fail_writes_(other.fail_writes_) {
  other.idle_.clear();
}

Database::~Database() {
  for (const auto& [sql, statement] : idle_) sqlite3_finalize(statement);
  sqlite3_close_v2(handle_);
}

Error Database::last_error(int code) const {
  return error_of(code, handle_ != nullptr ? sqlite3_errmsg(handle_) : sqlite3_errstr(code), path_);
}

Status Database::execute(std::string_view sql) {
  const char* at = sql.data();
  const char* const end = at + sql.size();
  while (at < end) {
    sqlite3_stmt* raw = nullptr;
    const char* rest = nullptr;
    const int code = sqlite3_prepare_v2(handle_, at, static_cast<int>(end - at), &raw, &rest);
    if (code != SQLITE_OK) return fail(last_error(code));
    at = rest;
    if (raw == nullptr) continue;  // white space or a comment
    int step = SQLITE_ROW;
    if (fail_writes_ != 0 && !sqlite3_stmt_readonly(raw)) step = fail_writes_;
    while (step == SQLITE_ROW) step = sqlite3_step(raw);
    std::optional<Error> error;
    if (step != SQLITE_DONE)
      error = step == fail_writes_ ? error_of(step, sqlite3_errstr(step), path_) : last_error(step);
    sqlite3_finalize(raw);
    if (error) return fail(std::move(*error));
  }
  return {};
}

Result<Statement> Database::prepare(std::string_view sql) {
  if (const auto found = idle_.find(sql); found != idle_.end()) {
    sqlite3_stmt* statement = found->second;
    idle_.erase(found);
    return Statement(this, statement);
  }
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                      &statement, nullptr);
  if (code != SQLITE_OK) return fail(last_error(code));
  return Statement(this, statement);
}

void Database::give_back(sqlite3_stmt* statement) {
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  if (idle_.size() >= kIdleStatementsMax) {
    sqlite3_finalize(idle_.begin()->second);
    idle_.erase(idle_.begin());
  }
  idle_.emplace(sqlite3_sql(statement), statement);
}

Result<std::optional<int64_t>> Database::query_integer(std::string_view sql) {
  MY_TRY(auto statement, prepare(sql));
  MY_TRY(const bool row, statement.step());
  if (!row || statement.is_null(0)) return std::optional<int64_t>();
  return std::optional<int64_t>(statement.integer(0));
}

Status Database::transaction(const std::function<Status()>& fn) {
  MY_TRY_VOID(execute("BEGIN IMMEDIATE"));
  Status status = fn();
  if (status) status = execute("COMMIT");
  if (!status) {
    // Some failures (disk full, I/O) have rolled back already: then there is nothing to do, and an error here says
    // nothing new.
    if (sqlite3_get_autocommit(handle_) == 0) sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
  }
  return status;
}

int64_t Database::changes() const { return sqlite3_changes64(handle_); }
int64_t Database::last_insert_id() const { return sqlite3_last_insert_rowid(handle_); }

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_), statement_(std::exchange(other.statement_, nullptr)), bind_code_(other.bind_code_) {}

Statement::~Statement() {
  if (statement_ != nullptr) database_->give_back(statement_);
}

Statement& Statement::bind(int index, int64_t value) {
  note(sqlite3_bind_int64(statement_, index, value));
  return *this;
}
Statement& Statement::bind(int index, double value) {
  note(sqlite3_bind_double(statement_, index, value));
  return *this;
}
Statement& Statement::bind(int index, std::string_view text) {
  note(sqlite3_bind_text64(statement_, index, text.data() == nullptr ? "" : text.data(), text.size(), SQLITE_TRANSIENT,
                           SQLITE_UTF8));
  return *this;
}
Statement& Statement::bind_blob(int index, std::string_view bytes) {
  note(sqlite3_bind_blob64(statement_, index, bytes.data() == nullptr ? "" : bytes.data(), bytes.size(),
                           SQLITE_TRANSIENT));
  return *this;
}
Statement& Statement::bind_null(int index) {
  note(sqlite3_bind_null(statement_, index));
  return *this;
}

Result<bool> Statement::step() {
  if (bind_code_ != 0) return fail(error_of(std::exchange(bind_code_, 0), "binding a value failed", database_->path_));
  if (database_->fail_writes_ != 0 && sqlite3_stmt_readonly(statement_) == 0) {
    return fail(error_of(database_->fail_writes_, sqlite3_errstr(database_->fail_writes_), database_->path_));
  }
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return fail(database_->last_error(code));
}

Status Statement::run() {
  const auto row = step();
  reset();
  if (!row) return fail(row.error());
  return {};
}

void Statement::reset() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_, column); }
double Statement::real(int column) const { return sqlite3_column_double(statement_, column); }
std::string_view Statement::text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return text == nullptr ? std::string_view()
                         : std::string_view(text, static_cast<size_t>(sqlite3_column_bytes(statement_, column)));
}
std::string_view Statement::blob(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  return bytes == nullptr ? std::string_view()
                          : std::string_view(bytes, static_cast<size_t>(sqlite3_column_bytes(statement_, column)));
}
bool Statement::is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
int Statement::columns() const { return sqlite3_column_count(statement_); }
std::string_view Statement::column_name(int column) const {
  const char* name = sqlite3_column_name(statement_, column);
  return name == nullptr ? std::string_view() : std::string_view(name);
}

}  // namespace modelyard::sqlite
