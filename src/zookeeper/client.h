// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "io/task.h"
#include "zookeeper/types.h"

namespace modelyard::zookeeper {

struct TlsOptions {
  bool enabled = false;
  std::string ca_file;           // PEM; "" = the system's authorities
  std::string certificate_file;  // PEM, of this client; "" = none
  std::string key_file;          // PEM; "" = in certificate_file
  bool verify_host_name = true;
};

struct SaslOptions {
  enum class Mechanism {
    kNone,
    kDigestMd5,  // RFC 2831; the other mechanism of the protocol, GSSAPI, has its seam in sasl.h
  };
  Mechanism mechanism = Mechanism::kNone;
  std::string user;
  std::string password;
};

struct ClientOptions {
  std::string quorum;                                 // "host1:2181,host2[:2181][/chroot]"; [::1]:2181 for IPv6
  std::chrono::milliseconds session_timeout{10'000};  // asked for; the server decides
  std::chrono::milliseconds connect_timeout{3'000};   // of one server, handshake included
  std::chrono::milliseconds retry_min{50};            // between two tries of the quorum, doubling, with jitter
  std::chrono::milliseconds retry_max{2'000};
  std::chrono::milliseconds request_timeout{15'000};  // of one operation that names no deadline
  size_t in_flight_max = 10'000;                      // operations; above it kResourceExhausted
  size_t packet_max = 4 << 20;  // a larger answer is kProtocol (the servers' jute.maxbuffer is 1 MiB)
  std::vector<std::pair<std::string, std::string>> auth;  // scheme and credentials: {"digest", "user:password"}
  TlsOptions tls;
  SaslOptions sasl;
};

// Hosts and chroot of a quorum text. kInvalidArgument names what is wrong.
struct Quorum {
  struct Server {
    std::string host;
    uint16_t port = 2181;
  };
  std::vector<Server> servers;
  std::string chroot;  // "" = none
};
Result<Quorum> parse_quorum(std::string_view text);

// A session with a ZooKeeper ensemble. Two implementations: connect_client() below over the network, and FakeEnsemble's
// (fake.h) in memory. Confined to its loop.
//
// Connection and session. It connects by itself, tries the servers in random order, pings, and keeps its session over
// lost connections and changed servers; watches are set again by it on the new connection. When the session has expired
// it begins another: every watch of the old one gets kLost, its ephemeral nodes are gone, and on_session is called.
// What its users hold (snapshots) is theirs to keep.
//
// Operations. An operation that comes while no connection is there waits for one until its deadline (kUnavailable). One
// that was sent when the connection broke is kDeadline: it may have been carried out. None is ever repeated by the
// client itself. Order: operations reach the server in the order of their calls; an answer and the watch events that
// precede it arrive in the server's order.
class Client {
 public:
  virtual ~Client() = default;

  enum class State {
    kConnecting,  // no connection now; the session may live
    kConnected,
    kExpired,  // between two sessions
    kRefused,  // the ensemble refuses us (credentials, TLS, SASL): no further try; trouble() says why
    kClosed,
  };
  virtual State state() const = 0;
  // 0 before the first.
  virtual int64_t session_id() const = 0;
  // How long the server keeps the session without us; as it decided.
  virtual std::chrono::milliseconds session_timeout() const = 0;
  // Since when nothing was heard of the server. Whoever leads stops deciding when this comes near session_timeout().
  virtual SteadyTime last_heard() const = 0;
  // What the last failed try to connect met: "node1:2181: connection refused". Empty: none.
  virtual std::string trouble() const = 0;

  // Called on the loop, never inside another call, at each change of state(); `new_session`: this connection began a
  // new session after an expired one (or the first). Ends when the returned value is destroyed.
  using Subscription = std::shared_ptr<void>;
  virtual Subscription on_state(std::function<void(State state, bool new_session)> callback) = 0;
  // True when connected; false when the deadline passed first or the client is refused or closed.
  virtual io::Task<bool> wait_connected(SteadyTime deadline) = 0;

  // Deadline: SteadyTime{} = now + request_timeout. Paths are below the chroot. Data: at most packet_max.
  // Returns the path, with its sequence number where the mode gives one.
  virtual io::Task<Result<std::string>> create(std::string path, std::string data,
                                               CreateMode mode = CreateMode::kPersistent, AclList acl = open_acl(),
                                               SteadyTime deadline = {}) = 0;
  virtual io::Task<Status> remove(std::string path, int32_t version = kAnyVersion, SteadyTime deadline = {}) = 0;
  virtual io::Task<Result<Stat>> set(std::string path, std::string data, int32_t version = kAnyVersion,
                                     SteadyTime deadline = {}) = 0;

  // One-shot watches: called once, on the loop, with the first event after the answer; kLost ends them too. An empty
  // function = no watch. exists(): no node is kNotFound, and the watch waits for its creation. get() and children() of
  // an absent node set no watch.
  using Watcher = std::function<void(const WatchEvent&)>;
  struct Node {
    std::string data;
    Stat stat;
  };
  struct Children {
    std::vector<std::string> names;  // in no order
    Stat stat;
  };
  virtual io::Task<Result<Node>> get(std::string path, Watcher watcher = {}, SteadyTime deadline = {}) = 0;
  virtual io::Task<Result<Stat>> exists(std::string path, Watcher watcher = {}, SteadyTime deadline = {}) = 0;
  virtual io::Task<Result<Children>> children(std::string path, Watcher watcher = {}, SteadyTime deadline = {}) = 0;

  // A watch that stays (ZooKeeper 3.6 and later; kUnsupported before). Recursive: created, deleted and changed data of
  // the node and all below it, no kChildrenChanged. Ends when the subscription is destroyed, or with kLost. Before 3.9
  // a server holds one mode for each path: do not watch one path in both.
  enum class WatchMode : int32_t { kPersistent = 0, kPersistentRecursive = 1 };
  virtual io::Task<Result<Subscription>> add_watch(std::string path, WatchMode mode, Watcher watcher,
                                                   SteadyTime deadline = {}) = 0;

  // At most 1,000 operations. An error: it is not known whether it was carried out (kDeadline) or certainly was not. A
  // refusal by the server is a value.
  virtual io::Task<Result<MultiAnswer>> multi(std::vector<Op> ops, SteadyTime deadline = {}) = 0;

  // The connected server has everything that was committed before this call.
  virtual io::Task<Status> sync(std::string path, SteadyTime deadline = {}) = 0;
  virtual io::Task<Result<std::pair<AclList, Stat>>> get_acl(std::string path, SteadyTime deadline = {}) = 0;
  virtual io::Task<Result<Stat>> set_acl(std::string path, AclList acl, int32_t version = kAnyVersion,
                                         SteadyTime deadline = {}) = 0;
  // Adds an identity, now and on each further connection. kUnauthenticated: the server refuses it.
  virtual io::Task<Status> add_auth(std::string scheme, std::string credentials, SteadyTime deadline = {}) = 0;

  // Ends the session (its ephemeral nodes go at once), waits at most until the deadline for the server's word, then
  // everything that waits is kCancelled. Await it before destruction.
  virtual io::Task<void> close(SteadyTime deadline) = 0;
};

// Begins to connect at once. kInvalidArgument: the quorum, a TLS file that cannot be read.
Result<std::unique_ptr<Client>> connect_client(io::Loop& loop, ClientOptions options, Random random);

// Creates every node of the path that is absent, with empty data.
io::Task<Status> make_path(Client& client, std::string path, AclList acl = open_acl());
// Removes the node and everything below it; absent is done.
io::Task<Status> remove_tree(Client& client, std::string path);

}  // namespace modelyard::zookeeper
