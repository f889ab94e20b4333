// SPDX-License-Identifier: Apache-2.0
#include "sensor/line_buffer.h"

#include <cstring>

namespace modelyard::sensor {
namespace {
// A buffer that one long line has blown up goes back to the system.
constexpr size_t kBufferKept = size_t{1} << 20;
}  // namespace

char* LineBuffer::prepare(size_t size) {
  drop_excess();
  if (begin_ == end_) begin_ = scanned_ = end_ = 0;
  if (begin_ > 0 && buffer_.size() - end_ < size) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    scanned_ -= begin_;
    end_ -= begin_;
    begin_ = 0;
  }
  if (buffer_.size() > kBufferKept && end_ + size < kBufferKept) {
    buffer_.resize(end_ + size);
    buffer_.shrink_to_fit();
  }
  if (buffer_.size() - end_ < size) buffer_.resize(end_ + size);
  return buffer_.data() + end_;
}

void LineBuffer::commit(size_t size) { end_ += size; }

void LineBuffer::drop_excess() {
  // Only what is known to hold no line end is passed over.
  if (scanned_ != end_ || end_ - begin_ <= line_bytes_max_ + 1) return;
  const size_t kept = begin_ + line_bytes_max_ + 1;
  dropped_ += end_ - kept;
  scanned_ = end_ = kept;
}

std::optional<LineBuffer::Line> LineBuffer::next() {
  const void* found = end_ > scanned_ ? std::memchr(buffer_.data() + scanned_, '\n', end_ - scanned_) : nullptr;
  if (found == nullptr) {
    scanned_ = end_;
    return std::nullopt;
  }
  return cut(static_cast<size_t>(static_cast<const char*>(found) - buffer_.data()), 1);
}

std::optional<LineBuffer::Line> LineBuffer::take_rest() {
  if (empty()) return std::nullopt;
  return cut(end_, 0);
}

LineBuffer::Line LineBuffer::cut(size_t end, size_t end_bytes) {
  Line line{std::string_view(buffer_.data() + begin_, end - begin_), end - begin_ + dropped_ + end_bytes};
  if (dropped_ == 0 && end_bytes > 0 && line.text.ends_with('\r')) line.text.remove_suffix(1);
  if (line.text.size() > line_bytes_max_ + 1) line.text = line.text.substr(0, line_bytes_max_ + 1);
  begin_ = end + end_bytes;
  scanned_ = begin_;
  dropped_ = 0;
  return line;
}

void LineBuffer::clear() { begin_ = scanned_ = end_ = dropped_ = 0; }

}  // namespace modelyard::sensor
