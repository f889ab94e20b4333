// SPDX-License-Identifier: Apache-2.0
#include "io/stream.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <cerrno>
#include <cstring>

#include "io/socket.h"
#include "io/tls_session.h"

namespace modelyard::io {
namespace asio = boost::asio;

using Socket = asio::basic_stream_socket<asio::generic::stream_protocol, Executor>;
using Timer =
    asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, Executor>;

// One side that may wait, and until when.
struct Wait {
  SteadyTime deadline = SteadyTime::max();
  bool expired = false;
};

struct Stream::Core : std::enable_shared_from_this<Stream::Core> {
  Core(Executor executor, UniqueFd fd, int family)
      : socket(executor, asio::generic::stream_protocol(family, 0), fd.release()), timer(executor) {
    boost::system::error_code ignored;
    socket.native_non_blocking(true, ignored);
  }

  void arm(Wait& wait, SteadyTime when) {
    wait.expired = false;
    wait.deadline = when;
    if (when == SteadyTime::max() || (waiting && armed <= when)) return;
    start_timer(when);
  }

  void start_timer(SteadyTime when) {
    armed = when;
    waiting = true;
    timer.expires_at(armed);
    timer.async_wait([self = weak_from_this(), number = ++waits](boost::system::error_code error) {
      const std::shared_ptr<Core> core = self.lock();
      if (error || !core || core->waits != number) return;
      core->waiting = false;
      core->on_timer(std::chrono::steady_clock::now());
    });
  }

  void on_timer(SteadyTime now) {
    bool expired = false;
    for (Wait* wait : {&reading, &writing}) {
      if (wait->deadline > now) continue;
      wait->expired = expired = true;
      wait->deadline = SteadyTime::max();
    }
    if (const SteadyTime next = std::min(reading.deadline, writing.deadline); next != SteadyTime::max())
      start_timer(next);
    if (!expired) return;
    ++timeouts;
    boost::system::error_code ignored;
    socket.cancel(ignored);  // both sides; the one whose time is not over waits again
  }

  // What an operation's error means: time ran out, the owner was cancelled (thrown), or the peer is gone.
  Error error_of(const boost::system::error_code& error, const Wait& wait, std::string_view what) const {
    if (error == asio::error::operation_aborted) {
      if (!wait.expired) throw boost::system::system_error(error);
      return Error(ErrorCode::kDeadline, fmt::format("{}: time ran out", what));
    }
    return Error(ErrorCode::kUnavailable, fmt::format("{}: {}", what, error.message()));
  }

  // True: the operation that began before `timeouts_before` was cut off by the other side's deadline alone.
  bool is_cut_off(const boost::system::error_code& error, const Wait& wait, uint64_t timeouts_before) const {
    return error == asio::error::operation_aborted && !wait.expired && timeouts != timeouts_before && socket.is_open();
  }

  Task<Status> wait_for(Socket::wait_type what, Wait& wait, SteadyTime until, std::string_view name) {
    const std::shared_ptr<Core> self = shared_from_this();
    arm(wait, until);
    while (true) {
      const uint64_t before = timeouts;
      const auto [error] = co_await socket.async_wait(what, as_result);
      if (is_cut_off(error, wait, before)) continue;
      wait.deadline = SteadyTime::max();
      if (error) co_return fail(error_of(error, wait, name));
      co_return Status();
    }
  }

