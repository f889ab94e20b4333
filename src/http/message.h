// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/headers.h"
#include "http/url.h"
#include "io/socket.h"
#include "io/task.h"

// What a handler sees: the request it answers, the response it gives, the stream it may write.
namespace modelyard::http {

namespace internal {
class ServerConnection;
}

using io::Peer;

// One request, owned by its connection: valid until the handler's task has ended (for a streamed response: until the
// stream's function has). Confined to the connection's loop. Views are of the request's own memory.
class Request {
 public:
  std::string_view method() const { return method_; }
  // As received: path and query.
  std::string_view target() const { return target_; }
  // Before the '?', still percent-encoded.
  std::string_view path() const { return std::string_view(target_).substr(0, path_size_); }
  // After the '?', as received; empty if none.
  std::string_view raw_query() const;
  bool is_http10() const { return http10_; }

  // {name} of the route's pattern, percent-decoded (any bytes); empty if the pattern has none of that name.
  std::string_view parameter(std::string_view name) const;
  // Decoded pairs, in order; '+' is a space.
  const QueryPairs& query() const;
  // The first value of that key.
  std::optional<std::string_view> query(std::string_view key) const;

  Headers headers;
  std::string body;  // whole, on a route with BodyMode::kBuffered
  Peer peer;

  // On a route with BodyMode::kStreamed: the next piece, empty at the end. kUnavailable when the client went away,
  // kDeadline when it sends nothing for ServerOptions::body_timeout, kProtocol for a broken chunk, kResourceExhausted
  // above the route's limit. What the handler leaves unread is dropped with the connection.
  io::Task<Result<std::string>> read_chunk();

 private:
  friend class internal::ServerConnection;
  friend class Router;
  friend struct RequestBuilder;
  void clear();

  std::string method_;
  std::string target_;
  size_t path_size_ = 0;
  bool http10_ = false;
  std::vector<std::pair<std::string_view, std::string>> parameters_;  // names are the router's
  mutable std::optional<QueryPairs> query_;
  internal::ServerConnection* connection_ = nullptr;
};

// Makes requests for tests of handlers and guards, without a socket.
struct RequestBuilder {
  static Request make(std::string_view method, std::string_view target, std::string body = {});
  static void set_parameter(Request& request, std::string_view name_with_static_life, std::string value);
};

// The body of a response while it is being written, chunk by chunk. Owned by the connection.
class ResponseStream {
 public:
  virtual ~ResponseStream() = default;
  // One chunk, waiting while the client does not take it. kUnavailable once the client is gone or the server stops,
  // kDeadline after ServerOptions::write_timeout without progress: end the function then.
  virtual io::Task<Status> write(std::string_view bytes) = 0;
  // The body cannot be completed: the connection is closed without the end mark, so the client knows that it is cut
  // short.
  virtual void abort() = 0;
  // The client went away, or the server is stopping and wants streams to end.
  virtual bool closed() const = 0;
  // Called once, on the loop, when closed() turns true: wake what your function waits for. Replaces the former one.
  virtual void on_close(std::function<void()> callback) = 0;
};

// Server-sent events over a ResponseStream.
class SseStream {
 public:
  explicit SseStream(ResponseStream& stream) : stream_(stream) {}
  io::Task<Status> send(std::string_view event, std::string_view data);
  // Waits until `wake` is notified, `until` comes, or a heartbeat (a comment line) was written; kUnavailable once the
  // client is gone. Like any condition variable it may wake for nothing, and an Event has no memory: look at your
  // condition after each call, and let nothing be awaited between looking and calling.
  io::Task<Status> wait(io::Event& wake, SteadyTime until = SteadyTime::max());
  bool closed() const { return stream_.closed(); }
  std::chrono::milliseconds heartbeat{10000};

 private:
  ResponseStream& stream_;
  std::string buffer_;
  SteadyTime last_write_ = system_clock().now();
};

using StreamBody = std::function<io::Task<void>(ResponseStream&)>;

struct Response {
  int status = 200;
  Headers headers;  // content-length, transfer-encoding, connection and date are the server's work
  std::string body;
  // If set, the body is what this writes (chunked), `body` is ignored. It is called after the handler's task ended and
  // runs inside the connection: what it captures lives until it has ended.
  StreamBody stream;

  static Response json(int status, std::string text);
  static Response text(int status, std::string text);
  static Response html(int status, std::string text);
  static Response empty(int status = 204);
  // {"error":{"code":"not_found","message":"…"}} with status_of(error.code()).
  static Response error(const Error& error);
  static Response error(int status, std::string_view code, std::string_view message);
  static Response streamed(std::string_view content_type, StreamBody body);
  static Response events(std::function<io::Task<void>(SseStream&)> body);
};

// The table of docs/api.md: kNotFound -> 404, …
int status_of(ErrorCode code);
// kNotFound -> "not_found", the "code" of error bodies. From a body and status back to a code: error_of().
std::string_view api_code(ErrorCode code);
// What an error answer of our API says, as an Error; any other body gives the code fitting the status and its first
// line.
Error error_of(int status, std::string_view body);

using Handler = std::function<io::Task<Response>(Request&)>;
// Looks at a request before its handler and before its body is read (Host, Origin, Authorization): a value is the
// answer.
using Guard = std::function<std::optional<Response>(const Request&)>;

}  // namespace modelyard::http
