// SPDX-License-Identifier: Apache-2.0
#include "runner/link.h"

#include "runner/socket_link.h"
#include "runner/zookeeper_link.h"

namespace modelyard::runner {

Result<std::unique_ptr<ControllerLink>> open_link(io::Loop& loop, const registry::InstanceSpec& spec,
                                                  const std::string& secret, Random& random) {
  if (spec.zookeeper.empty()) return std::make_unique<SocketLink>(loop, spec, random);
  const registry::zookeeper::Secrets secrets{.application = secret};
  zookeeper::ClientOptions options{.quorum = spec.zookeeper};
  options.auth = registry::zookeeper::worker_auth(secrets);
  MY_TRY(auto client, zookeeper::connect_client(loop, std::move(options), Random(random())));
  return std::make_unique<ZookeeperLink>(loop, spec, secrets, std::move(client), random);
}

}  // namespace modelyard::runner
