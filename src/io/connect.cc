// SPDX-License-Identifier: Apache-2.0
#include "io/connect.h"

#include <fmt/format.h>
#include <netinet/in.h>

#include <boost/asio/ip/basic_resolver.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstring>

#include "io/socket.h"

namespace modelyard::io {
namespace {

using Resolver = boost::asio::ip::basic_resolver<boost::asio::ip::tcp, Executor>;
constexpr size_t kAddressesMax = 8;

// The name service cannot be interrupted: it answers into this, whether somebody still waits or not.
struct Resolving {
  explicit Resolving(Executor executor) : resolver(executor), answered(executor) {}
  Resolver resolver;
  Event answered;
  bool done = false;
  std::string error;
  std::vector<SocketAddress> addresses;
};

Task<Result<std::vector<SocketAddress>>> resolve(Executor executor, const std::string& host, uint16_t port,
                                                 SteadyTime deadline) {
  const auto resolving = std::make_shared<Resolving>(executor);
  resolving->resolver.async_resolve(
      host, std::to_string(port), [resolving](boost::system::error_code error, const Resolver::results_type& results) {
        resolving->done = true;
        if (error) resolving->error = error.message();
        for (const auto& entry : results) {
          if (resolving->addresses.size() == kAddressesMax) break;
          SocketAddress& address = resolving->addresses.emplace_back();
          const auto endpoint = entry.endpoint();
          address.size = static_cast<socklen_t>(endpoint.size());
          std::memcpy(&address.storage, endpoint.data(), endpoint.size());
        }
        resolving->answered.notify_all();
      });
  if (!resolving->done && !co_await resolving->answered.wait_until(deadline))
    co_return fail(ErrorCode::kDeadline, fmt::format("the name service gave no address of {} in time", host));
  if (resolving->addresses.empty())
    co_return fail(ErrorCode::kUnavailable, fmt::format("the host name {} is not known: {}", host, resolving->error));
  co_return std::move(resolving->addresses);
}

Task<Result<Stream>> connect_to(Executor executor, const SocketAddress& address, const std::string& name,
                                SteadyTime deadline) {
  MY_CO_TRY(UniqueFd fd, begin_connect(address, name));
  const int number = fd.get();
  Stream stream(executor, std::move(fd), address.family());
  // A Unix socket is connected, or refused, by now.
  if (address.family() != AF_UNIX) {
    if (Status status = co_await stream.wait_writable(deadline); !status) {
      if (status.error().code() == ErrorCode::kDeadline)
        co_return fail(ErrorCode::kDeadline, fmt::format("connecting to {}: time ran out", name));
      co_return fail(std::move(status).error().with_context(fmt::format("connecting to {}", name)));
    }
    if (const int error = connect_error(number); error != 0)
      co_return fail(ErrorCode::kUnavailable, fmt::format("connecting to {}: {}", name, std::strerror(error)));
  }
  co_return std::move(stream);
}

}  // namespace

Task<Result<Stream>> connect_tcp(Executor executor, std::string host, uint16_t port, std::string name,
                                 ConnectOptions options, SteadyTime deadline) {
  std::vector<SocketAddress> addresses;
  if (const std::optional<SocketAddress> literal = literal_address(host, port)) {
    addresses.push_back(*literal);
  } else {
    MY_CO_TRY(addresses, co_await resolve(executor, host, port,
                                          std::min(deadline, system_clock().now() + options.resolve_timeout)));
  }
  std::optional<Error> first_error;
  for (const SocketAddress& address : addresses) {
    const SteadyTime until = std::min(deadline, system_clock().now() + options.connect_timeout);
    Result<Stream> stream = co_await connect_to(executor, address, name, until);
    if (stream) co_return std::move(stream);
    if (!first_error) first_error = std::move(stream).error();
    if (system_clock().now() >= deadline) break;
  }
  co_return fail(std::move(*first_error));
}

Task<Result<Stream>> connect_unix(Executor executor, std::string path, std::string name, SteadyTime deadline) {
  MY_CO_TRY(const UnixAddress address, unix_address(path));
  co_return co_await connect_to(executor, address.address, name, deadline);
}

}  // namespace modelyard::io
