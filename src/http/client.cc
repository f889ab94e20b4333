// SPDX-License-Identifier: Apache-2.0
#include "http/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "base/strings.h"
#include "http/client_connection.h"

namespace modelyard::http {

using internal::ClientConnection;
using internal::ClientState;
using internal::Pool;

namespace {

bool may_retry(const ClientRequest& request) {
  static constexpr std::array<std::string_view, 5> kIdempotent = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"};
  return !request.body_source && std::find(kIdempotent.begin(), kIdempotent.end(), request.method) != kIdempotent.end();
}

// What would break the framing, or let a part of the target become a header.
Status check(const ClientRequest& request) {
  const auto bad = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; };
  if (!request.origin) return fail(ErrorCode::kInvalidArgument, "the request names no server");
  if (request.method.empty() || std::any_of(request.method.begin(), request.method.end(), bad))
    return fail(ErrorCode::kInvalidArgument, "the request's method is malformed");
  if (!request.target.starts_with('/') || std::any_of(request.target.begin(), request.target.end(), bad))
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the request's target {} is malformed", to_valid_utf8(request.target)));
  return {};
}

Error about(Error error, const Origin& origin) { return std::move(error).with_context(origin.text()); }

// One exchange, the connection kept on success. `retryable`: a reused connection that was closed before an answer came.
io::Task<Result<std::unique_ptr<ClientConnection>>> exchange(ClientState& state, const ClientRequest& request,
                                                             bool whole_body, SteadyTime deadline) {
  const size_t body_max = request.response_bytes_max > 0 ? request.response_bytes_max : state.options.body_bytes_max;
  for (bool fresh = false;; fresh = true) {
    bool reused = false;
    MY_CO_TRY(std::unique_ptr<ClientConnection> connection, co_await state.acquire(request, fresh, reused, deadline));
    connection->begin(request, whole_body ? body_max : SIZE_MAX);
    if (request.sent != nullptr) *request.sent = true;
    Status status = co_await connection->send(request, deadline);
    if (status) status = co_await connection->receive(whole_body, deadline);
    if (status) co_return std::move(connection);
    const bool closed = status.error().code() == ErrorCode::kUnavailable && connection->is_untouched();
    if (reused && closed && may_retry(request)) continue;
    co_return fail(about(std::move(status).error(), request.origin));
  }
}

}  // namespace

Origin Origin::tcp(std::string_view host, uint16_t port) {
  auto data = std::make_shared<Data>();
  data->host = host;
  data->port = port;
  const bool v6 = host.find(':') != std::string_view::npos;
  data->text = v6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
  data->host_header = port == 80 ? (v6 ? fmt::format("[{}]", host) : data->host) : data->text;
  Origin origin;
  origin.data_ = std::move(data);
  return origin;
}

Origin Origin::unix_socket(std::string_view path) {
  auto data = std::make_shared<Data>();
  data->unix_path = path;
  data->text = fmt::format("unix:{}", path);
  data->host_header = "localhost";
  Origin origin;
  origin.data_ = std::move(data);
  return origin;
}

Result<Origin> Origin::of(std::string_view text) {
  MY_TRY(const Url url, parse_url(text));
  return of(url);
}

Client::Client(io::Loop& loop, ClientOptions options)
    : state_(std::make_shared<ClientState>(loop.executor(), options)) {}

Client::~Client() {
  state_->closed = true;
  close_idle();
}

io::Task<Result<ClientResponse>> Client::fetch(ClientRequest request, SteadyTime deadline) {
  MY_CO_TRY_VOID(check(request));
  const std::shared_ptr<ClientState> state = state_;
  MY_CO_TRY(std::unique_ptr<ClientConnection> connection, co_await exchange(*state, request, true, deadline));
  ClientResponse response;
  response.status = connection->status();
  std::swap(response.headers, connection->headers());
  std::swap(response.body, connection->body());
  state->give_back(std::move(connection));
  co_return response;
}

io::Task<Result<std::unique_ptr<ClientStream>>> Client::open_stream(ClientRequest request, SteadyTime deadline) {
  MY_CO_TRY_VOID(check(request));
  const std::shared_ptr<ClientState> state = state_;
  MY_CO_TRY(std::unique_ptr<ClientConnection> connection, co_await exchange(*state, request, false, deadline));
  co_return std::make_unique<ClientStream>(std::move(connection));
}

size_t Client::idle_connections() const { return state_->idle; }
size_t Client::open_connections() const { return state_->open; }

void Client::close_idle() {
  state_->idle = 0;
  // Taken out first: a connection's destructor looks at its pool.
  std::vector<std::unique_ptr<ClientConnection>> closing;
  for (auto& [key, pool] : state_->pools) {
    std::move(pool->idle.begin(), pool->idle.end(), std::back_inserter(closing));
    pool->idle.clear();
  }
}

ClientStream::ClientStream(std::unique_ptr<ClientConnection> connection) : connection_(std::move(connection)) {}

ClientStream::~ClientStream() {
  const auto state = connection_->pool()->state.lock();
  if (state && connection_->is_reusable()) state->give_back(std::move(connection_));
}

int ClientStream::status() const { return connection_->status(); }
const Headers& ClientStream::headers() const { return connection_->headers(); }

io::Task<Result<std::string>> ClientStream::read_chunk(SteadyTime deadline) {
  co_return co_await connection_->read_chunk(deadline);
}

io::Task<Result<std::string>> ClientStream::read_all(SteadyTime deadline, size_t bytes_max) {
  std::string out;
  while (true) {
    MY_CO_TRY(const std::string piece, co_await connection_->read_chunk(deadline));
    if (piece.empty()) co_return out;
    if (out.size() + piece.size() > bytes_max)
      co_return fail(ErrorCode::kResourceExhausted, fmt::format("the answer is longer than {} bytes", bytes_max));
    out += piece;
  }
}

io::Task<Result<SseEvent>> EventSource::next(std::chrono::milliseconds silence) {
  while (true) {
    if (std::optional<SseEvent> event = parser_.next()) co_return std::move(*event);
    MY_CO_TRY(const std::string piece, co_await stream_->read_chunk(system_clock().now() + silence));
    if (piece.empty()) co_return fail(ErrorCode::kUnavailable, "the server ended the stream of events");
    MY_CO_TRY_VOID(parser_.feed(piece));
  }
}

}  // namespace modelyard::http
