// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "hadoop/rpc/client.h"
#include "hadoop/testing/server_machine.h"
#include "io/task.h"

// For tests: a server of Hadoop's RPC on a loopback port. Confined to its loop.
namespace modelyard::hadoop::testing {

// What the test wants to happen to a call.
struct Reply {
  enum class Kind { kBody, kException, kNever, kDrop };
  Kind kind = Kind::kBody;
  std::string body;
  std::string exception;
  std::string text;
  bool fatal = false;

  static Reply of(std::string body) { return {.body = std::move(body)}; }
  static Reply refuse(std::string exception, std::string text = "", bool fatal = false) {
    return {.kind = Kind::kException, .exception = std::move(exception), .text = std::move(text), .fatal = fatal};
  }
  static Reply never() { return {.kind = Kind::kNever}; }  // the call stays unanswered
  static Reply drop() { return {.kind = Kind::kDrop}; }    // the connection breaks instead
};

class RpcServer {
 public:
  using Handler = std::function<Reply(const ServerMachine::Call&)>;

  // Listens at once, on `port` or one that the system chooses.
  RpcServer(io::Loop& loop, ServerOptions options, Handler handler, uint16_t port = 0);
  ~RpcServer();

  rpc::Address address() const { return {"127.0.0.1", port_}; }
  int connections() const { return connections_; }  // accepted until now
  int open() const { return open_; }
  int pings() const { return pings_; }
  // Further connections are judged by these.
  void set_options(ServerOptions options) { options_ = std::move(options); }
  // Breaks every connection; new ones are refused by the system until start().
  io::Task<void> stop();
  void start();

 private:
  io::Task<void> accept_loop(int listener);
  io::Task<void> serve(std::shared_ptr<io::Stream> stream);

  io::Executor executor_;
  ServerOptions options_;
  Handler handler_;
  uint16_t port_;
  int connections_ = 0;
  int open_ = 0;
  int pings_ = 0;
  std::unique_ptr<io::Scope> scope_;
};

}  // namespace modelyard::hadoop::testing
