// SPDX-License-Identifier: Apache-2.0
#include "sqlite/worker.h"

#include <gtest/gtest.h>

#include <latch>
#include <thread>

namespace modelyard::sqlite {
namespace {

using namespace std::chrono_literals;
using Job = std::function<Result<int64_t>(Database&)>;

Database in_memory() { return Database::open(":memory:", {.application_id = 1}).value(); }

Job constant(int64_t value) {
  return [value](Database&) -> Result<int64_t> { return value; };
}

TEST(Worker, AnswersOnTheCallersLoopInTheOrderOfTheCalls) {
  Worker worker(in_memory());
  io::Loop loop;
  io::run_blocking(loop, [](io::Loop& here, Worker& on) -> io::Task<void> {
    const auto caller = std::this_thread::get_id();
    for (int64_t i = 0; i < 100; ++i) {
      Job job = [caller, i](Database&) -> Result<int64_t> {
        EXPECT_NE(std::this_thread::get_id(), caller);
        return i;
      };
      const auto got = co_await on.run(std::move(job));
      EXPECT_EQ(got.value(), i);
      EXPECT_TRUE(here.is_current());
    }
  }(loop, worker));
}

TEST(Worker, AnErrorOfTheJobIsTheAnswer) {
  Worker worker(in_memory());
  io::Loop loop;
  Job job = [](Database& database) -> Result<int64_t> {
    MY_TRY_VOID(database.execute("SELECT nonsense"));
    return 1;
  };
  const auto got = io::run_blocking(loop, worker.run(std::move(job)));
  ASSERT_FALSE(got);
  EXPECT_NE(got.error().message().find("nonsense"), std::string::npos);
}

TEST(Worker, AFullQueueIsRefusedAndAClosedOneToo) {
  Worker worker(in_memory(), {.queue_max = 2});
  std::latch begun(1), go_on(1);
  ASSERT_TRUE(worker.post([&](Database&) {
    begun.count_down();
    go_on.wait();
  }));
  begun.wait();
  EXPECT_TRUE(worker.post([](Database&) {}));
  EXPECT_TRUE(worker.post([](Database&) {}));
  EXPECT_FALSE(worker.post([](Database&) {}));
  io::Loop loop;
  EXPECT_EQ(io::run_blocking(loop, worker.run(constant(1))).error().code(), ErrorCode::kResourceExhausted);
  go_on.count_down();
  worker.close();
  EXPECT_EQ(io::run_blocking(loop, worker.run(constant(1))).error().code(), ErrorCode::kUnavailable);
}

TEST(Worker, CloseLetsWhatWaitsFinish) {
  std::atomic<int> done = 0;
  {
    Worker worker(in_memory());
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(worker.post([&](Database&) { ++done; }));
  }
  EXPECT_EQ(done, 50);
}

TEST(Worker, ACancelledCallerLeavesTheJobUnharmed) {
  Worker worker(in_memory());
  io::Loop loop;
  std::latch go_on(1);
  std::atomic<int> done = 0;
  std::atomic<bool> started = false;
  io::run_blocking(
      loop,
      [](io::Loop& here, Worker& on, std::latch& gate, std::atomic<int>& count,
         std::atomic<bool>& began) -> io::Task<void> {
        io::Scope scope(here.executor());
        scope.spawn([](Worker& w, std::latch& g, std::atomic<int>& c, std::atomic<bool>& b) -> io::Task<void> {
          Job job = [&g, &c, &b](Database&) -> Result<int64_t> {
            b = true;
            g.wait();
            return ++c;
          };
          (void)co_await w.run(std::move(job));
        }(on, gate, count, began));
        while (!began)
          co_await io::sleep_for(1ms);  // bounded by the test's own time: a job that never starts is the failure
        co_await scope.stop();
        gate.count_down();
        EXPECT_EQ((co_await on.run(constant(7))).value(), 7);
      }(loop, worker, go_on, done, started));
  EXPECT_EQ(done, 1);
}

}  // namespace
}  // namespace modelyard::sqlite
