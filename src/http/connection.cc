// SPDX-License-Identifier: Apache-2.0
#include "http/connection.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace modelyard::http::internal {
namespace {

constexpr size_t kReadBytes = 16 << 10;
constexpr size_t kStreamedReadBytes = 64 << 10;
// A refused upload is read on for a while, so that the client gets to see the answer instead of a reset.
constexpr size_t kLingerBytesMax = size_t{64} << 20;
constexpr milliseconds kLingerTime{3000};
// Of a body that no handler wants, what is taken to keep the connection.
constexpr size_t kUnwantedBodyMax = 64 << 10;

std::string_view name_of_refusal(int status) {
  switch (status) {
    case 408: return "deadline";
    case 413:
    case 414:
    case 431: return "resource_exhausted";
    case 501:
    case 505: return "unsupported";
    default: return "invalid_argument";
  }
}

}  // namespace

ServerConnection::ServerConnection(std::shared_ptr<ServerShared> server, io::Executor executor, io::Accepted accepted)
    : server_(std::move(server)),
      place_(server_->connections.insert(server_->connections.end(), this)),
      stream_(executor, std::move(accepted.fd), accepted.family),
      peer_(std::move(accepted.peer)),
      parser_({.header_bytes_max = server_->options.header_bytes_max,
               .header_count_max = server_->options.header_count_max},
              target_, request_.headers, request_.body) {
  request_.connection_ = this;
  request_.peer = peer_;
}

ServerConnection::~ServerConnection() {
  server_->connections.erase(place_);
  server_->changed.notify_all();
}

io::Task<void> ServerConnection::run() {
  Next next = Next::kKeep;
  while (next == Next::kKeep) next = co_await serve_one();
  if (next == Next::kLinger) co_await linger();
  stream_.close();
}

void ServerConnection::stop_soon() {
  if (idle_) stream_.close();
  if (on_close_) std::exchange(on_close_, nullptr)();
}

void ServerConnection::peer_closed() {
  peer_gone_ = true;
  if (on_close_) std::exchange(on_close_, nullptr)();
}

void ServerConnection::begin_request() {
  // One large upload must not stay in memory for as long as its connection rests.
  if (request_.body.capacity() > kStreamedReadBytes) std::string().swap(request_.body);
  request_.clear();
  parser_.reset();
  parser_.set_body_bytes_max(kUnwantedBodyMax);
  aborted_ = continue_due_ = false;
}

io::Task<ServerConnection::Next> ServerConnection::serve_one() {
  begin_request();
  const Next next = co_await read_header();
  if (next != Next::kKeep) co_return next;
  request_.method_ = parser_.method();
  request_.target_ = target_;
  // The absolute form of a target (RFC 9112 section 3.2.2) means the same as its path.
  if (request_.target_.starts_with("http://")) {
    const size_t path = request_.target_.find_first_of("/?", 7);
    request_.target_ = path == std::string::npos ? "/" : request_.target_.substr(path);
    if (request_.target_[0] == '?') request_.target_.insert(0, "/");
  }
  request_.path_size_ = std::min(request_.target_.find('?'), request_.target_.size());
  request_.http10_ = parser_.minor_version() == 0;
  continue_due_ = parser_.expects_continue();
  co_return co_await answer();
}

void ServerConnection::feed() {
  in_begin_ += parser_.feed(std::string_view(in_).substr(in_begin_, in_end_ - in_begin_));
  if (in_begin_ == in_end_) in_begin_ = in_end_ = 0;
}

io::Task<Status> ServerConnection::fill_buffer(SteadyTime deadline) {
  if (in_.size() < kReadBytes) in_.resize(kReadBytes);
  MY_CO_TRY(const size_t got, co_await stream_.read_some(in_.data() + in_end_, in_.size() - in_end_, deadline));
  if (got == 0) co_return fail(ErrorCode::kUnavailable, "the client closed the connection");
  in_end_ += got;
  co_return Status();
}