  Socket socket;
  Timer timer;
  Wait reading, writing;
  SteadyTime armed = SteadyTime::max();
  bool waiting = false;
  uint64_t waits = 0;
  uint64_t timeouts = 0;
  std::unique_ptr<TlsSession> tls;
  std::function<void()> on_close;
  uint64_t watch = 0;
};

Stream::Stream(Executor executor, UniqueFd fd, int family)
    : core_(std::make_shared<Core>(executor, std::move(fd), family)) {}

Stream::~Stream() { close(); }

Task<Status> Stream::secure(const TlsContext& context, std::string host, SteadyTime deadline) {
  Core& core = *core_;
  MY_CO_TRY(std::unique_ptr<TlsSession> tls, TlsSession::client(context, host, core.socket.native_handle()));
  while (true) {
    MY_CO_TRY(const TlsSession::Step step, tls->handshake());
    if (step.want == TlsSession::Want::kNothing) break;
    const bool read = step.want == TlsSession::Want::kRead;
    MY_CO_TRY_VOID(co_await core.wait_for(read ? Socket::wait_read : Socket::wait_write,
                                          read ? core.reading : core.writing, deadline, "beginning TLS"));
  }
  core.tls = std::move(tls);
  co_return Status();
}

Task<Result<size_t>> Stream::read_some(char* buffer, size_t size, SteadyTime deadline) {
  Core& core = *core_;
  if (core.tls) co_return co_await read_tls(buffer, size, deadline);
  core.arm(core.reading, deadline);
  while (true) {
    const uint64_t before = core.timeouts;
    const auto [error, got] = co_await core.socket.async_read_some(asio::buffer(buffer, size), as_result);
    if (core.is_cut_off(error, core.reading, before)) continue;
    core.reading.deadline = SteadyTime::max();
    if (!error) co_return got;
    if (error == asio::error::eof) co_return size_t{0};
    co_return fail(core.error_of(error, core.reading, "reading"));
  }
}

Task<Result<size_t>> Stream::read_tls(char* buffer, size_t size, SteadyTime deadline) {
  const std::shared_ptr<Core> core = core_;
  while (true) {
    MY_CO_TRY(const TlsSession::Step step, core->tls->read(buffer, size));
    if (step.want == TlsSession::Want::kNothing) co_return step.bytes;
    const bool read = step.want == TlsSession::Want::kRead;
    MY_CO_TRY_VOID(
        co_await core->wait_for(read ? Socket::wait_read : Socket::wait_write, core->reading, deadline, "reading"));
  }
}

Result<size_t> Stream::write_now(std::string_view head, std::string_view body) {
  if (core_->tls) return write_tls(head, body);
  iovec parts[2] = {{const_cast<char*>(head.data()), head.size()}, {const_cast<char*>(body.data()), body.size()}};
  msghdr message{};
  message.msg_iov = head.empty() ? parts + 1 : parts;
  message.msg_iovlen = head.empty() || body.empty() ? 1 : 2;
  while (true) {
    const ssize_t sent = ::sendmsg(core_->socket.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) return static_cast<size_t>(sent);
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return size_t{0};
    return fail(ErrorCode::kUnavailable, fmt::format("writing: {}", std::strerror(errno)));
  }
}

Result<size_t> Stream::write_tls(std::string_view head, std::string_view body) {
  size_t all = 0;
  for (std::string_view part : {head, body}) {
    while (!part.empty()) {
      MY_TRY(const TlsSession::Step step, core_->tls->write(part));
      if (step.want != TlsSession::Want::kNothing) return all;
      all += step.bytes;
      part.remove_prefix(step.bytes);
    }
  }
  return all;
}

Task<Status> Stream::write_all(std::string_view head, std::string_view body, SteadyTime deadline) {
  while (true) {
    MY_CO_TRY(const size_t sent, write_now(head, body));
    const size_t of_head = std::min(sent, head.size());
    head.remove_prefix(of_head);
    body.remove_prefix(sent - of_head);
    if (head.empty() && body.empty()) co_return Status();
    MY_CO_TRY_VOID(co_await wait_writable(deadline));
  }
}

Task<Status> Stream::wait_writable(SteadyTime deadline) {
  return core_->wait_for(Socket::wait_write, core_->writing, deadline, "writing");
}

Task<Status> Stream::wait_readable(SteadyTime deadline) {
  if (core_->tls && core_->tls->has_bytes()) co_return Status();
  co_return co_await core_->wait_for(Socket::wait_read, core_->reading, deadline, "reading");
}

void Stream::watch_close(std::function<void()> callback) {
  core_->on_close = std::move(callback);
  core_->socket.async_wait(
      Socket::wait_read, [self = std::weak_ptr<Core>(core_), number = ++core_->watch](boost::system::error_code error) {
        const std::shared_ptr<Core> core = self.lock();
        if (error || !core || core->watch != number || !core->on_close) return;
        char byte;
        if (::recv(core->socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0) return;
        std::exchange(core->on_close, nullptr)();
      });
}

void Stream::unwatch() {
  if (!core_->on_close) return;
  ++core_->watch;
  core_->on_close = nullptr;
  boost::system::error_code ignored;
  core_->socket.cancel(ignored);
}

void Stream::shutdown_write() {
  boost::system::error_code ignored;
  core_->socket.shutdown(Socket::shutdown_send, ignored);
}

void Stream::shutdown() {
  boost::system::error_code ignored;
  core_->socket.shutdown(Socket::shutdown_both, ignored);
}

void Stream::close() {
  if (!core_) return;
  if (core_->tls && core_->socket.is_open()) core_->tls->say_goodbye();
  core_->on_close = nullptr;
  ++core_->waits;
  core_->timer.cancel();
  boost::system::error_code ignored;
  core_->socket.close(ignored);
}

int Stream::fd() const { return core_->socket.native_handle(); }

}  // namespace modelyard::io
