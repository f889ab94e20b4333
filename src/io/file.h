// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace modelyard::io {

// Owns one file descriptor. Every descriptor of ours is close-on-exec; one that a child shall have is passed on
// purpose.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept;
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset();

 private:
  int fd_ = -1;
};

// The functions below block: they are for start-up, the command line and threads that may wait, not for a busy loop.
// Small files of a loop's own folder (instance records, endpoint.dat) are the exception.

// kResourceExhausted above size_max bytes.
Result<std::string> read_file(const std::filesystem::path& path, size_t size_max = size_t{64} << 20);
// Whole or not at all: a temporary file beside it, fsync, rename, fsync of the folder.
Status write_file_atomic(const std::filesystem::path& path, std::string_view content, unsigned mode = 0600);
Result<UniqueFd> open_file(const std::filesystem::path& path, int flags, unsigned mode = 0600);
// Creates it and its parents with the mode where absent.
Status make_folder(const std::filesystem::path& path, unsigned mode = 0700);

// An exclusive flock(2) on the file, which is created. It belongs to the open file: a child that inherits the
// descriptor keeps it held. kConflict when somebody else holds it.
Result<UniqueFd> lock_file(const std::filesystem::path& path);

// A folder below the system's temporary directory, removed with all it holds when this ends.
class TemporaryFolder {
 public:
  static Result<TemporaryFolder> make(std::string_view prefix);
  TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;
  ~TemporaryFolder();
  const std::filesystem::path& path() const { return path_; }

 private:
  explicit TemporaryFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace modelyard::io
