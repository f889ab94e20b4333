// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "base/result.h"
#include "http/message.h"
#include "http/router.h"

namespace modelyard::http {

struct ServerOptions {
  // Where to listen: a Unix socket if unix_path is set, else TCP.
  std::string host = "127.0.0.1";  // an address, "localhost", or a name resolved at start
  uint16_t port = 0;               // 0: any free one, see Server::port()
  std::filesystem::path
      unix_path;            // made with mode 0600; a stale socket file is replaced, one that answers is kConflict
  bool share_port = false;  // SO_REUSEPORT: several servers, one a loop, on the same port

  Guard guard;

  size_t header_bytes_max = 32 << 10;  // start line included: 431 above
  size_t header_count_max = 128;
  size_t connections_max = 4096;                     // further ones wait in the kernel's queue
  std::chrono::milliseconds header_timeout{10'000};  // from the first byte to the whole header: 408
  std::chrono::milliseconds idle_timeout{75'000};    // between requests
  std::chrono::milliseconds body_timeout{30'000};    // without a byte of the body
  std::chrono::milliseconds write_timeout{30'000};   // without progress of a write
};

// An HTTP/1.1 server, confined to one loop. Malformed input is answered 400 and the connection closed; pipelined
// requests are answered in order; Expect: 100-continue is answered when the body is first wanted.
//
// Lifecycle: start() on the loop's thread (or before it runs), then co_await stop() before destruction. The router must
// outlive it.
class Server {
 public:
  Server(io::Loop& loop, const Router& router, ServerOptions options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // kConflict when the port or socket is taken, with what to do; kInvalidArgument for a host that is none of this
  // machine's.
  Status start();
  uint16_t port() const;
  // Host and port as in a URL: "127.0.0.1:8080", "[::1]:8080".
  std::string address() const;
  size_t connections() const;
  // Stops accepting, tells streams to end, lets running requests finish until the deadline, then closes what is left.
  // Idempotent.
  io::Task<void> stop(SteadyTime deadline);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace modelyard::http
