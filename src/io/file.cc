// SPDX-License-Identifier: Apache-2.0
#include "io/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/random.h"

namespace modelyard::io {
namespace {

Status write_all(int fd, std::string_view bytes, const std::string& name) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail(errno_error(errno, "writing " + name));
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return {};
}

Status sync_folder(const std::filesystem::path& folder) {
  MY_TRY(const UniqueFd fd, open_file(folder, O_RDONLY | O_DIRECTORY));
  if (::fsync(fd.get()) != 0) return fail(errno_error(errno, "syncing " + folder.string()));
  return {};
}

}  // namespace

UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void UniqueFd::reset() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Result<UniqueFd> open_file(const std::filesystem::path& path, int flags, unsigned mode) {
  while (true) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
    if (fd >= 0) return UniqueFd(fd);
    if (errno != EINTR) return fail(errno_error(errno, "opening " + path.string()));
  }
}

Result<std::string> read_file(const std::filesystem::path& path, size_t size_max) {
  MY_TRY(const UniqueFd fd, open_file(path, O_RDONLY));
  std::string content;
  char buffer[65536];
  while (true) {
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(errno_error(errno, "reading " + path.string()));
    if (got == 0) return content;
    content.append(buffer, static_cast<size_t>(got));
    if (content.size() > size_max) {
      return fail(ErrorCode::kResourceExhausted, fmt::format("{} is larger than {} bytes", path.string(), size_max));
    }
  }
}

Status write_file_atomic(const std::filesystem::path& path, std::string_view content, unsigned mode) {
  const std::filesystem::path temporary = path.string() + "." + random_hex(6) + ".tmp";
  const auto attempt = [&]() -> Status {
    MY_TRY(const UniqueFd fd, open_file(temporary, O_WRONLY | O_CREAT | O_EXCL, mode));
    MY_TRY_VOID(write_all(fd.get(), content, path.string()));
    if (::fsync(fd.get()) != 0) return fail(errno_error(errno, "syncing " + path.string()));
    if (::rename(temporary.c_str(), path.c_str()) != 0) return fail(errno_error(errno, "renaming to " + path.string()));
    return sync_folder(path.has_parent_path() ? path.parent_path() : ".");
  };
  Status done = attempt();
  if (!done) ::unlink(temporary.c_str());
  return done;
}

Status make_folder(const std::filesystem::path& path, unsigned mode) {
  if (path.empty() || ::access(path.c_str(), F_OK) == 0) return {};
  if (path.has_parent_path()) MY_TRY_VOID(make_folder(path.parent_path(), mode));
  if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST)
    return fail(errno_error(errno, "creating folder " + path.string()));
  return {};
}

Result<UniqueFd> lock_file(const std::filesystem::path& path) {
  MY_TRY(UniqueFd fd, open_file(path, O_RDWR | O_CREAT));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
  if (errno == EWOULDBLOCK) return fail(ErrorCode::kConflict, path.string() + " is locked by another process");
  return fail(errno_error(errno, "locking " + path.string()));
}

Result<TemporaryFolder> TemporaryFolder::make(std::string_view prefix) {
  std::string pattern =
      (std::filesystem::temp_directory_path() / (std::string(prefix) + "-" + std::string(6, 'X'))).string();
  if (::mkdtemp(pattern.data()) == nullptr) return fail(errno_error(errno, "creating a folder like " + pattern));
  return TemporaryFolder(pattern);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace modelyard::io
