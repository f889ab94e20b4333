// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <memory>
#include <type_traits>

#include "base/clock.h"
#include "base/result.h"
#include "io/fwd.h"

namespace modelyard::io {

namespace asio = boost::asio;

// The executor of one loop. Naming it, instead of Asio's any_io_executor, saves a virtual call for each step.
using Executor = asio::io_context::executor_type;

// A coroutine on one loop. co_await it, or hand it to Scope::spawn. Cancelling the scope that runs it makes the pending
// operation throw boost::system::system_error(operation_aborted); the stack unwinds, destructors release what is held,
// and the scope swallows it. Code above io/ neither throws nor catches: errors are Result values.
template <typename T>
using Task = asio::awaitable<T, Executor>;

// For asio operations inside io/ and http/: auto [error, n] = co_await socket.async_read_some(buffer, io::as_result);
inline constexpr auto as_result = asio::as_tuple(asio::use_awaitable_t<Executor>{});

// One thread's event loop. Create, spawn or post work, run() on the thread that owns it; stop() from anywhere. An
// object that belongs to a loop is touched on its thread alone: check with is_current().
class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  Executor executor() { return context_.get_executor(); }
  asio::io_context& context() { return context_; }

  // Runs until stop(). Returns at once if stop() came first.
  void run();
  void stop();
  // Thread-safe. fn runs on the loop's thread, never inside post().
  void post(std::function<void()> fn);
  bool is_current() const;

 private:
  asio::io_context context_;
  asio::executor_work_guard<Executor> work_;
};

// Runs the coroutines of one owner and outlives them: stop() cancels every one and returns when the last has ended, so
// members that they use may be destroyed. Confined to its loop. The destructor requires that stop() has returned or
// nothing was spawned.
class Scope {
 public:
  explicit Scope(Executor executor);
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  // An exception other than cancellation that escapes the task is a bug: logged, then the process aborts.
  void spawn(Task<void> task);
  // Cancels, then waits. Idempotent.
  Task<void> stop();
  // Cancels without waiting.
  void cancel();
  // Waits until nothing runs, without cancelling.
  Task<void> join();
  size_t running() const;
  Executor executor() const { return executor_; }

 private:
  struct State;
  Executor executor_;
  std::shared_ptr<State> state_;
};

// Runs fn on the executor's loop, never inside post(). Thread-safe.
void post(Executor executor, std::function<void()> fn);

// Suspends until the time. Cancellable.
Task<void> sleep_until(SteadyTime when);
Task<void> sleep_for(std::chrono::nanoseconds how_long);

// A condition variable for one loop: wait() suspends until notify_all() is called after it, or the deadline passes
// (false).
class Event {
 public:
  explicit Event(Executor executor);
  ~Event();
  void notify_all();
  Task<bool> wait_until(SteadyTime deadline);
  Task<void> wait();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

// Runs task on another loop and resumes here with its value.
template <typename T>
Task<T> on_loop(Executor other, Task<T> task);

// Runs task to its end on a loop of its own, blocking the calling thread: for the command line and tests.
template <typename T>
T run_blocking(Loop& loop, Task<T> task);

// Suspends until one of the signals arrives; returns its number.
Task<int> wait_for_signal(std::initializer_list<int> signals);

}  // namespace modelyard::io

#include "io/task_impl.h"
