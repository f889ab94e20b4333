// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "io/task.h"
#include "zookeeper/client.h"

namespace modelyard::zookeeper {

// A ZooKeeper ensemble in memory, for tests: the data tree with its versions, zxids, ephemerals, sequences, ACLs,
// multi, one-shot and persistent watches, sessions that expire when told, and connections that break when told. What
// the real server refuses, it refuses with the same code: the same table of operations runs against both
// (tests/cluster/conformance_test.cc). A client that is destroyed without close() is as a program that crashed: its
// session lives until expire(). Confined to one loop; outlives its clients. It records every request.
class FakeEnsemble {
 public:
  struct Options {
    bool has_add_watch = true;     // false: as a server before 3.6
    bool has_create2 = true;       // false: as 3.4; containers and TTL are kUnsupported
    bool events_ask_read = true;   // watch events go only to those who may read the node: since 3.8.4 and 3.9.2
    bool exists_asks_read = true;  // so does the answer to exists(): since 3.9.3
    std::chrono::milliseconds session_timeout{10'000};
  };
  explicit FakeEnsemble(io::Loop& loop);
  FakeEnsemble(io::Loop& loop, Options options);
  ~FakeEnsemble();

  // A client with a session of its own. auth as in ClientOptions.
  std::unique_ptr<Client> connect(std::vector<std::pair<std::string, std::string>> auth = {});

  // Faults. A client is named by its session.
  void disconnect(int64_t session);  // its connection breaks; it stays away until reconnect()
  void reconnect(int64_t session);
  void expire(int64_t session);  // its ephemerals go; a connected client begins a new session at once
  void lose_replies(int64_t session,
                    int n);  // the next n writes are carried out, their answers lost: kDeadline, reconnect
  void lose_requests(int64_t session, int n);  // the next n writes are not carried out: kDeadline, reconnect
  // Called before each write is applied, "create /a": return an error to refuse it with. Of a multi it is called for
  // each operation but the checks: kUnavailable, kDeadline and kCancelled fail the call, any other code is the refusal
  // of that operation in the answer.
  void on_write(std::function<Status(int64_t session, const std::string& what)> hook);
  // Watch events wait until released; and, as on a connection, the answers to the same session that come after them.
  void hold_events(bool held);

  // Looking in without a session.
  struct Node {
    std::string data;
    Stat stat;
    AclList acl;
  };
  const std::map<std::string, Node>& nodes() const;  // by absolute path
  const std::vector<std::string>& requests() const;  // "create /a ephemeral", in order
  // Writing without a session, as another program would. False: the server would refuse it.
  bool put(const std::string& path, std::string data);
  bool erase(const std::string& path);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace modelyard::zookeeper
