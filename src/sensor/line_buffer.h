// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace modelyard::sensor {

// Cuts bytes that arrive in pieces into lines. Of a line longer than the bound the beginning is kept, one byte more
// than the bound, so that whoever gets it sees that it is too long; the rest is passed over. Memory: the bound and one
// piece. Confined to its owner.
class LineBuffer {
 public:
  struct Line {
    std::string_view text;  // without LF, and without a CR before it; until the next call of a member
    size_t bytes = 0;       // in the source, with its end
  };

  explicit LineBuffer(size_t line_bytes_max) : line_bytes_max_(line_bytes_max) {}

  // Room for a piece of that size; commit() says how much of it came.
  char* prepare(size_t size);
  void commit(size_t size);
  // The next complete line.
  std::optional<Line> next();
  // What is left without an end, as a line; nothing when empty.
  std::optional<Line> take_rest();
  void clear();
  bool empty() const { return begin_ == end_ && dropped_ == 0; }

 private:
  Line cut(size_t end, size_t end_bytes);
  void drop_excess();

  const size_t line_bytes_max_;
  std::string buffer_;
  size_t begin_ = 0;    // of the next line
  size_t scanned_ = 0;  // no LF in [begin_, scanned_)
  size_t end_ = 0;
  size_t dropped_ = 0;  // bytes of the next line that were passed over
};

}  // namespace modelyard::sensor
