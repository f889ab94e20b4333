// SPDX-License-Identifier: Apache-2.0
#include "http/client_connection.h"

#include <fmt/format.h>

#include <algorithm>

#include "io/socket.h"

namespace modelyard::http::internal {
namespace {

constexpr size_t kReadBytes = 16 << 10;
// Up to here a body is copied behind its header, above it is written from where it lies.
constexpr size_t kCopiedBody = 4 << 10;

bool has_body(const ClientRequest& request) { return request.body_source || !request.body.empty(); }

// Methods whose requests have a body by their nature say so even when it is empty (RFC 9110 section 8.6).
bool wants_length(std::string_view method) { return method == "POST" || method == "PUT" || method == "PATCH"; }

}  // namespace

ClientConnection::ClientConnection(std::shared_ptr<Pool> pool, io::Stream stream, const ClientOptions& options)
    : pool_(std::move(pool)),
      stream_(std::move(stream)),
      parser_({.header_bytes_max = options.header_bytes_max}, headers_, body_) {
  in_.resize(kReadBytes);
}

ClientConnection::~ClientConnection() {
  stream_.close();
  --pool_->open;
  if (const auto state = pool_->state.lock()) --state->open;
  pool_->freed.notify_all();
}

void ClientConnection::begin(const ClientRequest& request, size_t body_bytes_max) {
  parser_.reset(request.method == "HEAD");
  parser_.set_body_bytes_max(body_bytes_max);
  in_begin_ = in_end_ = 0;
  sent_whole_ = false;
}

void ClientConnection::write_head(const ClientRequest& request) {
  out_.clear();
  out_.append(request.method).append(" ").append(request.target).append(" HTTP/1.1\r\n");
  if (!request.headers.contains("host")) out_.append("host: ").append(pool_->origin.data().host_header).append("\r\n");
  request.headers.append_to(out_);
  if (request.body_source && request.body_size < 0) {
    out_.append("transfer-encoding: chunked\r\n");
  } else if (has_body(request) || wants_length(request.method)) {
    const int64_t size = request.body_source ? request.body_size : static_cast<int64_t>(request.body.size());
    fmt::format_to(std::back_inserter(out_), "content-length: {}\r\n", size);
  }
  out_.append("\r\n");
}

io::Task<Status> ClientConnection::send(const ClientRequest& request, SteadyTime deadline) {
  write_head(request);
  if (request.body_source) co_return co_await send_source(request, deadline);
  std::string_view body = request.body;
  if (body.size() <= kCopiedBody) {
    out_.append(body);
    body = {};
  }
  // The common case without another coroutine: the kernel takes it all.
  const Result<size_t> sent = stream_.write_now(out_, body);
  sent_whole_ = sent && *sent == out_.size() + body.size();
  if (sent_whole_ || !sent) co_return Status();
  const size_t of_head = std::min(*sent, out_.size());
  const Status rest =
      co_await stream_.write_all(std::string_view(out_).substr(of_head), body.substr(*sent - of_head), deadline);
  sent_whole_ = rest.has_value();
  if (!rest && rest.error().code() == ErrorCode::kDeadline) co_return rest;
  co_return Status();
}

io::Task<Status> ClientConnection::send_source(const ClientRequest& request, SteadyTime deadline) {
  const bool chunked = request.body_size < 0;
  int64_t left = request.body_size;
  while (true) {
    MY_CO_TRY(const std::string piece, co_await request.body_source());
    if (!chunked && static_cast<int64_t>(piece.size()) > left)
      co_return fail(ErrorCode::kInvalidArgument, "the upload gave more bytes than it announced");
    if (chunked && !piece.empty()) fmt::format_to(std::back_inserter(out_), "{:x}\r\n", piece.size());
    if (chunked && piece.empty()) out_.append("0\r\n\r\n");
    const Status written = co_await stream_.write_all(out_, piece, deadline);
    if (!written && written.error().code() == ErrorCode::kDeadline) co_return written;
    if (!written) co_return Status();
    out_.clear();
    if (piece.empty()) break;
    if (chunked) out_.append("\r\n");
    left -= static_cast<int64_t>(piece.size());
    if (io::is_stale(stream_.fd())) co_return Status();
  }
  if (!chunked && left > 0)
    co_return fail(ErrorCode::kInvalidArgument, "the upload gave fewer bytes than it announced");
  sent_whole_ = true;
  co_return Status();
}

Status ClientConnection::feed() {
  in_begin_ += parser_.feed(std::string_view(in_).substr(in_begin_, in_end_ - in_begin_));
  if (in_begin_ == in_end_) in_begin_ = in_end_ = 0;
  if (parser_.state() != ParseState::kFailed) return {};
  const ParseFailure& failure = parser_.failure();
  const bool bound = failure.status == 413 || failure.status == 431;
  return fail(bound ? ErrorCode::kResourceExhausted : ErrorCode::kProtocol,
              bound ? fmt::format("the answer is too large: {}", failure.text)
                    : fmt::format("the answer is not HTTP as it should be: {}", failure.text));
}

io::Task<Status> ClientConnection::fill(SteadyTime deadline) {
  MY_CO_TRY(const size_t got, co_await stream_.read_some(in_.data() + in_end_, in_.size() - in_end_, deadline));
  in_end_ += got;
  if (got > 0) co_return feed();
  parser_.finish();
  if (parser_.state() == ParseState::kDone) co_return Status();
  co_return fail(ErrorCode::kUnavailable, parser_.failure().text);
}

io::Task<Status> ClientConnection::receive(bool whole_body, SteadyTime deadline) {
  while (true) {
    const ParseState state = parser_.state();
    if (state == ParseState::kDone || (state == ParseState::kBody && !whole_body)) co_return Status();
    MY_CO_TRY_VOID(co_await fill(deadline));
  }
}

io::Task<Result<std::string>> ClientConnection::read_chunk(SteadyTime deadline) {
  while (true) {
    if (!body_.empty()) co_return std::exchange(body_, {});
    if (parser_.state() == ParseState::kDone) co_return std::string();
    if (parser_.state() == ParseState::kFailed) co_return fail(ErrorCode::kProtocol, parser_.failure().text);
    MY_CO_TRY_VOID(co_await fill(deadline));
  }
}

bool ClientConnection::is_reusable() const {
  return sent_whole_ && parser_.state() == ParseState::kDone && parser_.keep_alive() && in_begin_ == in_end_;
}

bool ClientConnection::is_stale() const { return io::is_stale(stream_.fd()); }

}  // namespace modelyard::http::internal
