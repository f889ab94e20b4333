// SPDX-License-Identifier: Apache-2.0
#include "sensor/output_sink.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

namespace modelyard::sensor {
namespace {
constexpr size_t kPieceBytes = size_t{128} << 10;
}

Status OutputSink::put(pipeline::FinishedRecord& record, int64_t) {
  for (const pipeline::OutputDocument& document : record.documents) {
    buffer_ += document.json;
    buffer_ += '\n';
  }
  return buffer_.size() < kPieceBytes ? Status() : flush();
}

Status OutputSink::flush() {
  size_t written = 0;
  while (written < buffer_.size()) {
    const ssize_t n = write(fd_, buffer_.data() + written, buffer_.size() - written);
    if (n >= 0) {
      written += static_cast<size_t>(n);
      continue;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN) {
      pollfd waiting{fd_, POLLOUT, 0};
      poll(&waiting, 1, -1);
      continue;
    }
    if (errno == EPIPE) return fail(ErrorCode::kCancelled, "nobody reads the output any more");
    return fail(errno_error(errno, "writing the documents"));
  }
  buffer_.clear();
  if (buffer_.capacity() > 8 * kPieceBytes) buffer_.shrink_to_fit();  // one huge document has been here
  return {};
}

io::Task<Status> OutputSink::finish(SteadyTime) { co_return flush(); }
io::Task<void> OutputSink::stop() { co_return; }

}  // namespace modelyard::sensor
