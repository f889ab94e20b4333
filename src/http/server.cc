// SPDX-License-Identifier: Apache-2.0
#include "http/server.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "base/assert.h"
#include "http/connection.h"

namespace modelyard::http {

using internal::ServerConnection;
using internal::ServerShared;
using Listener = boost::asio::posix::basic_stream_descriptor<io::Executor>;

struct Server::Impl {
  Impl(io::Loop& the_loop, const Router& router, ServerOptions options)
      : loop(the_loop),
        shared(std::make_shared<ServerShared>(the_loop.executor(), router, std::move(options))),
        listener(the_loop.executor()),
        accepting(the_loop.executor()),
        serving(the_loop.executor()) {}

  io::Task<void> accept_all();
  // What can be done about an error of accept(): nothing but to wait where the process is short of something.
  io::Task<void> after_error(int number);

  io::Loop& loop;
  std::shared_ptr<ServerShared> shared;
  Listener listener;
  io::Scope accepting;
  io::Scope serving;
  io::SocketAddress address;
  bool started = false;
};

io::Task<void> Server::Impl::accept_all() {
  while (true) {
    while (shared->connections.size() >= shared->options.connections_max) co_await shared->changed.wait();
    int number = 0;
    if (std::optional<io::Accepted> accepted = io::accept_one(listener.native_handle(), number)) {
      // Made here, not in the task: the list that bounds the connections must know it at once.
      auto made = std::make_unique<ServerConnection>(shared, loop.executor(), std::move(*accepted));
      serving.spawn([](std::unique_ptr<ServerConnection> connection) -> io::Task<void> {
        co_await connection->run();
      }(std::move(made)));
      continue;
    }
    if (number == EAGAIN || number == EWOULDBLOCK) {
      co_await listener.async_wait(Listener::wait_read, boost::asio::use_awaitable_t<io::Executor>{});
    } else {
      co_await after_error(number);
    }
  }
}

io::Task<void> Server::Impl::after_error(int number) {
  if (number == ECONNABORTED || number == EPROTO) co_return;
  spdlog::warn("accepting a connection: {}; trying again shortly", std::strerror(number));
  co_await io::sleep_for(milliseconds(100));
}

Server::Server(io::Loop& loop, const Router& router, ServerOptions options)
    : impl_(std::make_unique<Impl>(loop, router, std::move(options))) {}

Server::~Server() = default;

Status Server::start() {
  MY_ASSERT(!impl_->started);
  const ServerOptions& options = impl_->shared->options;
  io::UniqueFd fd;
  if (options.unix_path.empty()) {
    MY_TRY(fd, io::listen_tcp(options.host, options.port, options.share_port));
  } else {
    MY_TRY(fd, io::listen_unix(options.unix_path));
  }
  MY_TRY(impl_->address, io::local_address(fd.get()));
  impl_->listener.assign(fd.release());
  impl_->started = true;
  impl_->accepting.spawn(impl_->accept_all());
  return {};
}

uint16_t Server::port() const { return impl_->address.port(); }
std::string Server::address() const { return impl_->address.text(); }
size_t Server::connections() const { return impl_->shared->connections.size(); }

io::Task<void> Server::stop(SteadyTime deadline) {
  Impl& impl = *impl_;
  if (!impl.started || std::exchange(impl.shared->stopping, true)) {
    co_await impl.serving.join();
    co_return;
  }
  co_await impl.accepting.stop();
  boost::system::error_code ignored;
  impl.listener.close(ignored);
  if (const auto& path = impl.shared->options.unix_path; !path.empty()) ::unlink(path.c_str());
  for (ServerConnection* connection : impl.shared->connections) connection->stop_soon();
  while (!impl.shared->connections.empty()) {
    if (!co_await impl.shared->changed.wait_until(deadline)) break;
  }
  co_await impl.serving.stop();
}

namespace internal {

const std::string& ServerShared::date() {
  const int64_t second = to_epoch_ms(system_clock().wall()) / 1000;
  if (second != date_second_) {
    date_second_ = second;
    date_ = fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(static_cast<std::time_t>(second)));
  }
  return date_;
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100: return "Continue";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "io::Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 499: return "Client Closed Request";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    case 507: return "Insufficient Storage";
    default: return "Status";
  }
}

}  // namespace internal
}  // namespace modelyard::http
