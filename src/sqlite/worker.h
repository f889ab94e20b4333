// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "io/task.h"
#include "sqlite/database.h"

namespace modelyard::sqlite {

struct WorkerOptions {
  size_t queue_max = 1024;  // jobs that wait
};

// One thread that owns one database. run() may be awaited from any loop: the job runs on the worker's thread, in the
// order of the calls, and the caller resumes on its own loop with the value. The job is a function of the database
// alone; what it needs it captures by value, for a caller that is cancelled does not wait for it.
//
// Owned by whoever opened the file. close() (or the destructor) lets the jobs that wait finish, then closes the file
// and joins.
class Worker {
 public:
  explicit Worker(Database database, WorkerOptions options = {});
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // kResourceExhausted when queue_max jobs wait, kUnavailable after close().
  template <typename T>
  io::Task<Result<T>> run(std::function<Result<T>(Database&)> job);

  // Without waiting for the outcome: false when it was not taken. Thread-safe.
  bool post(std::function<void(Database&)> job);
  size_t waiting() const;
  void close();

 private:
  // What a waiting coroutine and the job share; ends with the later of the two.
  struct Wakeup;
  io::Task<Status> run_untyped(std::function<void(Database&)> job);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

template <typename T>
io::Task<Result<T>> Worker::run(std::function<Result<T>(Database&)> job) {
  auto slot = std::make_shared<std::optional<Result<T>>>();
  // Apart, not inside the call: a closure that is a temporary of the awaited expression would live in the coroutine's
  // frame.
  std::function<void(Database&)> wrapped = [slot, job = std::move(job)](Database& database) {
    slot->emplace(job(database));
  };
  Status status = co_await run_untyped(std::move(wrapped));
  if (!status) co_return tl::unexpected<Error>(std::move(status).error());
  co_return std::move(**slot);
}

}  // namespace modelyard::sqlite
