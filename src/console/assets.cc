// SPDX-License-Identifier: Apache-2.0
#include "console/assets.h"

#include <algorithm>

namespace modelyard::console {

const Asset* find_asset(std::string_view path) {
  const auto all = assets();
  const auto found = std::ranges::find(all, path, &Asset::path);
  return found == all.end() ? nullptr : &*found;
}

}  // namespace modelyard::console
