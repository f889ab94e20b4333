// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace modelyard::documents {

// Threads that run jobs in the order of put(), with a bound on the weight of what waits. Thread-safe. stop() runs what
// waits, with `stopping` true, then joins; put() is refused from then on.
class JobThreads {
 public:
  using Job = std::function<void(int thread, bool stopping)>;

  JobThreads(int threads, size_t weight_max);
  ~JobThreads() { stop(); }
  JobThreads(const JobThreads&) = delete;
  JobThreads& operator=(const JobThreads&) = delete;

  // False when too much waits (a single job is taken whatever its weight), or after stop().
  bool put(size_t weight, Job job);
  void stop();

 private:
  struct Waiting {
    size_t weight;
    Job job;
  };
  void run(int thread);

  const size_t weight_max_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Waiting> queue_;
  size_t weight_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace modelyard::documents
