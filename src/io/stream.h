// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "io/file.h"
#include "io/task.h"

namespace modelyard::io {

// The byte stream below one connection: a TCP or Unix socket now; a TLS session would be another state of this class,
// chosen where the stream is made, so that nothing above it changes.
//
// Every wait has a deadline. The timer behind them is moved only when a deadline comes before the one it waits for, so
// that a connection which sets one for each request pays for it about once in the time that the deadline lies ahead.
//
// Confined to its loop. One read and one write may wait at the same time, each with its own deadline argument; the
// earlier counts for both.
class Stream {
 public:
  // Takes a connected, non-blocking socket. family: AF_INET, AF_INET6, AF_UNIX.
  Stream(Executor executor, UniqueFd fd, int family);
  ~Stream();
  Stream(Stream&&) noexcept = default;
  Stream& operator=(Stream&&) = delete;

  // 0 = the peer closed its side. kUnavailable, kDeadline.
  Task<Result<size_t>> read_some(char* buffer, size_t size, SteadyTime deadline);
  // All of head, then all of body, in one call to the kernel where it takes them. `progress` is the time each part may
  // wait.
  Task<Status> write_all(std::string_view head, std::string_view body, SteadyTime deadline);
  // What of it the kernel takes at once; kUnavailable if the peer is gone. The way that costs no coroutine.
  Result<size_t> write_now(std::string_view head, std::string_view body);
  // Suspends until the peer may be written to.
  Task<Status> wait_writable(SteadyTime deadline);
  // Suspends until the socket is readable or closed.
  Task<Status> wait_readable(SteadyTime deadline);

  // Calls back once when the peer closes (not when it sends bytes), unless unwatch() or a deadline comes first.
  void watch_close(std::function<void()> callback);
  void unwatch();

  void shutdown_write();
  void close();
  int fd() const;

 private:
  struct Core;
  std::shared_ptr<Core> core_;
};

}  // namespace modelyard::io