io::Task<ServerConnection::Next> ServerConnection::read_header() {
  SteadyTime deadline = system_clock().now() + server_->options.idle_timeout;
  idle_ = in_end_ == in_begin_;
  if (idle_ && server_->stopping) co_return Next::kClose;
  while (true) {
    if (in_end_ > in_begin_) {
      if (!parser_.begun()) deadline = system_clock().now() + server_->options.header_timeout;
      idle_ = false;
      feed();
      if (parser_.state() == ParseState::kFailed) {
        co_return co_await refuse(parser_.failure().status, parser_.failure().text);
      }
      if (parser_.state() != ParseState::kHeader) co_return Next::kKeep;
    }
    const Status status = co_await fill_buffer(deadline);
    if (status) continue;
    if (status.error().code() == ErrorCode::kDeadline && parser_.begun())
      co_return co_await refuse(408, "the request's header did not come in time");
    co_return Next::kClose;
  }
}

io::Task<Status> ServerConnection::send_continue() {
  if (!std::exchange(continue_due_, false)) co_return Status();
  if (in_end_ > in_begin_) co_return Status();  // the client did not wait for it
  co_return co_await stream_.write_all("HTTP/1.1 100 Continue\r\n\r\n", {}, write_deadline());
}

io::Task<Status> ServerConnection::read_body() {
  feed();
  while (parser_.state() == ParseState::kBody) {
    MY_CO_TRY_VOID(co_await send_continue());
    MY_CO_TRY_VOID(co_await fill_buffer(system_clock().now() + server_->options.body_timeout));
    feed();
  }
  co_return Status();
}

io::Task<Result<std::string>> ServerConnection::read_chunk() {
  if (in_.size() < kStreamedReadBytes) in_.resize(kStreamedReadBytes);
  while (true) {
    feed();
    if (parser_.state() == ParseState::kFailed) {
      const bool limit = parser_.failure().status == 413;
      co_return fail(limit ? ErrorCode::kResourceExhausted : ErrorCode::kProtocol, parser_.failure().text);
    }
    if (!request_.body.empty()) co_return std::exchange(request_.body, {});
    if (parser_.state() == ParseState::kDone) co_return std::string();
    MY_CO_TRY_VOID(co_await send_continue());
    MY_CO_TRY_VOID(co_await fill_buffer(system_clock().now() + server_->options.body_timeout));
  }
}

io::Task<ServerConnection::Next> ServerConnection::answer() {
  if (server_->options.guard) {
    if (std::optional<Response> refused = server_->options.guard(request_))
      co_return co_await send(std::move(*refused));
  }
  const Router::Match match = server_->router.find(request_);
  if (match.route == nullptr) {
    if (match.allow.empty())
      co_return co_await send(
          Response::error(404, "not_found", fmt::format("there is nothing at {}", request_.path())));
    Response response = Response::error(405, "unsupported",
                                        fmt::format("{} is not allowed here: {} is", request_.method(), match.allow));
    response.headers.add("allow", match.allow);
    co_return co_await send(std::move(response));
  }
  const RouteOptions& options = match.route->options;
  parser_.set_body_bytes_max(options.body_bytes_max);
  if (parser_.content_length() > 0 && static_cast<uint64_t>(parser_.content_length()) > options.body_bytes_max)
    co_return co_await refuse(413, fmt::format("the body is longer than {} bytes", options.body_bytes_max));
  if (options.body == BodyMode::kBuffered) {
    const Status status = co_await read_body();
    if (!status) {
      if (status.error().code() == ErrorCode::kDeadline)
        co_return co_await refuse(408, "the request's body did not come in time");
      co_return Next::kClose;
    }
    if (parser_.state() == ParseState::kFailed)
      co_return co_await refuse(parser_.failure().status, parser_.failure().text);
  }
  std::optional<Response> response;
  try {
    response = co_await match.route->handler(request_);
  } catch (const boost::system::system_error&) {
    throw;  // cancelled
  } catch (const std::exception& error) {
    spdlog::error("the handler of {} {} threw: {}", request_.method(), request_.path(), error.what());
  }
  if (!response) response = Response::error(500, "internal", "the handler failed; the server's log says how");
  co_return co_await send(std::move(*response));
}

io::Task<ServerConnection::Next> ServerConnection::refuse(int status, std::string_view text) {
  Response response = Response::error(status, name_of_refusal(status), text);
  response.headers.add("connection", "close");
  co_return co_await send(std::move(response));
}

