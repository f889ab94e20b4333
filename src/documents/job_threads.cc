// SPDX-License-Identifier: Apache-2.0
#include "documents/job_threads.h"

#include <utility>

namespace modelyard::documents {

JobThreads::JobThreads(int threads, size_t weight_max) : weight_max_(weight_max) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this, i] { run(i); });
}

bool JobThreads::put(size_t weight, Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || (!queue_.empty() && weight_ + weight > weight_max_)) return false;
    weight_ += weight;
    queue_.push_back({weight, std::move(job)});
  }
  wake_.notify_one();
  return true;
}

void JobThreads::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void JobThreads::run(int thread) {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    Waiting next = std::move(queue_.front());
    queue_.pop_front();
    weight_ -= next.weight;
    const bool stopping = stopping_;
    lock.unlock();
    next.job(thread, stopping);
    next.job = nullptr;  // what it holds goes before the next one begins
    lock.lock();
  }
}

}  // namespace modelyard::documents
