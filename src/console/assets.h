// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

namespace modelyard::console {

// One file of console/, compiled in. Immutable, lives as long as the program.
struct Asset {
  std::string_view path;  // under console/: "js/app.js"
  std::string_view media_type;
  std::string_view etag;  // with its quotes
  std::string_view text;
};

// Sorted by path. The table is generated at build time.
std::span<const Asset> assets();

// Null if there is no such file.
const Asset* find_asset(std::string_view path);

}  // namespace modelyard::console
