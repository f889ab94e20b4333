// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "http/client.h"
#include "http/parser.h"
#include "io/stream.h"

namespace modelyard::http::internal {

struct Pool;

// One connection to an origin: writes a request, reads its answer, and may do so again. Owned by the fetch or stream
// that uses it, in between by its pool. Its place in the pool's count is given back when it is destroyed.
class ClientConnection {
 public:
  ClientConnection(std::shared_ptr<Pool> pool, io::Stream stream, const ClientOptions& options);
  ~ClientConnection();
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;

  // Writes the whole request. A broken pipe, and an answer that comes before the upload's end, are a success here: the
  // answer that may have come says more, and receive() finds the error if there is none.
  io::Task<Status> send(const ClientRequest& request, SteadyTime deadline);
  // Until the header has come and, with whole_body, the body too.
  io::Task<Status> receive(bool whole_body, SteadyTime deadline);
  // Of the body: what came since the last call; empty at its end.
  io::Task<Result<std::string>> read_chunk(SteadyTime deadline);

  void begin(const ClientRequest& request, size_t body_bytes_max);
  // The answer was read whole, and both sides would keep the connection.
  bool is_reusable() const;
  // No byte of an answer came: the server may have closed before it saw the request.
  bool is_untouched() const { return !parser_.begun(); }
  bool is_stale() const;

  int status() const { return parser_.status(); }
  Headers& headers() { return headers_; }
  std::string& body() { return body_; }
  const std::shared_ptr<Pool>& pool() const { return pool_; }
  SteadyTime idle_since;

 private:
  io::Task<Status> send_source(const ClientRequest& request, SteadyTime deadline);
  io::Task<Status> fill(SteadyTime deadline);
  Status feed();
  void write_head(const ClientRequest& request);

  std::shared_ptr<Pool> pool_;
  io::Stream stream_;
  Headers headers_;
  std::string body_;
  ResponseParser parser_;
  std::string in_;
  size_t in_begin_ = 0;
  size_t in_end_ = 0;
  std::string out_;
  bool sent_whole_ = false;
};

// The connections to one origin.
struct Pool : std::enable_shared_from_this<Pool> {
  Pool(io::Executor executor, Origin the_origin, std::shared_ptr<ClientState> the_state);
  ~Pool();

  Origin origin;
  std::weak_ptr<ClientState> state;
  std::vector<std::unique_ptr<ClientConnection>> idle;  // the last used at the end
  size_t open = 0;                                      // idle and in use
  size_t waiting = 0;
  io::Event freed;
};

struct ClientState : std::enable_shared_from_this<ClientState> {
  ClientState(io::Executor the_executor, ClientOptions the_options) : executor(the_executor), options(the_options) {}

  std::shared_ptr<Pool> pool_of(const Origin& origin);
  // An idle connection (reused = true), or a new one; waits while as many as allowed are in use.
  io::Task<Result<std::unique_ptr<ClientConnection>>> acquire(const ClientRequest& request, bool fresh, bool& reused,
                                                              SteadyTime deadline);
  io::Task<Result<std::unique_ptr<ClientConnection>>> connect(std::shared_ptr<Pool> pool, SteadyTime deadline);
  void give_back(std::unique_ptr<ClientConnection> connection);
  // Makes room when all connections are open, by closing one that is idle at another origin.
  bool make_room();
  void sweep();
  void start_sweeping();

  io::Executor executor;
  ClientOptions options;
  std::unordered_map<std::string, std::shared_ptr<Pool>> pools;
  size_t open = 0;
  size_t idle = 0;
  bool sweeping = false;
  bool closed = false;
};

}  // namespace modelyard::http::internal
