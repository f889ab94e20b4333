// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/file.h"

namespace modelyard::testing {

struct ZooKeeperOptions {
  std::string version = "3.9";  // "3.4" (3.4.14), "3.8" (Debian's), "3.9" (3.9.3)
  int size = 1;                 // servers: 1 or 3
  bool tls = false;             // 3.8 and 3.9: also on secure_quorum(), for clients with a certificate
  std::string sasl_user;        // not empty: only clients that show these by DIGEST-MD5 (3.8 and 3.9)
  std::string sasl_password;
};

// Real ZooKeeper servers, children of the test, on loopback and on ports of their own; ended with this object, or by
// the kernel when the test dies. A session lives at least a second (tickTime 500). Every call waits (at most 30 s),
// also when it is made on a loop's thread. What they run is written by tests/support/zookeeper.py, as for the Python
// suites.
class ZooKeeperServers {
 public:
  static Result<std::unique_ptr<ZooKeeperServers>> start(ZooKeeperOptions options = {});
  ~ZooKeeperServers();
  ZooKeeperServers(const ZooKeeperServers&) = delete;
  ZooKeeperServers& operator=(const ZooKeeperServers&) = delete;

  int size() const { return static_cast<int>(servers_.size()); }
  std::string quorum() const;          // "127.0.0.1:p1,127.0.0.1:p2"
  std::string quorum_of(int i) const;  // one server alone
  std::string secure_quorum() const;
  // PEM files, when options.tls.
  std::string ca_file() const { return certificates_ + "/ca.pem"; }
  std::string client_certificate_file() const { return certificates_ + "/client.pem"; }
  std::string client_key_file() const { return certificates_ + "/client.key"; }

  void kill(int i = 0);    // as kill -9
  void freeze(int i = 0);  // SIGSTOP: connected and silent
  void thaw(int i = 0);
  // The same data on the same port; killed first if it runs. Returns when it serves.
  Status restart(int i = 0);
  // Starts again without waiting until it serves: a majority may be missing.
  Status launch(int i = 0);
  Status wait_serving(int i = 0) const;
  // Who leads now; nothing while there is no quorum.
  std::optional<int> leader() const;
  // The server's answer to a four letter word ("srvr", "wchs"); "" when it gives none.
  std::string four(int i, const std::string& word) const;
  // The end of its log, for messages.
  std::string log(int i = 0) const;

 private:
  struct Server {
    uint16_t port = 0;
    uint16_t secure_port = 0;
    std::vector<std::string> command;
    std::string log;
    pid_t pid = -1;
  };
  explicit ZooKeeperServers(io::TemporaryFolder folder) : folder_(std::move(folder)) {}
  Status prepare(const ZooKeeperOptions& options);

  io::TemporaryFolder folder_;
  std::string certificates_;
  std::vector<Server> servers_;
};

}  // namespace modelyard::testing
