// SPDX-License-Identifier: Apache-2.0
#include "sensor/stream_source.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/random.h"

namespace modelyard::sensor {
namespace {
constexpr size_t kPieceBytes = size_t{256} << 10;
}

StreamSource::StreamSource(int fd, size_t line_bytes_max, io::Executor executor)
    : stream_("stdin:" + random_hex(8)), fd_(fd), executor_(executor), lines_(line_bytes_max) {}

Status StreamSource::open() {
  struct stat info {};
  if (fstat(fd_, &info) != 0) return fail(errno_error(errno, "standard input"));
  if (S_ISDIR(info.st_mode)) return fail(ErrorCode::kInvalidArgument, "standard input is a folder");
  // epoll takes neither regular files nor /dev/null: they never make one wait.
  if (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode) || isatty(fd_) == 1) {
    const int copy = fcntl(fd_, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) return fail(errno_error(errno, "standard input"));
    ready_ = std::make_unique<io::Descriptor>(executor_, io::UniqueFd(copy));
  }
  return {};
}

Result<bool> StreamSource::next(SourceRecord* record) {
  while (true) {
    auto line = lines_.next();
    if (!line && at_end_) line = lines_.take_rest();
    if (line) {
      record->stream = stream_;
      record->offset = offset_;
      offset_ += static_cast<int64_t>(line->bytes);
      record->next = offset_;
      record->bytes = line->text;
      record->topic = record->key = {};
      return true;
    }
    if (at_end_) return false;
    MY_TRY(const bool more, read_piece());
    if (!more && !at_end_) return false;
  }
}

Result<bool> StreamSource::read_piece() {
  if (ready_) {
    // The descriptor is shared with other processes, so it is not made non-blocking: it is only read when something is
    // there.
    pollfd waiting{fd_, POLLIN, 0};
    if (poll(&waiting, 1, 0) <= 0) return false;
  }
  char* const room = lines_.prepare(kPieceBytes);
  while (true) {
    const ssize_t n = read(fd_, room, kPieceBytes);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return false;
    if (n < 0) return fail(errno_error(errno, "reading standard input"));
    lines_.commit(static_cast<size_t>(n));
    at_end_ = n == 0;
    return n > 0;
  }
}

io::Task<void> StreamSource::wait_more() {
  if (ready_) co_await ready_->wait(io::Descriptor::For::kRead);
}

}  // namespace modelyard::sensor
