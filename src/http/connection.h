// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <list>
#include <memory>
#include <string>

#include "http/message.h"
#include "http/parser.h"
#include "http/router.h"
#include "http/server.h"
#include "io/socket.h"
#include "io/stream.h"

namespace modelyard::http::internal {

// What the connections of one server share. Confined to its loop.
struct ServerShared {
  ServerShared(io::Executor executor, const Router& the_router, ServerOptions the_options)
      : router(the_router), options(std::move(the_options)), changed(executor) {}

  // "Mon, 23 Nov 2026 15:04:05 GMT", made once a second.
  const std::string& date();

  const Router& router;
  ServerOptions options;
  std::list<ServerConnection*> connections;
  bool stopping = false;
  io::Event changed;  // a connection ended

 private:
  int64_t date_second_ = -1;
  std::string date_;
};

// One accepted connection: reads requests one after the other, calls their handlers, writes the answers. Owned by the
// coroutine that runs run().
class ServerConnection final : public ResponseStream {
 public:
  ServerConnection(std::shared_ptr<ServerShared> server, io::Executor executor, io::Accepted accepted);
  ~ServerConnection() override;

  // Until the connection is to be closed.
  io::Task<void> run();
  // The server is stopping: an idle connection closes now, a running request is the last one, a stream is told to end.
  void stop_soon();

  // Of Request
  io::Task<Result<std::string>> read_chunk();

  // Of ResponseStream
  io::Task<Status> write(std::string_view bytes) override;
  void abort() override { aborted_ = true; }
  bool closed() const override { return peer_gone_ || server_->stopping; }
  void on_close(std::function<void()> callback) override { on_close_ = std::move(callback); }

 private:
  enum class Next { kKeep, kClose, kLinger };

  io::Task<Next> serve_one();
  // False: nothing to answer, or answered; close.
  io::Task<Next> read_header();
  io::Task<Next> answer();
  // False: the request was answered already, or the peer is gone.
  io::Task<Status> read_body();
  io::Task<Status> fill_buffer(SteadyTime deadline);
  io::Task<Status> send_continue();
  io::Task<Next> send(Response response);
  io::Task<Next> send_streamed(Response response);
  io::Task<Next> refuse(int status, std::string_view text);
  io::Task<void> linger();

  void begin_request();
  void feed();
  void write_head(const Response& response, int64_t content_length, bool chunked, bool keep);
  bool may_keep(const Response& response) const;
  void peer_closed();
  SteadyTime write_deadline() const { return system_clock().now() + server_->options.write_timeout; }

  std::shared_ptr<ServerShared> server_;
  std::list<ServerConnection*>::iterator place_;
  io::Stream stream_;
  Peer peer_;
  Request request_;
  std::string target_;
  RequestParser parser_;
  std::string in_;  // bytes read: [in_begin_, in_end_) are not parsed yet
  size_t in_begin_ = 0;
  size_t in_end_ = 0;
  std::string out_;
  bool idle_ = true;  // between requests: may be closed at once
  bool continue_due_ = false;
  bool chunked_out_ = false;
  bool peer_gone_ = false;
  bool aborted_ = false;
  std::function<void()> on_close_;
};

// "Not Found"
std::string_view reason_phrase(int status);

}  // namespace modelyard::http::internal
