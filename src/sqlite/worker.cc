// SPDX-License-Identifier: Apache-2.0
#include "sqlite/worker.h"

#include <pthread.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace modelyard::sqlite {

struct Worker::Impl {
  Impl(Database&& opened, WorkerOptions chosen) : database(std::move(opened)), options(chosen) {}

  void loop() {
    pthread_setname_np(pthread_self(), "sqlite");
    std::unique_lock lock(mutex);
    for (;;) {
      wake.wait(lock, [&] { return closing || !jobs.empty(); });
      if (jobs.empty()) return;
      auto job = std::move(jobs.front());
      jobs.pop_front();
      lock.unlock();
      job(*database);
      job = nullptr;  // what it holds goes here, not under the lock
      lock.lock();
    }
  }

  std::optional<Database> database;  // closed by close(), on the closing thread, after the worker's thread has ended
  const WorkerOptions options;
  mutable std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::function<void(Database&)>> jobs;
  bool closing = false;
  std::thread thread;
};

struct Worker::Wakeup {
  explicit Wakeup(io::Executor e) : executor(e), event(e) {}
  io::Executor executor;
  io::Event event;    // touched on the caller's loop alone
  bool done = false;  // likewise
};

Worker::Worker(Database database, WorkerOptions options) : impl_(std::make_unique<Impl>(std::move(database), options)) {
  impl_->thread = std::thread([impl = impl_.get()] { impl->loop(); });
}

Worker::~Worker() { close(); }

void Worker::close() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->closing = true;
  }
  impl_->wake.notify_all();
  if (impl_->thread.joinable()) impl_->thread.join();
  impl_->database.reset();
}

size_t Worker::waiting() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->jobs.size();
}

bool Worker::post(std::function<void(Database&)> job) {
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->closing || impl_->jobs.size() >= impl_->options.queue_max) return false;
    impl_->jobs.push_back(std::move(job));
  }
  impl_->wake.notify_one();
  return true;
}

io::Task<Status> Worker::run_untyped(std::function<void(Database&)> job) {
  auto wakeup = std::make_shared<Wakeup>(co_await io::asio::this_coro::executor);
  std::function<void(Database&)> wrapped = [wakeup, job = std::move(job)](Database& database) mutable {
    job(database);
    job = nullptr;
    // The last reference must not end on this thread: the event belongs to the loop.
    const io::Executor executor = wakeup->executor;
    io::post(executor, [wakeup = std::move(wakeup)] {
      wakeup->done = true;
      wakeup->event.notify_all();
    });
  };
  if (!post(std::move(wrapped))) {
    const bool full = waiting() >= impl_->options.queue_max;
    co_return full ? Status(fail(ErrorCode::kResourceExhausted, "too many requests wait for the disk: try again later"))
                   : Status(fail(ErrorCode::kUnavailable, "the database is closed"));
  }
  while (!wakeup->done) co_await wakeup->event.wait();
  co_return Status();
}

}  // namespace modelyard::sqlite
