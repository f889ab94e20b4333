// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/result.h"
#include "io/task.h"

namespace modelyard::api {

// One thread for work that may block (unpacking, reading logs), so that no loop has to. Jobs run in order; the queue is
// bounded. Thread-safe. The destructor drops what has not begun and waits for what has.
class Worker {
 public:
  explicit Worker(size_t queued_max = 64);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // kUnavailable when too much is queued.
  Status post(std::function<void()> job);

 private:
  void run();

  const size_t queued_max_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  bool stopping_ = false;
  std::thread thread_;
};

// A value that another thread gives and a coroutine of `loop` waits for. The giver keeps a copy of the promise; if the
// waiter is cancelled the value is dropped.
template <typename T>
class Promise {
 public:
  explicit Promise(io::Loop& loop) : state_(std::make_shared<State>(loop)) {}

  // From any thread, once.
  void set(T value) const {
    auto held = std::make_shared<T>(std::move(value));
    state_->loop.post([state = state_, held] {
      state->value.emplace(std::move(*held));
      state->given.notify_all();
    });
  }

  io::Task<T> wait() {
    const auto state = state_;
    while (!state->value) co_await state->given.wait();
    co_return std::move(*state->value);
  }

 private:
  struct State {
    explicit State(io::Loop& l) : loop(l), given(l.executor()) {}
    io::Loop& loop;
    io::Event given;
    std::optional<T> value;
  };
  std::shared_ptr<State> state_;
};

// Runs job on the worker and resumes on the loop with its result; kUnavailable when the worker has too much to do.
template <typename T>
io::Task<Result<T>> run_on(Worker& worker, io::Loop& loop, std::function<Result<T>()> job) {
  Promise<Result<T>> promise(loop);
  MY_CO_TRY_VOID(worker.post([promise, job = std::move(job)] { promise.set(job()); }));
  co_return co_await promise.wait();
}

}  // namespace modelyard::api
