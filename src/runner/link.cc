// SPDX-License-Identifier: Apache-2.0
#include "runner/link.h"

#include "runner/socket_link.h"
#include "runner/zookeeper_link.h"

namespace modelyard::runner {

Result<std::unique_ptr<ControllerLink>> open_link(io::Loop& loop, const registry::InstanceSpec& spec,
                                                  const std::string& secret, Random& random) {
  if (spec.zookeeper.empty()) return std::make_unique<SocketLink>(loop, spec, random);
  (void)secret;
  return fail(ErrorCode::kUnsupported, "built before the ZooKeeper client");
}

}  // namespace modelyard::runner
