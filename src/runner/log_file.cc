// SPDX-License-Identifier: Apache-2.0
#include "runner/log_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace modelyard::runner {

LogFile::LogFile(std::filesystem::path path, int64_t bytes_max, int files)
    : path_(std::move(path)), bytes_max_(std::max<int64_t>(bytes_max, 1)), files_(std::max(files, 1)) {}

std::filesystem::path LogFile::numbered(int number) const {
  return number == 0 ? path_ : std::filesystem::path(fmt::format("{}.{}", path_.string(), number));
}

void LogFile::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto room = static_cast<size_t>(std::max<int64_t>(bytes_max_ - size_, 0));
    if (bytes.size() <= room) return write(bytes);
    const std::string_view fits = bytes.substr(0, room);
    const size_t line_end = fits.rfind('\n');
    // Without a line's end a file that holds something ends here, an empty one takes what fits.
    const size_t cut = line_end != std::string_view::npos ? line_end + 1 : size_ > 0 ? 0 : room;
    write(bytes.substr(0, cut));
    bytes.remove_prefix(cut);
    rotate();
  }
}

void LogFile::write(std::string_view bytes) {
  if (bytes.empty()) return;
  if (!file_) {
    auto opened = io::open_file(path_, O_WRONLY | O_CREAT | O_APPEND, 0600);
    struct stat info {};
    if (opened && ::fstat(opened->get(), &info) == 0) {
      file_ = std::move(*opened);
      size_ = info.st_size;
    }
  }
  while (file_ && !bytes.empty()) {
    const ssize_t written = ::write(file_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) break;
    size_ += written;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  dropped_ += static_cast<int64_t>(bytes.size());
}

void LogFile::rotate() {
  file_.reset();
  size_ = 0;
  for (int number = files_ - 1; number > 0; --number) ::rename(numbered(number - 1).c_str(), numbered(number).c_str());
  if (files_ == 1) ::unlink(path_.c_str());
}

}  // namespace modelyard::runner
