// SPDX-License-Identifier: Apache-2.0
#include "api/worker.h"

namespace modelyard::api {

Worker::Worker(size_t queued_max) : queued_max_(queued_max), thread_([this] { run(); }) {}

Worker::~Worker() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    jobs_.clear();
  }
  wake_.notify_all();
  thread_.join();
}

Status Worker::post(std::function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || jobs_.size() >= queued_max_) {
      return fail(ErrorCode::kUnavailable, "the server has too much of this to do; try again in a few seconds");
    }
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
  return {};
}

void Worker::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    std::function<void()> job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    job = nullptr;  // what it holds goes before the lock is taken again
    lock.lock();
  }
}

}  // namespace modelyard::api
