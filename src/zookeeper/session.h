// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "zookeeper/protocol.h"
#include "zookeeper/sasl.h"
#include "zookeeper/watches.h"

namespace modelyard::zookeeper {

// An answer as it stands in the packet; the body lives for the time of the call that hands it over.
struct Answer {
  int32_t error = 0;  // the server's code
  std::string_view body;
};

// One operation on its way. `done` is called once, inside a call of the session's, with the answer or why there is none
// (kUnavailable: certainly not carried out; kDeadline: it may have been; kCancelled; kUnauthenticated). It must not
// call the session. Where it cannot read the answer it returns an error, which ends the connection.
struct Request {
  OpCode opcode = OpCode::kExists;
  std::string body;
  std::function<Status(const Result<Answer>&)> done;
  // The watch that the server sets by this request; it is put into the table when the answer says so.
  struct Watch {
    WatchTable::Kind kind = WatchTable::Kind::kData;
    std::string path;
    WatchTable::Watcher watcher;
  };
  std::optional<Watch> watch;
  // Of opcode kAuth: kept for further connections once the server has taken it.
  std::string scheme, credentials;
};

// What a session tells its owner; called inside the session's calls, which the owner must not make then.
class SessionEvents {
 public:
  virtual ~SessionEvents() = default;
  // Operations flow. new_session: the first time in this session.
  virtual void on_ready(bool new_session) = 0;
  virtual void on_expired() = 0;
  // path: the server's.
  virtual void on_watch(WatchEvent::Type type, const std::string& path, std::vector<WatchTable::Watcher> watchers) = 0;
};

struct SessionOptions {
  std::chrono::milliseconds session_timeout{10'000};
  size_t packet_max = 4 << 20;
  size_t in_flight_max = 10'000;
  std::vector<std::pair<std::string, std::string>> auth;
};

// ZooKeeper's client protocol without I/O: bytes in, bytes out, time as an argument. It lives over many connections,
// one after the other: it holds the session (id, password, last zxid), the queue of operations, the watches, and the
// identities. The owner connects, feeds it and writes what it says.
//
// Of one connection: opened() -> [output, receive, tick]* -> lost(). An error from receive() or tick() ends the
// connection: the owner closes it and calls lost(). Stages: handshake -> SASL, where wanted -> identities, where there
// are some -> ready -> closing.
class Session {
 public:
  enum class Stage { kNoConnection, kHandshake, kSasl, kAuth, kReady, kClosing, kClosed };

  Session(SessionOptions options, SessionEvents& events);

  // A connection stands. server: which one, for what is remembered of it. sasl: null = none. patience: until when the
  // session must be ready.
  void opened(SteadyTime now, size_t server, std::unique_ptr<SaslMechanism> sasl, SteadyTime patience);
  // kProtocol: rubbish; the session lives. kUnavailable: the session has expired, or a read-only server.
  // kUnauthenticated: see refused().
  Status receive(std::string_view bytes, SteadyTime now);
  // Pings when it is time. kDeadline: the server was not heard of for two thirds of the session's time-out, or the
  // patience of opened() is over.
  Status tick(SteadyTime now);
  // When tick() must be called at the latest.
  SteadyTime wake_at() const;
  // What is to be written now; `written` says how much of it was.
  std::string_view output();
  void written(size_t bytes, SteadyTime now);
  // The connection is gone: what was sent fails with kDeadline, what still waits stays.
  void lost(const std::string& why);

  // A number for withdraw(), never 0. Nothing: too many are on their way.
  std::optional<uint64_t> submit(Request request);
  // Its owner waits no longer; done is not called. True: nothing of it was sent.
  bool withdraw(uint64_t number);

  // Ends the session: what waits fails with kCancelled, then closeSession is sent. stage() is kClosed when the server
  // has answered. Without a connection, at once.
  void close();
  // Fails everything.
  void end(const Error& why);
  // A watch that its owner ends; asks the server to drop its own where no other of ours needs it.
  void unwatch(WatchTable::Kind kind, const std::string& path, const WatchTable::Watcher& watcher);

  Stage stage() const { return stage_; }
  // The server refused the credentials: it makes no sense to try again.
  bool refused() const { return refused_; }
  int64_t session_id() const { return session_id_; }
  std::chrono::milliseconds timeout() const { return timeout_; }
  SteadyTime last_heard() const { return last_heard_; }
  int64_t last_zxid() const { return last_zxid_; }
  size_t in_flight() const { return queue_.size() + sent_.size() + auths_.size(); }
  const WatchTable& watches() const { return watches_; }

 private:
  struct Waiting {
    uint64_t number = 0;
    Request request;
  };
  struct Sent {
    uint64_t number = 0;
    int32_t xid = 0;
    uint64_t begins_at = 0;  // of all bytes of this connection's output
    Request request;         // without body
  };

  void fill();
  void write_packet(int32_t xid, OpCode opcode, std::string_view body);
  int32_t next_xid();
  void send_front();
  bool is_old(size_t server) const;

  Status take_frame(std::string_view frame);
  Status take_handshake(std::string_view frame);
  Status expire();
  Status take_sasl(const ReplyHeader& header, std::string_view body);
  Status begin_auth();
  Status take_auth(const ReplyHeader& header);
  void become_ready();
  Status take_watch_event(std::string_view body);
  Status take_set_watches(const ReplyHeader& header);
  Status take_answer(const ReplyHeader& header, std::string_view body);
  Status settle(Sent sent, int32_t error, std::string_view body);
  void lose(std::vector<std::pair<std::string, WatchTable::Watcher>> watchers);
  Error refuse(std::string text);

  SessionOptions options_;
  SessionEvents& events_;

  // The session.
  int64_t session_id_ = 0;
  std::string password_;
  int64_t last_zxid_ = 0;
  std::chrono::milliseconds timeout_;
  SteadyTime last_heard_{};
  bool announced_ = false;  // on_ready() was called for this session
  bool refused_ = false;
  WatchTable watches_;
  std::vector<std::pair<std::string, std::string>> auth_;
  std::map<size_t, SteadyTime> old_servers_;  // that do not know the newer operations; when that was seen
  uint64_t last_number_ = 0;
  std::deque<Waiting> queue_;

  // The connection.
  Stage stage_ = Stage::kNoConnection;
  size_t server_ = 0;
  SteadyTime opened_at_{};
  SteadyTime patience_{};
  SteadyTime last_sent_{};
  std::unique_ptr<SaslMechanism> sasl_;
  bool server_is_new_ = false;  // it answered a newer operation
  bool probing_ = false;        // the newer operation that is on its way is alone
  bool doomed_ = false;         // the server closes: nothing more is sent
  int32_t last_xid_ = 0;
  int32_t own_xid_ = 0;     // of the SASL token, or of closeSession
  size_t set_watches_ = 0;  // unanswered
  std::deque<Sent> sent_;
  std::deque<Sent> auths_;  // number 0: of auth_, else of an operation
  std::string in_;
  std::string out_;
  size_t out_begin_ = 0;      // what lies before was written
  uint64_t out_written_ = 0;  // of all bytes of this connection's output
};

}  // namespace modelyard::zookeeper
