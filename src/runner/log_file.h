// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "io/file.h"

namespace modelyard::runner {

// One log of bounded size: PATH, when full renamed to PATH.1, that one to PATH.2, … the oldest removed. Confined to one
// thread. Writing never fails outwards: what cannot be written is counted as dropped, and the file is opened again with
// the next piece.
class LogFile {
 public:
  LogFile(std::filesystem::path path, int64_t bytes_max, int files);

  // Cuts at the last line's end before the bound where there is one.
  void append(std::string_view bytes);
  int64_t dropped_bytes() const { return dropped_; }

 private:
  void write(std::string_view bytes);
  void rotate();
  std::filesystem::path numbered(int number) const;

  const std::filesystem::path path_;
  const int64_t bytes_max_;
  const int files_;
  io::UniqueFd file_;
  int64_t size_ = 0;
  int64_t dropped_ = 0;
};

}  // namespace modelyard::runner
