// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace modelyard::sensor {

// How far a file was read, and what it looked like there: kept beside its offset. A file is the same one when its
// beginning and what lies before the place are the same bytes, whatever its inode: so a copy that an editor wrote back
// goes on, and a file of the same name with other lines in it is a new one.
//
// Offsets of a stream grow for ever: the file that takes the place of another goes on counting from `base`.
struct FilePosition {
  int64_t base = 0;  // the stream's offset at byte 0 of this file
  int64_t at = 0;    // bytes read; base + at is the stream's offset
  uint64_t device = 0;
  uint64_t inode = 0;
  std::string head;  // digest of the first bytes, up to kDigestBytes of [0, at)
  std::string tail;  // digest of the last bytes before `at`

  static constexpr int64_t kDigestBytes = 1024;
};

std::string to_text(const FilePosition& position);
std::optional<FilePosition> file_position_from(std::string_view text);

// The position at byte `at` of an open file. kUnavailable when it cannot be read.
Result<FilePosition> look_at(int fd, int64_t base, int64_t at);

enum class Sameness {
  kSame,
  kShorter,  // it ends before the place
  kOther,    // other bytes
};
Result<Sameness> compare(int fd, const FilePosition& position);

}  // namespace modelyard::sensor
