// SPDX-License-Identifier: Apache-2.0
#include "zookeeper/types.h"

namespace modelyard::zookeeper {

AclList open_acl() { return {{perms::kAll, "world", "anyone"}}; }

std::string_view parent_of(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string_view::npos ? std::string_view("/") : path.substr(0, slash);
}

std::string_view name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

}  // namespace modelyard::zookeeper
