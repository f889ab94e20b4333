// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <thread>

#include "io/file.h"
#include "io/task.h"

namespace modelyard::io {
namespace {

using namespace std::chrono_literals;

TEST(Scope, StopCancelsAndWaitsForEveryTask) {
  Loop loop;
  int ended = 0;
  struct CountEnd {
    int& count;
    ~CountEnd() { ++count; }
  };
  run_blocking(loop, [](Loop& l, int& count) -> Task<void> {
    Scope scope(l.executor());
    for (int i = 0; i < 10; ++i) {
      scope.spawn([](int& c) -> Task<void> {
        CountEnd counter{c};
        co_await sleep_for(1h);
      }(count));
    }
    EXPECT_EQ(scope.running(), 10u);
    co_await sleep_for(1ms);
    co_await scope.stop();
    EXPECT_EQ(scope.running(), 0u);
    scope.spawn([](int& c) -> Task<void> {
      c = 1000;
      co_return;
    }(count));
    EXPECT_EQ(scope.running(), 0u) << "a stopped scope runs nothing";
  }(loop, ended));
  EXPECT_EQ(ended, 10);
}

TEST(Event, WakesWaitersAndKeepsDeadlines) {
  Loop loop;
  run_blocking(loop, [](Loop& l) -> Task<void> {
    Event event(l.executor());
    EXPECT_FALSE(co_await event.wait_until(std::chrono::steady_clock::now() + 1ms));
    Scope scope(l.executor());
    bool woke = false;
    scope.spawn([](Event& e, bool& w) -> Task<void> {
      w = co_await e.wait_until(std::chrono::steady_clock::now() + 1h);
    }(event, woke));
    co_await sleep_for(1ms);
    event.notify_all();
    co_await scope.join();
    EXPECT_TRUE(woke);
  }(loop));
}

TEST(Event, CancelledWhileWaitingUnwinds) {
  Loop loop;
  run_blocking(loop, [](Loop& l) -> Task<void> {
    Event event(l.executor());
    Scope scope(l.executor());
    bool reached = false;
    scope.spawn([](Event& e, bool& r) -> Task<void> {
      co_await e.wait();
      r = true;
    }(event, reached));
    co_await sleep_for(1ms);
    co_await scope.stop();
    EXPECT_FALSE(reached);
  }(loop));
}

TEST(Loop, OnLoopRunsThereAndResumesHere) {
  Loop other;
  std::thread thread([&] { other.run(); });
  Loop loop;
  const int value = run_blocking(loop, [](Loop& here, Loop& there) -> Task<int> {
    const int got = co_await on_loop(there.executor(), [](Loop& t) -> Task<int> {
      EXPECT_TRUE(t.is_current());
      co_return 41;
    }(there));
    EXPECT_TRUE(here.is_current());
    co_return got + 1;
  }(loop, other));
  EXPECT_EQ(value, 42);
  other.stop();
  thread.join();
}

TEST(File, AtomicWriteReplacesTheWholeFile) {
  const auto folder = TemporaryFolder::make("modelyard-io").value();
  const auto path = folder.path() / "f";
  ASSERT_TRUE(write_file_atomic(path, "one"));
  ASSERT_TRUE(write_file_atomic(path, "two"));
  EXPECT_EQ(read_file(path).value(), "two");
  EXPECT_EQ(read_file(path, 2).error().code(), ErrorCode::kResourceExhausted);
  EXPECT_EQ(read_file(folder.path() / "absent").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1) << "no temporary file stays";
}

TEST(File, ALockHasOneHolder) {
  const auto folder = TemporaryFolder::make("modelyard-io").value();
  auto first = lock_file(folder.path() / "lock");
  ASSERT_TRUE(first);
  EXPECT_EQ(lock_file(folder.path() / "lock").error().code(), ErrorCode::kConflict);
  first->reset();
  EXPECT_TRUE(lock_file(folder.path() / "lock"));
}

}  // namespace
}  // namespace modelyard::io
