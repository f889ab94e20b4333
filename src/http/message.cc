// SPDX-License-Identifier: Apache-2.0
#include "http/message.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "http/connection.h"
#include "http/sse.h"
#include "json/json.h"
#include "json/tree.h"
#include "json/writer.h"

namespace modelyard::http {
namespace {

struct CodeRow {
  ErrorCode code;
  int status;
  std::string_view name;
};

// docs/api.md
constexpr std::array kCodes = {
    CodeRow{ErrorCode::kInvalidArgument, 400, "invalid_argument"},
    CodeRow{ErrorCode::kNotFound, 404, "not_found"},
    CodeRow{ErrorCode::kAlreadyExists, 409, "already_exists"},
    CodeRow{ErrorCode::kConflict, 409, "conflict"},
    CodeRow{ErrorCode::kUnavailable, 503, "unavailable"},
    CodeRow{ErrorCode::kDeadline, 504, "deadline"},
    CodeRow{ErrorCode::kProtocol, 502, "protocol"},
    CodeRow{ErrorCode::kUnauthenticated, 401, "unauthenticated"},
    CodeRow{ErrorCode::kPermissionDenied, 403, "permission_denied"},
    CodeRow{ErrorCode::kResourceExhausted, 507, "resource_exhausted"},
    CodeRow{ErrorCode::kFailed, 500, "failed"},
    CodeRow{ErrorCode::kDataLoss, 500, "data_loss"},
    CodeRow{ErrorCode::kUnsupported, 501, "unsupported"},
    CodeRow{ErrorCode::kCancelled, 499, "cancelled"},
    CodeRow{ErrorCode::kInternal, 500, "internal"},
};

const CodeRow& row_of(ErrorCode code) {
  for (const CodeRow& row : kCodes) {
    if (row.code == code) return row;
  }
  return kCodes.back();
}

ErrorCode code_of_status(int status) {
  if (status == 413 || status == 429 || status == 431) return ErrorCode::kResourceExhausted;
  if (status == 405) return ErrorCode::kUnsupported;
  for (const CodeRow& row : kCodes) {
    if (row.status == status) return row.code;
  }
  return status >= 400 && status < 500 ? ErrorCode::kInvalidArgument : ErrorCode::kFailed;
}

Response with_type(int status, std::string_view type, std::string text) {
  Response response;
  response.status = status;
  response.headers.add("content-type", type);
  response.body = std::move(text);
  return response;
}

}  // namespace

std::string_view Request::raw_query() const {
  const std::string_view target = target_;
  return path_size_ < target.size() ? target.substr(path_size_ + 1) : std::string_view();
}

std::string_view Request::parameter(std::string_view name) const {
  for (const auto& [key, value] : parameters_) {
    if (key == name) return value;
  }
  return {};
}

const QueryPairs& Request::query() const {
  if (!query_) query_ = parse_query(raw_query());
  return *query_;
}

std::optional<std::string_view> Request::query(std::string_view key) const {
  for (const auto& [name, value] : query()) {
    if (name == key) return value;
  }
  return std::nullopt;
}

io::Task<Result<std::string>> Request::read_chunk() {
  if (connection_ == nullptr) co_return std::exchange(body, {});
  co_return co_await connection_->read_chunk();
}

void Request::clear() {
  headers.clear();
  body.clear();
  target_.clear();
  path_size_ = 0;
  parameters_.clear();
  query_.reset();
}

Request RequestBuilder::make(std::string_view method, std::string_view target, std::string body) {
  Request request;
  request.method_ = method;
  request.target_ = target;
  request.path_size_ = std::min(target.find('?'), target.size());
  request.body = std::move(body);
  return request;
}

void RequestBuilder::set_parameter(Request& request, std::string_view name, std::string value) {
  request.parameters_.emplace_back(name, std::move(value));
}

io::Task<Status> SseStream::send(std::string_view event, std::string_view data) {
  buffer_.clear();
  append_sse_event(buffer_, event, data);
  last_write_ = system_clock().now();
  co_return co_await stream_.write(buffer_);
}

io::Task<Status> SseStream::wait(io::Event& wake, SteadyTime until) {
  stream_.on_close([&wake] { wake.notify_all(); });
  struct Unhook {
    ResponseStream& stream;
    ~Unhook() { stream.on_close(nullptr); }
  } unhook{stream_};
  if (stream_.closed()) co_return fail(ErrorCode::kUnavailable, "the client went away");
  const SteadyTime beat = last_write_ + heartbeat;
  const bool woken = co_await wake.wait_until(std::min(beat, until));
  if (stream_.closed()) co_return fail(ErrorCode::kUnavailable, "the client went away");
  if (woken || system_clock().now() < beat) co_return Status();
  buffer_.clear();
  append_sse_comment(buffer_, "");
  last_write_ = system_clock().now();
  co_return co_await stream_.write(buffer_);
}

Response Response::json(int status, std::string text) { return with_type(status, "application/json", std::move(text)); }
Response Response::text(int status, std::string text) {
  return with_type(status, "text/plain; charset=utf-8", std::move(text));
}
Response Response::html(int status, std::string text) {
  return with_type(status, "text/html; charset=utf-8", std::move(text));
}

Response Response::empty(int status) {
  Response response;
  response.status = status;
  return response;
}

Response Response::error(const Error& error) {
  return Response::error(status_of(error.code()), api_code(error.code()), error.message());
}

Response Response::error(int status, std::string_view code, std::string_view message) {
  std::string text;
  json::Writer writer(text);
  writer.begin_object();
  writer.key("error");
  writer.begin_object();
  writer.key("code");
  writer.string(code);
  writer.key("message");
  writer.string(message);
  writer.end_object();
  writer.end_object();
  text.push_back('\n');
  return json(status, std::move(text));
}

Response Response::streamed(std::string_view content_type, StreamBody body) {
  Response response;
  response.headers.add("content-type", content_type);
  response.stream = std::move(body);
  return response;
}

Response Response::events(std::function<io::Task<void>(SseStream&)> body) {
  Response response = streamed("text/event-stream", [body = std::move(body)](ResponseStream& chunks) -> io::Task<void> {
    SseStream sse(chunks);
    co_await body(sse);
  });
  response.headers.add("cache-control", "no-store");
  return response;
}

int status_of(ErrorCode code) { return row_of(code).status; }
std::string_view api_code(ErrorCode code) { return row_of(code).name; }

Error error_of(int status, std::string_view body) {
  if (const Result<json::Tree> tree = json::parse(body); tree && tree->is_object() && tree->contains("error")) {
    const json::Tree& error = (*tree)["error"];
    const std::string name = json::get_string(error, "code");
    const std::string message = json::get_string(error, "message");
    const auto row = std::find_if(kCodes.begin(), kCodes.end(), [&](const CodeRow& r) { return r.name == name; });
    return Error(row == kCodes.end() ? code_of_status(status) : row->code,
                 message.empty() ? fmt::format("the server answered {}", status) : message);
  }
  const std::string_view line = trim_ascii(body.substr(0, std::min(body.find('\n'), size_t{200})));
  return Error(code_of_status(status), line.empty()
                                           ? fmt::format("the server answered {}", status)
                                           : fmt::format("the server answered {}: {}", status, to_valid_utf8(line)));
}

}  // namespace modelyard::http
