// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "io/stream.h"
#include "io/task.h"
#include "io/tls.h"
#include "zookeeper/client.h"
#include "zookeeper/session.h"

namespace modelyard::zookeeper::internal {

// The client over the network: a session machine, one connection at a time, and the operations that wait. What it
// promises stands in client.h. client.cc has the connections, client_operations.cc the operations.
class NetworkClient final : public Client, private SessionEvents {
 public:
  NetworkClient(io::Executor executor, ClientOptions options, Quorum quorum, io::TlsContext tls, Random random);
  ~NetworkClient() override;

  State state() const override { return state_; }
  int64_t session_id() const override { return session_.session_id(); }
  std::chrono::milliseconds session_timeout() const override { return session_.timeout(); }
  SteadyTime last_heard() const override { return session_.last_heard(); }
  std::string trouble() const override { return trouble_; }
  Subscription on_state(std::function<void(State state, bool new_session)> callback) override;
  io::Task<bool> wait_connected(SteadyTime deadline) override;

  io::Task<Result<std::string>> create(std::string path, std::string data, CreateMode mode, AclList acl,
                                       SteadyTime deadline) override;
  io::Task<Status> remove(std::string path, int32_t version, SteadyTime deadline) override;
  io::Task<Result<Stat>> set(std::string path, std::string data, int32_t version, SteadyTime deadline) override;
  io::Task<Result<Node>> get(std::string path, Watcher watcher, SteadyTime deadline) override;
  io::Task<Result<Stat>> exists(std::string path, Watcher watcher, SteadyTime deadline) override;
  io::Task<Result<Children>> children(std::string path, Watcher watcher, SteadyTime deadline) override;
  io::Task<Result<Subscription>> add_watch(std::string path, WatchMode mode, Watcher watcher,
                                           SteadyTime deadline) override;
  io::Task<Result<MultiAnswer>> multi(std::vector<Op> ops, SteadyTime deadline) override;
  io::Task<Status> sync(std::string path, SteadyTime deadline) override;
  io::Task<Result<std::pair<AclList, Stat>>> get_acl(std::string path, SteadyTime deadline) override;
  io::Task<Result<Stat>> set_acl(std::string path, AclList acl, int32_t version, SteadyTime deadline) override;
  io::Task<Status> add_auth(std::string scheme, std::string credentials, SteadyTime deadline) override;
  io::Task<void> close(SteadyTime deadline) override;

 private:
  struct Callbacks;

  // Connections (client.cc).
  io::Task<void> run();
  io::Task<Status> serve(size_t server);
  io::Task<Result<io::Stream>> connect(const Quorum::Server& server, const std::string& name, SteadyTime deadline);
  io::Task<Status> read(io::Stream& stream);
  io::Task<void> drain(std::shared_ptr<io::Stream> stream);
  void wake();
  void flush();
  void set_state(State state, bool new_session = false);
  std::chrono::milliseconds pause_after(const Status& ended, bool lived, bool expired);
  std::chrono::milliseconds connect_patience() const;

  // SessionEvents.
  void on_ready(bool new_session) override;
  void on_expired() override;
  void on_watch(WatchEvent::Type type, const std::string& path, std::vector<WatchTable::Watcher> watchers) override;

  // Operations (client_operations.cc). The text of an error begins with `what`.
  template <typename T>
  io::Task<Result<T>> perform(Request request, std::string what, SteadyTime deadline,
                              std::function<Result<T>(std::string_view body)> decode);
  Error gone(bool sent, const std::string& what) const;
  std::string to_server(std::string_view path) const;
  Result<std::string> from_server(std::string_view path) const;
  Request watched(OpCode opcode, const std::string& path, WatchTable::Kind kind, Watcher watcher) const;

  io::Executor executor_;
  ClientOptions options_;
  Quorum quorum_;
  io::TlsContext tls_;
  Random random_;
  Session session_;
  State state_ = State::kConnecting;
  std::string trouble_;
  std::shared_ptr<Callbacks> callbacks_;
  // What is posted to the loop asks it whether the client is still there.
  std::shared_ptr<NetworkClient*> self_;
  std::shared_ptr<io::Stream> stream_;  // null: no connection
  bool flush_posted_ = false;
  bool draining_ = false;
  int failures_ = 0;      // in a row, of single servers
  int tls_refusals_ = 0;  // the same
  bool expired_ = false;  // in the connection that just ended
  bool was_ready_ = false;
  bool closing_ = false;
  SteadyTime ready_at_{};
  io::Event changed_;  // state_, or the end of the session
  io::Scope scope_;
};

}  // namespace modelyard::zookeeper::internal
