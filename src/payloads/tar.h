// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "payloads/limits.h"

namespace modelyard::payloads {

struct Unpacked {
  int64_t files = 0;
  int64_t bytes = 0;
};

// Gives the next bytes of an archive; empty = the end. The view lives until the next call.
using ByteSource = std::function<Result<std::string_view>()>;

// Unpacks a tar (plain or compressed) into an existing empty folder, piece by piece. Files become 0644 or 0755, folders
// 0755; owners and times are not taken over; a top-level endpoint.dat is left out. Refused with a text that names the
// entry: absolute paths, "..", links that leave the folder, entries below a link, devices, sockets, pipes, and what
// goes over a limit. Blocks.
Result<Unpacked> unpack_tar(const ByteSource& source, const std::filesystem::path& folder, const Limits& limits = {});

// A folder as a plain tar (pax), in chunks of about 256 KiB, entries in byte order of their paths, a top-level
// endpoint.dat left out. Not thread-safe. Blocks on the disk alone.
class TarReader {
 public:
  // kInvalidArgument for what unpack_tar would refuse, before the first byte is sent.
  static Result<TarReader> open(const std::filesystem::path& folder, const Limits& limits = {});
  TarReader(TarReader&&) noexcept;
  ~TarReader();
  // The next bytes; empty = the end. The view lives until the next call.
  Result<std::string_view> next();
  // Sum of the files' sizes, for progress.
  int64_t total_bytes() const;

 private:
  struct State;
  explicit TarReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace modelyard::payloads
