// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace modelyard::payloads {

// The bounds of one payload; going over one is kResourceExhausted, and the text names it.
struct Limits {
  int64_t entries_max = 100'000;
  int64_t bytes_max = int64_t{16} << 30;         // unpacked
  int64_t upload_bytes_max = int64_t{16} << 30;  // as sent
  int64_t path_bytes_max = 1024;
  int64_t depth_max = 64;
  // Beyond the grace, the unpacked size may be at most so many times what was sent.
  int64_t expansion_max = 200;
  int64_t expansion_grace_bytes = int64_t{64} << 20;
};

}  // namespace modelyard::payloads
