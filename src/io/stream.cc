// SPDX-License-Identifier: Apache-2.0
#include "io/stream.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <cerrno>
#include <cstring>

#include "io/socket.h"

namespace modelyard::io {
namespace asio = boost::asio;

using Socket = asio::basic_stream_socket<asio::generic::stream_protocol, Executor>;
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, Executor>;

struct Stream::Core : std::enable_shared_from_this<Stream::Core> {
  Core(Executor executor, UniqueFd fd, int family)
      : socket(executor, asio::generic::stream_protocol(family, 0), fd.release()), timer(executor) {
    boost::system::error_code ignored;
    socket.native_non_blocking(true, ignored);
  }

  void arm(SteadyTime when) {
    expired = false;
    deadline = when;
    if (when == SteadyTime::max() || (waiting && armed <= when)) return;
    start_timer();
  }

  void start_timer() {
    armed = deadline;
    waiting = true;
    timer.expires_at(armed);
    timer.async_wait([self = weak_from_this(), number = ++waits](boost::system::error_code error) {
      const std::shared_ptr<Core> core = self.lock();
      if (error || !core || core->waits != number) return;
      core->waiting = false;
      if (core->deadline == SteadyTime::max()) return;
      if (core->deadline > std::chrono::steady_clock::now()) return core->start_timer();
      core->expired = true;
      core->deadline = SteadyTime::max();
      boost::system::error_code ignored;
      core->socket.cancel(ignored);
    });
  }

  // What an operation's error means: time ran out, the owner was cancelled (thrown), or the peer is gone.
  Error error_of(const boost::system::error_code& error, std::string_view what) const {
    if (error == asio::error::operation_aborted) {
      if (!expired) throw boost::system::system_error(error);
      return Error(ErrorCode::kDeadline, fmt::format("{}: time ran out", what));
    }
    return Error(ErrorCode::kUnavailable, fmt::format("{}: {}", what, error.message()));
  }

  Socket socket;
  Timer timer;
  SteadyTime deadline = SteadyTime::max();
  SteadyTime armed = SteadyTime::max();
  bool waiting = false;
  bool expired = false;
  uint64_t waits = 0;
  std::function<void()> on_close;
  uint64_t watch = 0;
};

Stream::Stream(Executor executor, UniqueFd fd, int family)
    : core_(std::make_shared<Core>(executor, std::move(fd), family)) {}

Stream::~Stream() { close(); }

Task<Result<size_t>> Stream::read_some(char* buffer, size_t size, SteadyTime deadline) {
  Core& core = *core_;
  core.arm(deadline);
  const auto [error, got] = co_await core.socket.async_read_some(asio::buffer(buffer, size), as_result);
  core.deadline = SteadyTime::max();
  if (!error) co_return got;
  if (error == asio::error::eof) co_return size_t{0};
  co_return fail(core.error_of(error, "reading"));
}

Result<size_t> Stream::write_now(std::string_view head, std::string_view body) {
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
  Core& core = *core_;
  core.arm(deadline);
  const auto [error] = co_await core.socket.async_wait(Socket::wait_write, as_result);
  core.deadline = SteadyTime::max();
  if (error) co_return fail(core.error_of(error, "writing"));
  co_return Status();
}

Task<Status> Stream::wait_readable(SteadyTime deadline) {
  Core& core = *core_;
  core.arm(deadline);
  const auto [error] = co_await core.socket.async_wait(Socket::wait_read, as_result);
  core.deadline = SteadyTime::max();
  if (error) co_return fail(core.error_of(error, "reading"));
  co_return Status();
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

void Stream::close() {
  if (!core_) return;
  core_->on_close = nullptr;
  ++core_->waits;
  core_->timer.cancel();
  boost::system::error_code ignored;
  core_->socket.close(ignored);
}

int Stream::fd() const { return core_->socket.native_handle(); }

}  // namespace modelyard::io
