// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/headers.h"
#include "http/sse.h"
#include "http/url.h"
#include "io/task.h"

namespace modelyard::http {

namespace internal {
class ClientConnection;
struct ClientState;
}  // namespace internal

// Where requests go: host and port, or a Unix socket. Immutable; copies share it. Make it once per server and keep it.
class Origin {
 public:
  Origin() = default;
  static Origin tcp(std::string_view host, uint16_t port);
  static Origin unix_socket(std::string_view path);
  // Of a URL's host and port. Errors as parse_url().
  static Result<Origin> of(std::string_view url);
  static Origin of(const Url& url) { return tcp(url.host, url.port); }

  explicit operator bool() const { return data_ != nullptr; }
  // "127.0.0.1:8080", "unix:/run/x.sock": for messages.
  const std::string& text() const { return data_->text; }

  struct Data {
    std::string text;
    std::string host;
    uint16_t port = 0;
    std::string unix_path;
    std::string host_header;
  };
  const Data& data() const { return *data_; }

 private:
  std::shared_ptr<const Data> data_;
};

// Gives the next piece of an upload; empty at the end. An error ends the request with it.
using BodySource = std::function<io::Task<Result<std::string>>()>;

struct ClientRequest {
  Origin origin;
  std::string method = "GET";
  std::string target = "/";  // path and query, encoded
  Headers headers;           // host, content-length and transfer-encoding are the client's work
  std::string body;
  BodySource body_source;  // if set, sent instead of body: chunked, or with content-length when body_size >= 0
  int64_t body_size = -1;
  size_t response_bytes_max = 0;  // 0: ClientOptions::body_bytes_max
  bool* sent = nullptr;  // set once a byte of it may have reached the server: before, nothing can have been done
};

struct ClientResponse {
  int status = 0;
  Headers headers;
  std::string body;
};

struct ClientOptions {
  size_t connections_per_origin_max = 64;  // a fetch above it waits for one to come free, within its deadline
  size_t connections_max = 1024;
  size_t idle_per_origin_max = 16;
  std::chrono::milliseconds idle_timeout{30'000};
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds resolve_timeout{3'000};
  size_t header_bytes_max = 64 << 10;
  size_t body_bytes_max = size_t{16} << 20;
};

// A response whose body is read as it comes. Closing (destroying) it closes the connection unless the body was read to
// its end.
class ClientStream {
 public:
  explicit ClientStream(std::unique_ptr<internal::ClientConnection> connection);
  ~ClientStream();
  int status() const;
  const Headers& headers() const;
  // Some bytes, empty at the end of the body. kDeadline leaves the stream usable.
  io::Task<Result<std::string>> read_chunk(SteadyTime deadline);
  // The rest of the body, at most that many bytes (kResourceExhausted above): for error answers.
  io::Task<Result<std::string>> read_all(SteadyTime deadline, size_t bytes_max = size_t{1} << 20);

 private:
  std::unique_ptr<internal::ClientConnection> connection_;
};

// HTTP/1.1 over pooled keep-alive connections, confined to one loop. It must outlive its fetches and streams.
//
// Errors: kUnavailable (refused, reset, no address, name unknown), kDeadline, kProtocol (the answer is not HTTP),
// kResourceExhausted (a header or body over its bound), kInvalidArgument (a request that cannot be sent). Any status is
// a success.
class Client {
 public:
  explicit Client(io::Loop& loop, ClientOptions options = {});
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // A reused connection that turns out closed before a byte of the answer came is replaced by a fresh one, once, for
  // GET, HEAD, PUT, DELETE and OPTIONS without a body_source.
  io::Task<Result<ClientResponse>> fetch(ClientRequest request, SteadyTime deadline);
  // Returns once the header has come; any status. The deadline covers that part alone.
  io::Task<Result<std::unique_ptr<ClientStream>>> open_stream(ClientRequest request, SteadyTime deadline);

  size_t idle_connections() const;
  size_t open_connections() const;
  // Closes idle connections; those in use close when they come back.
  void close_idle();

 private:
  std::shared_ptr<internal::ClientState> state_;
};

// Events of an open_stream() answer.
class EventSource {
 public:
  explicit EventSource(std::unique_ptr<ClientStream> stream, size_t event_bytes_max = size_t{64} << 20)
      : stream_(std::move(stream)), parser_(event_bytes_max) {}
  // The next event. kUnavailable when the server ended the stream; kDeadline when neither event nor heartbeat came by
  // then. silence: the longest time without a byte.
  io::Task<Result<SseEvent>> next(std::chrono::milliseconds silence);
  ClientStream& stream() { return *stream_; }

 private:
  std::unique_ptr<ClientStream> stream_;
  SseParser parser_;
};

}  // namespace modelyard::http
