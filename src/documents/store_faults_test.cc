// SPDX-License-Identifier: Apache-2.0
// What a store does with damaged, foreign and full files, too much work and a process that is killed.
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <future>

#include "documents/store_fixture.h"
#include "documents/writer.h"

namespace modelyard::documents {
namespace {

using testing::HasSubstr;

class StoreFaultTest : public StoreTest {};

TEST_F(StoreFaultTest, SecondProcessIsRefused) {
  open();
  const auto second = Store::open(options_, clock_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::kConflict);
  EXPECT_THAT(second.error().message(), HasSubstr("another process"));
}

TEST_F(StoreFaultTest, NewerFormatIsRefused) {
  open();
  put(1, {{"1", squid(1, "yahoo.com")}});
  store_.reset();
  sqlite3* raw = nullptr;
  ASSERT_EQ(sqlite3_open((options_.folder / "2023-11-14.db").c_str(), &raw), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(raw, "PRAGMA user_version=99", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(raw);
  const auto store = Store::open(options_, clock_);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code(), ErrorCode::kUnsupported);
  EXPECT_THAT(store.error().message(), HasSubstr("newer modelyard"));
}

TEST_F(StoreFaultTest, RubbishFileIsNamed) {
  std::filesystem::create_directories(options_.folder);
  std::ofstream(options_.folder / "2023-11-14.db") << std::string(5000, 'x');
  const auto store = Store::open(options_, clock_);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code(), ErrorCode::kDataLoss);
  EXPECT_THAT(store.error().message(), HasSubstr("2023-11-14.db"));
}

TEST_F(StoreFaultTest, DiskFullLosesNothing) {
  std::filesystem::create_directories(options_.folder);
  Shared shared;
  auto writer = Writer::open(options_, clock_, shared);
  ASSERT_TRUE(writer);
  ASSERT_TRUE((*writer)->write(batch(10, {{"a", squid(1, "yahoo.com")}}, 0), nullptr));
  (*writer)->database_for_testing().fail_writes_for_testing(SQLITE_FULL);
  const auto full = (*writer)->write(batch(20, {{"b", squid(2, "yahoo.com")}}, 10), nullptr);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code(), ErrorCode::kResourceExhausted);
  EXPECT_THAT(full.error().message(), HasSubstr("disk is full"));
  (*writer)->database_for_testing().fail_writes_for_testing(0);
  const auto again = (*writer)->write(batch(20, {{"b", squid(2, "yahoo.com")}}, 10), nullptr);
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(again->stored, 1);
}

TEST_F(StoreFaultTest, QueueIsBounded) {
  options_.queued_bytes_max = 100;
  open();
  std::promise<void> hold;
  auto held = hold.get_future().share();
  auto subscription = store_->subscribe([held](const auto&) { held.wait(); });
  std::vector<std::future<Result<Stored>>> results;
  for (int i = 0; i < 4; ++i) {
    auto promise = std::make_shared<std::promise<Result<Stored>>>();
    results.push_back(promise->get_future());
    store_->store(batch(i + 1, {{std::to_string(i), squid(i, "yahoo.com")}}),
                  [promise](auto r) { promise->set_value(std::move(r)); });
  }
  hold.set_value();
  int stored = 0;
  int refused = 0;
  for (auto& result : results) {
    const auto value = result.get();
    if (value) ++stored;
    if (!value && value.error().code() == ErrorCode::kUnavailable) ++refused;
  }
  EXPECT_EQ(stored + refused, 4);
  EXPECT_GE(stored, 1);
  EXPECT_GE(refused, 2);
  subscription.reset();
}

// A process that stores batch after batch is killed at some moment; the next one goes on from the stored offset. Each
// document is there exactly once.
TEST_F(StoreFaultTest, KilledWriterThenRerunStoresEachOnce) {
  constexpr int kBatches = 200;
  constexpr int kInBatch = 20;
  const auto feed = [&](Store& store, int pipe_fd) {
    const auto offset = store.offset("squid", "file:/log");
    for (int64_t b = offset ? offset->offset : 0; b < kBatches; ++b) {
      std::vector<Document> documents;
      for (int i = 0; i < kInBatch; ++i) {
        const int n = static_cast<int>(b) * kInBatch + i;
        documents.push_back({"d" + std::to_string(n), squid(n, "yahoo.com")});
      }
      const auto stored = store.store_and_wait(batch(b + 1, std::move(documents), b));
      if (!stored || stored->already != 0) return false;
      if (pipe_fd >= 0 && write(pipe_fd, "x", 1) != 1) return false;
    }
    return true;
  };
  for (const int kill_after : {1, 7, 60}) {
    int pipe_fds[2];
    ASSERT_EQ(pipe(pipe_fds), 0);
    const pid_t child = fork();
    if (child == 0) {
      auto store = Store::open(options_, clock_);
      _exit(store && feed(**store, pipe_fds[1]) ? 0 : 1);
    }
    close(pipe_fds[1]);
    char byte = 0;
    for (int i = 0; i < kill_after; ++i) ASSERT_EQ(read(pipe_fds[0], &byte, 1), 1);
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    close(pipe_fds[0]);
    ASSERT_TRUE(WIFSIGNALED(status));
  }
  open();
  EXPECT_TRUE(feed(*store_, -1));
  Query query;
  query.limit = 10'000;
  const auto page = store_->search_and_wait(query);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->documents.size(), static_cast<size_t>(kBatches * kInBatch));
  query.text = "yahoo.com";
  EXPECT_EQ(store_->facets_and_wait(query)->total, kBatches * kInBatch);
}

}  // namespace
}  // namespace modelyard::documents
