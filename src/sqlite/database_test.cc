// SPDX-License-Identifier: Apache-2.0
#include "sqlite/database.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file.h"

namespace modelyard::sqlite {
namespace {

OpenOptions ours(int format = 1) {
  OpenOptions options;
  options.application_id = 0x4d595454;
  options.kind = "test";
  options.format = format;
  options.migrate = [](Database& database, int from) -> Status {
    if (from == 0) MY_TRY_VOID(database.execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT UNIQUE)"));
    if (from < 2) return {};
    return database.execute("ALTER TABLE t ADD COLUMN c");
  };
  return options;
}

class DatabaseTest : public testing::Test {
 protected:
  io::TemporaryFolder folder_ = io::TemporaryFolder::make("modelyard-sqlite").value();
  std::filesystem::path path_ = folder_.path() / "t.db";
  Database open() { return Database::open(path_, ours()).value(); }
};

TEST_F(DatabaseTest, KeepsWhatIsWrittenOverAReopen) {
  {
    Database database = open();
    auto insert = database.prepare("INSERT INTO t VALUES(?1,?2)").value();
    ASSERT_TRUE(insert.bind(1, 1).bind(2, std::string_view("a\0b", 3)).run());
    ASSERT_TRUE(insert.bind(1, 2).bind_null(2).run());
  }
  Database database = open();
  auto select = database.prepare("SELECT a, b FROM t ORDER BY a").value();
  ASSERT_TRUE(select.step().value());
  EXPECT_EQ(select.text(1), std::string_view("a\0b", 3));
  ASSERT_TRUE(select.step().value());
  EXPECT_TRUE(select.is_null(1));
  EXPECT_FALSE(select.step().value());
  EXPECT_EQ(database.query_integer("PRAGMA user_version").value(), 1);
  EXPECT_EQ(database.query_integer("PRAGMA synchronous").value(), 2);
}

TEST_F(DatabaseTest, AFailedTransactionLeavesNothing) {
  Database database = open();
  const Status status = database.transaction([&]() -> Status {
    MY_TRY_VOID(database.execute("INSERT INTO t VALUES(1,'x')"));
    return fail(ErrorCode::kConflict, "no");
  });
  EXPECT_EQ(status.error().code(), ErrorCode::kConflict);
  EXPECT_EQ(database.query_integer("SELECT count(*) FROM t").value(), 0);
  ASSERT_TRUE(database.transaction([&] { return database.execute("INSERT INTO t VALUES(1,'x')"); }));
  EXPECT_EQ(database.query_integer("SELECT count(*) FROM t").value(), 1);
}

TEST_F(DatabaseTest, AStatementIsLentFromTheCacheAndComesBackClean) {
  Database database = open();
  {
    auto first = database.prepare("SELECT ?1").value();
    first.bind(1, 5);
    ASSERT_TRUE(first.step().value());
    auto second = database.prepare("SELECT ?1").value();  // the same text, lent out twice at once
    ASSERT_TRUE(second.step().value());
    EXPECT_TRUE(second.is_null(0));
  }
  auto again = database.prepare("SELECT ?1").value();
  ASSERT_TRUE(again.step().value());
  EXPECT_TRUE(again.is_null(0)) << "what was bound is gone";
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(database.prepare("SELECT " + std::to_string(i)));
}

TEST_F(DatabaseTest, ABindOutOfRangeIsAnErrorOfTheStep) {
  Database database = open();
  auto statement = database.prepare("SELECT ?1").value();
  statement.bind(9, 5);
  EXPECT_FALSE(statement.step());
}

struct Code {
  std::string name;
  int sqlite;
  ErrorCode code;
  std::string says;
};
class ErrorTable : public testing::TestWithParam<Code> {};
TEST_P(ErrorTable, TellsWhatToDo) {
  const Error error = error_of(GetParam().sqlite, "words of SQLite", "/d/f.db");
  EXPECT_EQ(error.code(), GetParam().code);
  EXPECT_NE(error.message().find("'/d/f.db'"), std::string::npos);
  EXPECT_NE(error.message().find("words of SQLite"), std::string::npos);
  EXPECT_NE(error.message().find(GetParam().says), std::string::npos) << error.message();
}
INSTANTIATE_TEST_SUITE_P(
    Sqlite, ErrorTable,
    testing::Values(Code{"full", SQLITE_FULL, ErrorCode::kResourceExhausted, "free some space"},
                    Code{"full_io", SQLITE_IOERR_WRITE, ErrorCode::kUnavailable, "look at the disk"},
                    Code{"corrupt", SQLITE_CORRUPT_INDEX, ErrorCode::kDataLoss, "damaged"},
                    Code{"no_database", SQLITE_NOTADB, ErrorCode::kDataLoss, "not a database"},
                    Code{"busy", SQLITE_BUSY_SNAPSHOT, ErrorCode::kUnavailable, "another process"},
                    Code{"readonly", SQLITE_READONLY_DIRECTORY, ErrorCode::kPermissionDenied, "permissions"},
                    Code{"constraint", SQLITE_CONSTRAINT_UNIQUE, ErrorCode::kConflict, ""},
                    Code{"other", SQLITE_MISUSE, ErrorCode::kInternal, ""}),
    [](const auto& row) { return row.param.name; });

TEST_F(DatabaseTest, ANewerFormatIsRefusedByName) {
  { open(); }
  { ASSERT_TRUE(Database::open(path_, ours(3))); }
  const auto refused = Database::open(path_, ours(2));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kUnsupported);
  EXPECT_NE(refused.error().message().find("format 3"), std::string::npos) << refused.error().message();
  EXPECT_NE(refused.error().message().find("newer modelyard"), std::string::npos);
}

TEST_F(DatabaseTest, AFileOfAnotherProgramIsRefused) {
  sqlite3* raw = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &raw), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(raw, "CREATE TABLE theirs(a)", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(raw);
  EXPECT_EQ(Database::open(path_, ours()).error().code(), ErrorCode::kDataLoss);
}

TEST_F(DatabaseTest, RubbishIsDataLoss) {
  ASSERT_TRUE(io::write_file_atomic(path_, std::string(8192, 'x')));
  EXPECT_EQ(Database::open(path_, ours()).error().code(), ErrorCode::kDataLoss);
}

TEST_F(DatabaseTest, ADamagedPageIsDataLossWhenItIsRead) {
  {
    Database database = open();
    for (int i = 0; i < 2000; ++i) {
      ASSERT_TRUE(database.execute("INSERT INTO t(b) VALUES('" + std::string(50, 'a') + std::to_string(i) + "')"));
      if (i == 0) ASSERT_TRUE(database.execute("PRAGMA synchronous=OFF"));
    }
  }
  std::string bytes = io::read_file(path_).value();
  ASSERT_GT(bytes.size(), 40'000u);
  for (size_t i = 4096; i < bytes.size(); ++i) bytes[i] = '\xee';
  ASSERT_TRUE(io::write_file_atomic(path_, bytes));
  auto database = Database::open(path_, ours());
  const auto count = database ? database->query_integer("SELECT sum(length(b)) FROM t")
                              : Result<std::optional<int64_t>>(tl::unexpected<Error>(database.error()));
  ASSERT_FALSE(count);
  EXPECT_EQ(count.error().code(), ErrorCode::kDataLoss) << count.error().message();
}

TEST_F(DatabaseTest, AFolderThatIsNotThereIsNamed) {
  const auto refused = Database::open(folder_.path() / "absent" / "t.db", ours());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kUnavailable);
  EXPECT_NE(refused.error().message().find("absent/t.db"), std::string::npos);
}

TEST_F(DatabaseTest, AFullDiskIsToldAndEndsWithSpace) {
  Database database = open();
  // A bound on the file's pages is what a full disk looks like to SQLite.
  const int64_t pages = database.query_integer("PRAGMA page_count").value().value();
  ASSERT_TRUE(database.query_integer("PRAGMA max_page_count=" + std::to_string(pages + 1)));
  Status status;
  for (int i = 0; i < 1000 && status; ++i)
    status = database.execute("INSERT INTO t(b) VALUES('" + std::string(500, 'a') + std::to_string(i) + "')");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), ErrorCode::kResourceExhausted);
  ASSERT_TRUE(database.query_integer("PRAGMA max_page_count=100000"));
  EXPECT_TRUE(database.execute("INSERT INTO t(b) VALUES('fits')"));
}

TEST_F(DatabaseTest, WritesFailOnDemand) {
  Database database = open();
  database.fail_writes_for_testing(SQLITE_FULL);
  EXPECT_EQ(database.execute("INSERT INTO t VALUES(1,'x')").error().code(), ErrorCode::kResourceExhausted);
  auto insert = database.prepare("INSERT INTO t VALUES(1,'x')").value();
  EXPECT_EQ(insert.run().error().code(), ErrorCode::kResourceExhausted);
  EXPECT_TRUE(database.query_integer("SELECT count(*) FROM t"));
  database.fail_writes_for_testing(0);
  EXPECT_TRUE(insert.run());
}

TEST(NetworkFileSystem, IsKnownByItsNumber) {
  EXPECT_EQ(network_file_system_of(0x6969), "NFS");
  EXPECT_EQ(network_file_system_of(static_cast<int32_t>(0xff534d42)), "CIFS") << "statfs may give it with its sign";
  EXPECT_EQ(network_file_system_of(0xef53), "") << "ext4";
  EXPECT_EQ(network_file_system_of(0x794c7630), "") << "overlayfs";
  EXPECT_EQ(network_file_system_of(0x01021994), "") << "tmpfs";
}

}  // namespace
}  // namespace modelyard::sqlite
