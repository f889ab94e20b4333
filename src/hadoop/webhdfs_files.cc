// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/random.h"
#include "hadoop/webhdfs.h"
#include "io/file.h"

// Between local files and HDFS.
namespace modelyard::hadoop {
namespace {

namespace fs = std::filesystem;

Status write_all(int fd, std::string_view bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(errno_error(errno, path.string()));
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return {};
}

}  // namespace

Status WebHdfs::fetch(const std::string& path, const fs::path& to) {
  MY_TRY(io::UniqueFd fd, io::open_file(to, O_WRONLY | O_CREAT | O_EXCL));
  Status done = read(path, [&](std::string_view bytes) { return write_all(fd.get(), bytes, to); });
  fd.reset();
  if (!done) {
    std::error_code ignored;
    fs::remove(to, ignored);
  }
  return done;
}

Status WebHdfs::put(const fs::path& from, const std::string& path, const Sent& sent, unsigned permission) {
  MY_TRY(const std::string where, absolute(path));
  // Two senders of one path do not write into each other's file.
  const std::string copying = fmt::format("{}.{}{}", where, random_hex(4), kCopyingSuffix);
  constexpr int kAttempts = 2;
  for (int attempt = 1;; ++attempt) {
    MY_TRY(const io::UniqueFd fd, io::open_file(from, O_RDONLY));
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0) return fail(errno_error(errno, from.string()));
    int64_t total = 0;
    const auto reader = [&](char* buffer, size_t size) -> Result<size_t> {
      ssize_t count = 0;
      do count = ::read(fd.get(), buffer, size);
      while (count < 0 && errno == EINTR);
      if (count < 0) return fail(errno_error(errno, from.string()));
      total += count;
      if (sent) sent(total);
      return static_cast<size_t>(count);
    };
    Status done = create(copying, reader,
                         {.overwrite = true, .permission = permission, .size = static_cast<int64_t>(info.st_size)});
    if (done) done = rename(copying, where, true);
    if (done) return {};
    const ErrorCode code = done.error().code();
    // Sending the same file to the same new name again is harmless.
    const bool again = code == ErrorCode::kUnavailable || code == ErrorCode::kDeadline;
    if (again && attempt < kAttempts && connection_.pause(milliseconds(500))) continue;
    static_cast<void>(remove(copying, false));
    return done;
  }
}

}  // namespace modelyard::hadoop
