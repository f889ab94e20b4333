// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/random.h"
#include "base/result.h"
#include "hadoop/rpc/connection.h"
#include "io/stream.h"
#include "io/task.h"

namespace modelyard::hadoop::rpc {

struct Address {
  std::string host;
  uint16_t port = 0;
  bool operator==(const Address&) const = default;
  auto operator<=>(const Address&) const = default;
  std::string text() const;  // "node1:8030", "[::1]:8030"
};

struct ClientOptions {
  std::string protocol;
  std::optional<Token> token;                       // without one: `user` by SIMPLE
  std::string user;                                 // of SIMPLE
  std::chrono::milliseconds ping_interval{30'000};  // of a connection on which nothing is sent
  size_t packet_max = 16 << 20;
  size_t in_flight_max = 1'000;
};

// One connection to one server, authenticated. Any number of coroutines may call at a time. It never connects again
// and never repeats a call: whoever owns it decides that (a resource manager has rivals, a call may have been carried
// out).
//
// Confined to its loop. Await close() before destruction; it returns when every caller has got its answer.
class Client {
 public:
  // Errors: connect_tcp()'s; Connection::feed()'s (kUnauthenticated: the server does not know the token). A server that
  // closes during the negotiation is kUnavailable: it cannot read the token, or it is ending.
  static io::Task<Result<std::unique_ptr<Client>>> connect(io::Executor executor, Address address,
                                                           ClientOptions options, SteadyTime deadline);
  ~Client();

  // kUnavailable: certainly not carried out. kDeadline: no answer in time, or the connection broke meanwhile: it may
  // have been carried out. A FATAL answer gives every call its error (to_error()).
  io::Task<Result<Answer>> call(std::string method, std::string request, SteadyTime deadline);

  bool is_open() const { return !closed_; }
  // Why it is no longer open; empty: it is, or close() was called.
  const std::string& why_closed() const { return why_closed_; }
  const std::optional<RemoteException>& fatal() const { return connection_.fatal(); }
  const Address& address() const { return address_; }
  // When the last call began or ended: an owner closes what is idle.
  SteadyTime last_used() const { return last_used_; }
  size_t in_flight() const { return waiting_.size(); }

  io::Task<void> close();

 private:
  struct Waiting {
    explicit Waiting(io::Executor executor) : done(executor) {}
    io::Event done;
    std::optional<Result<Answer>> result;
  };
  class Entry;

  Client(io::Executor executor, Address address, io::Stream stream, ClientOptions options, ConnectionOptions machine);
  io::Task<Status> negotiate(SteadyTime deadline);
  io::Task<void> read_loop();
  io::Task<void> write_loop();
  void send();
  void deliver();
  void end(const Error& error);

  const Address address_;
  const std::chrono::milliseconds ping_interval_;
  io::Stream stream_;
  Connection connection_;
  std::string unsent_;  // what the kernel did not take at once
  std::map<int32_t, std::shared_ptr<Waiting>> waiting_;
  bool closed_ = false;
  std::string why_closed_;
  SteadyTime last_used_;
  int callers_ = 0;
  io::Event left_;  // callers_ became 0
  io::Event output_;
  io::Scope scope_;
};

}  // namespace modelyard::hadoop::rpc
