// SPDX-License-Identifier: Apache-2.0
#include "io/task.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <list>

#include "base/assert.h"

namespace modelyard::io {
namespace {

using Timer =
    asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, Executor>;

bool is_cancellation(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const boost::system::system_error& error) {
    return error.code() == asio::error::operation_aborted;
  } catch (...) {
    return false;
  }
}

[[noreturn]] void die_of(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    spdlog::critical("an exception left a task: {}", error.what());
  } catch (...) {
    spdlog::critical("an unknown exception left a task");
  }
  std::abort();
}

}  // namespace

Loop::Loop() : context_(1), work_(context_.get_executor()) {}
Loop::~Loop() = default;
void Loop::run() { context_.run(); }
void Loop::stop() { context_.stop(); }
void Loop::post(std::function<void()> fn) { asio::post(context_, std::move(fn)); }
bool Loop::is_current() const {
  return const_cast<asio::io_context&>(context_).get_executor().running_in_this_thread();
}

struct Scope::State {
  struct Running {
    asio::cancellation_signal signal;
  };
  explicit State(Executor executor) : ended(executor) {}
  std::list<Running> running;
  Event ended;
  bool stopping = false;
};

Scope::Scope(Executor executor) : executor_(executor), state_(std::make_shared<State>(executor)) {}

Scope::~Scope() { MY_ASSERT(state_->running.empty()); }

void Scope::spawn(Task<void> task) {
  if (state_->stopping) return;  // the task's frame is destroyed without having run
  const auto at = state_->running.emplace(state_->running.end());
  asio::co_spawn(executor_, std::move(task),
                 asio::bind_cancellation_slot(at->signal.slot(), [state = state_, at](std::exception_ptr failure) {
                   if (failure && !is_cancellation(failure)) die_of(failure);
                   state->running.erase(at);
                   if (state->running.empty()) state->ended.notify_all();
                 }));
}

void Scope::cancel() {
  state_->stopping = true;
  // A cancelled task may end, and erase its entry, while the signal is emitted: Asio resumes it later through the
  // executor, so the iterator stays valid during the loop; the next one is taken first all the same.
  for (auto at = state_->running.begin(); at != state_->running.end();) {
    const auto next = std::next(at);
    at->signal.emit(asio::cancellation_type::terminal);
    at = next;
  }
}

Task<void> Scope::stop() {
  cancel();
  co_await join();
}

Task<void> Scope::join() {
  while (!state_->running.empty()) co_await state_->ended.wait();
}

size_t Scope::running() const { return state_->running.size(); }

void post(Executor executor, std::function<void()> fn) { asio::post(executor, std::move(fn)); }

Task<void> sleep_until(SteadyTime when) {
  Timer timer(co_await asio::this_coro::executor, when);
  co_await timer.async_wait(asio::use_awaitable_t<Executor>{});
}

Task<void> sleep_for(std::chrono::nanoseconds how_long) {
  co_await sleep_until(std::chrono::steady_clock::now() + std::chrono::duration_cast<SteadyTime::duration>(how_long));
}

struct Event::Impl {
  explicit Impl(Executor e) : executor(e) {}
  Executor executor;
  std::list<Timer*> waiting;
};

Event::Event(Executor executor) : impl_(std::make_shared<Impl>(executor)) {}
Event::~Event() { notify_all(); }

void Event::notify_all() {
  std::list<Timer*> waiting;
  waiting.swap(impl_->waiting);
  for (Timer* timer : waiting) timer->cancel();
}

Task<bool> Event::wait_until(SteadyTime deadline) {
  const std::shared_ptr<Impl> impl = impl_;
  Timer timer(impl->executor, deadline);
  impl->waiting.push_back(&timer);
  struct Leave {
    Impl& impl;
    Timer* timer;
    ~Leave() { impl.waiting.remove(timer); }
  } leave{*impl, &timer};
  const auto [error] = co_await timer.async_wait(as_result);
  // The notifier takes the timer off the list before it cancels; a cancelled scope leaves it there.
  const bool notified = std::find(impl->waiting.begin(), impl->waiting.end(), &timer) == impl->waiting.end();
  if (error == asio::error::operation_aborted && !notified) throw boost::system::system_error(error);
  co_return notified;
}

Task<void> Event::wait() { co_await wait_until(SteadyTime::max()); }

Task<int> wait_for_signal(std::initializer_list<int> signals) {
  asio::basic_signal_set<Executor> set(co_await asio::this_coro::executor);
  for (const int number : signals) set.add(number);
  co_return co_await set.async_wait(asio::use_awaitable_t<Executor>{});
}

}  // namespace modelyard::io
