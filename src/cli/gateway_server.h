// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "client/zookeeper_feed.h"

namespace modelyard::cli {

struct GatewayOptions {
  client::ZookeeperAddress place;
  std::string listen_host = "127.0.0.1";
  uint16_t port = 8800;
  std::string token;    // "" = none
  std::string version;  // of this program
  std::chrono::milliseconds first_within{15'000};
};

// The HTTP front door of a cluster's models, on one thread: calls, the registered models and their watch, from the
// endpoints in ZooKeeper. Listens once it knows them; from then on ZooKeeper may be away. Blocks until SIGTERM or
// SIGINT. on_ready gets the URL.
//   kUnavailable  no server of the quorum answers within first_within, or the chroot does not exist
//   kConflict     the port is taken
Status run_gateway(const GatewayOptions& options, const std::function<Status(const std::string& url)>& on_ready);

}  // namespace modelyard::cli