bool ServerConnection::may_keep(const Response& response) const {
  return parser_.state() == ParseState::kDone && parser_.keep_alive() && !server_->stopping &&
         !response.headers.has_token("connection", "close");
}

io::Task<ServerConnection::Next> ServerConnection::send(Response response) {
  if (parser_.state() == ParseState::kBody) feed();  // a request without a body is complete by this
  if (response.stream) co_return co_await send_streamed(std::move(response));
  const bool keep = may_keep(response);
  const bool bodyless = response.status == 204 || response.status == 304;
  write_head(response, bodyless ? -1 : static_cast<int64_t>(response.body.size()), false, keep);
  const bool with_body = !bodyless && request_.method_ != "HEAD";
  const Status status = co_await stream_.write_all(
      out_, with_body ? std::string_view(response.body) : std::string_view(), write_deadline());
  if (!status) co_return Next::kClose;
  if (keep) co_return Next::kKeep;
  co_return parser_.state() == ParseState::kDone ? Next::kClose : Next::kLinger;
}

io::Task<ServerConnection::Next> ServerConnection::send_streamed(Response response) {
  const bool keep = may_keep(response) && !request_.http10_;
  chunked_out_ = !request_.http10_;
  write_head(response, -1, chunked_out_, keep);
  if (!co_await stream_.write_all(out_, {}, write_deadline())) co_return Next::kClose;
  if (request_.method_ == "HEAD") co_return keep ? Next::kKeep : Next::kClose;
  stream_.watch_close([this] { peer_closed(); });
  try {
    co_await response.stream(*this);
  } catch (const boost::system::system_error&) {
    throw;
  } catch (const std::exception& error) {
    spdlog::error("the stream of {} threw: {}", request_.path(), error.what());
    aborted_ = true;
  }
  on_close_ = nullptr;
  stream_.unwatch();
  if (aborted_ || peer_gone_) co_return Next::kClose;
  if (chunked_out_ && !co_await stream_.write_all("0\r\n\r\n", {}, write_deadline())) co_return Next::kClose;
  if (keep && !server_->stopping) co_return Next::kKeep;
  co_return parser_.state() == ParseState::kDone ? Next::kClose : Next::kLinger;
}

io::Task<Status> ServerConnection::write(std::string_view bytes) {
  if (peer_gone_) co_return fail(ErrorCode::kUnavailable, "the client went away");
  if (bytes.empty()) co_return Status();
  out_.clear();
  if (chunked_out_) fmt::format_to(std::back_inserter(out_), "{:x}\r\n", bytes.size());
  // One call to the kernel for what is small, no copy for what is large.
  const bool small = bytes.size() <= kReadBytes;
  if (small) out_.append(bytes).append(chunked_out_ ? "\r\n" : "");
  Status status = co_await stream_.write_all(out_, small ? std::string_view() : bytes, write_deadline());
  if (status && !small && chunked_out_) status = co_await stream_.write_all("\r\n", {}, write_deadline());
  if (!status) peer_closed();
  co_return status;
}

io::Task<void> ServerConnection::linger() {
  stream_.shutdown_write();
  idle_ = true;
  const SteadyTime deadline = system_clock().now() + kLingerTime;
  if (in_.size() < kStreamedReadBytes) in_.resize(kStreamedReadBytes);
  for (size_t taken = 0; taken < kLingerBytesMax;) {
    const Result<size_t> got = co_await stream_.read_some(in_.data(), in_.size(), deadline);
    if (!got || *got == 0) co_return;
    taken += *got;
  }
}

void ServerConnection::write_head(const Response& response, int64_t content_length, bool chunked, bool keep) {
  out_.clear();
  auto out = std::back_inserter(out_);
  fmt::format_to(out, "HTTP/1.1 {} {}\r\n", response.status, reason_phrase(response.status));
  out_.append("date: ").append(server_->date()).append("\r\n");
  response.headers.append_to(out_);
  if (content_length >= 0) fmt::format_to(out, "content-length: {}\r\n", content_length);
  if (chunked) out_.append("transfer-encoding: chunked\r\n");
  if (!keep && !response.headers.has_token("connection", "close")) out_.append("connection: close\r\n");
  if (keep && request_.http10_) out_.append("connection: keep-alive\r\n");
  out_.append("\r\n");
}

}  // namespace modelyard::http::internal
