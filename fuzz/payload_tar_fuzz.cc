// SPDX-License-Identifier: Apache-2.0
// fuzz: DEPS payloads
// An uploaded archive: unpacked or refused, never a file outside of its folder, never more than the bounds allow.
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "io/file.h"
#include "payloads/tar.h"
#include "payloads/tree.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace modelyard;
  namespace fs = std::filesystem;
  const auto outside = io::TemporaryFolder::make("modelyard-fuzz-tar");
  if (!outside) std::abort();
  const fs::path inside = outside->path() / "inside";
  fs::create_directory(inside);
  const payloads::Limits limits{.entries_max = 64,
                                .bytes_max = 1 << 20,
                                .path_bytes_max = 256,
                                .depth_max = 16,
                                .expansion_max = 100,
                                .expansion_grace_bytes = 64 << 10};
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto unpacked = payloads::unpack_tar(
      [&]() -> Result<std::string_view> {
        const std::string_view piece = rest.substr(0, 512);
        rest.remove_prefix(piece.size());
        return piece;
      },
      inside, limits);
  if (std::distance(fs::directory_iterator(outside->path()), {}) != 1) std::abort();
  // What was taken is what a payload may be: every link inside, no odd kinds.
  if (unpacked && !payloads::list_tree(inside)) std::abort();
  return 0;
}
