// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "io/file.h"
#include "io/task.h"
#include "io/tls.h"

namespace modelyard::io {

// The byte stream below one connection: a TCP or Unix socket, or a TLS session over it once secure() has returned;
// nothing above it tells the difference.
//
// Every wait has a deadline. The timer behind them is moved only when a deadline comes before the one it waits for, so
// that a connection which sets one for each request pays for it about once in the time that the deadline lies ahead.
//
// Confined to its loop. One read and one write may wait at the same time, each with its own deadline.
class Stream {
 public:
  // Takes a connected, non-blocking socket. family: AF_INET, AF_INET6, AF_UNIX.
  Stream(Executor executor, UniqueFd fd, int family);
  ~Stream();
  Stream(Stream&&) noexcept = default;
  Stream& operator=(Stream&&) = delete;

  // Begins TLS as the client, on a connection that carried nothing yet. host: as the user called the other end, a name
  // or an address; the certificate must be for it. kUnauthenticated: its certificate is not trusted, or it refuses
  // ours. kProtocol: it does not speak TLS. kUnavailable, kDeadline.
  Task<Status> secure(const TlsContext& context, std::string host, SteadyTime deadline);

  // 0 = the peer closed its side. kUnavailable, kDeadline.
  Task<Result<size_t>> read_some(char* buffer, size_t size, SteadyTime deadline);
  // All of head, then all of body, in one call to the kernel where it takes them. `progress` is the time each part may
  // wait.
  Task<Status> write_all(std::string_view head, std::string_view body, SteadyTime deadline);
  // What of it the kernel takes at once; kUnavailable if the peer is gone. The way that costs no coroutine. With TLS a
  // call that took less must be repeated, after wait_writable(), with bytes that begin with the rest.
  Result<size_t> write_now(std::string_view head, std::string_view body);
  // Suspends until the peer may be written to.
  Task<Status> wait_writable(SteadyTime deadline);
  // Suspends until the socket is readable or closed; with TLS: or read bytes lie ready.
  Task<Status> wait_readable(SteadyTime deadline);

  // Calls back once when the peer closes (not when it sends bytes), unless unwatch() or a deadline comes first.
  void watch_close(std::function<void()> callback);
  void unwatch();

  void shutdown_write();
  // Ends both directions: a read that waits returns 0.
  void shutdown();
  void close();
  int fd() const;

 private:
  struct Core;
  Task<Result<size_t>> read_tls(char* buffer, size_t size, SteadyTime deadline);
  Result<size_t> write_tls(std::string_view head, std::string_view body);
  std::shared_ptr<Core> core_;
};

}  // namespace modelyard::io
