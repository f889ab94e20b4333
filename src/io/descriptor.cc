// SPDX-License-Identifier: Apache-2.0
#include "io/descriptor.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <boost/asio/ip/basic_resolver.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/this_coro.hpp>
#include <cerrno>
#include <vector>

namespace modelyard::io {
namespace {

using Timer =
    asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, Executor>;
using Address = asio::ip::tcp::endpoint;

// Calls `on_time` unless it is destroyed first. What on_time touches must be held by it.
class Alarm {
 public:
  Alarm(Executor executor, SteadyTime when, std::function<void()> on_time) : timer_(executor) {
    if (when == SteadyTime::max()) return;
    timer_.expires_at(when);
    timer_.async_wait([on_time = std::move(on_time)](boost::system::error_code error) {
      if (!error) on_time();
    });
  }

 private:
  Timer timer_;
};

Task<Result<std::vector<Address>>> resolve(std::string host, uint16_t port, SteadyTime deadline) {
  boost::system::error_code error;
  const auto address = asio::ip::make_address(host, error);
  if (!error) co_return std::vector<Address>{Address(address, port)};
  const Executor executor = co_await asio::this_coro::executor;
  const auto resolver = std::make_shared<asio::ip::basic_resolver<asio::ip::tcp, Executor>>(executor);
  const Alarm alarm(executor, deadline, [resolver] { resolver->cancel(); });
  auto [failed, found] = co_await resolver->async_resolve(host, std::to_string(port), as_result);
  if (failed && system_clock().now() >= deadline) {
    co_return fail(ErrorCode::kDeadline, fmt::format("the name {} could not be resolved in time", host));
  }
  if (failed)
    co_return fail(ErrorCode::kUnavailable, fmt::format("the name {} cannot be resolved: {}", host, failed.message()));
  std::vector<Address> addresses;
  for (const auto& entry : found) addresses.push_back(entry.endpoint());
  co_return addresses;
}

Task<Status> connect_to(Address address, SteadyTime deadline) {
  const Executor executor = co_await asio::this_coro::executor;
  const std::string where = fmt::format("{}:{}", address.address().to_string(), address.port());
  UniqueFd fd(::socket(address.data()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) co_return fail(errno_error(errno, "making a socket"));
  if (::connect(fd.get(), address.data(), static_cast<socklen_t>(address.size())) == 0) co_return Status{};
  if (errno != EINPROGRESS) co_return fail(ErrorCode::kUnavailable, errno_error(errno, where).message());
  Descriptor socket(executor, std::move(fd));
  if (!co_await socket.wait(Descriptor::For::kWrite, deadline)) {
    co_return fail(ErrorCode::kDeadline, where + ": no answer in time");
  }
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) co_return fail(ErrorCode::kUnavailable, errno_error(error, where).message());
  co_return Status{};
}

}  // namespace

struct Descriptor::Impl {
  Impl(Executor executor, UniqueFd fd) : descriptor(std::make_shared<Handle>(executor, fd.release())) {}
  using Handle = asio::posix::basic_stream_descriptor<Executor>;
  std::shared_ptr<Handle> descriptor;
};

Descriptor::Descriptor(Executor executor, UniqueFd fd) : impl_(std::make_unique<Impl>(executor, std::move(fd))) {}
Descriptor::~Descriptor() {
  if (!impl_) return;
  boost::system::error_code ignored;
  impl_->descriptor->close(ignored);
}
Descriptor::Descriptor(Descriptor&&) noexcept = default;
Descriptor& Descriptor::operator=(Descriptor&&) noexcept = default;

int Descriptor::get() const { return impl_->descriptor->native_handle(); }

Task<bool> Descriptor::wait(For what, SteadyTime deadline) {
  // Held here too: the owner may close it while a wait is being cancelled.
  const std::shared_ptr<Impl::Handle> handle = impl_->descriptor;
  const auto timed_out = std::make_shared<bool>(false);
  const Alarm alarm(handle->get_executor(), deadline, [weak = std::weak_ptr(handle), timed_out] {
    *timed_out = true;
    boost::system::error_code ignored;
    if (const auto live = weak.lock()) live->cancel(ignored);
  });
  const auto kind = what == For::kRead ? Impl::Handle::wait_read : Impl::Handle::wait_write;
  const auto [error] = co_await handle->async_wait(kind, as_result);
  if (error == asio::error::operation_aborted && !*timed_out) throw boost::system::system_error(error);
  co_return !error;
}

Task<Status> check_connect(std::string host, uint16_t port, SteadyTime deadline) {
  auto addresses = co_await resolve(host, port, deadline);
  if (!addresses) co_return fail(std::move(addresses).error());
  Status last = fail(ErrorCode::kUnavailable, fmt::format("the name {} has no address", host));
  for (const Address& address : *addresses) {
    last = co_await connect_to(address, deadline);
    if (last || last.error().code() == ErrorCode::kDeadline) break;
  }
  co_return last;
}

}  // namespace modelyard::io
