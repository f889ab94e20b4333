// SPDX-License-Identifier: Apache-2.0
#include "registry/registry.h"

namespace modelyard::registry {

io::Task<Result<std::vector<QueueItem>>> Registry::requests(size_t /*limit*/) { co_return std::vector<QueueItem>(); }

}  // namespace modelyard::registry
