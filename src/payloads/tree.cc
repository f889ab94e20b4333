// SPDX-License-Identifier: Apache-2.0
#include "payloads/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "base/strings.h"
#include "io/file.h"

namespace modelyard::payloads {
namespace {

namespace fs = std::filesystem;

class Lister {
 public:
  Lister(const fs::path& root, const Limits& limits, const LeaveOut& leave_out)
      : root_(root), limits_(limits), leave_out_(leave_out) {}

  Result<std::vector<Entry>> run() {
    MY_TRY_VOID(folder("", 0));
    std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) { return a.path < b.path; });
    return std::move(entries_);
  }

 private:
  Status folder(const std::string& relative, int depth) {
    const fs::path full = relative.empty() ? root_ : root_ / relative;
    std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(full.c_str()), ::closedir);
    if (!dir) return fail(errno_error(errno, "reading folder " + full.string()));
    if (depth > limits_.depth_max) {
      return fail(ErrorCode::kResourceExhausted,
                  fmt::format("folder {} is more than {} folders deep", relative, limits_.depth_max));
    }
    while (true) {
      errno = 0;
      const dirent* item = ::readdir(dir.get());
      if (item == nullptr) break;
      const std::string_view name = item->d_name;
      if (name == "." || name == "..") continue;
      MY_TRY_VOID(add(relative.empty() ? std::string(name) : fmt::format("{}/{}", relative, name), depth));
    }
    if (errno != 0) return fail(errno_error(errno, "reading folder " + full.string()));
    return {};
  }

  Status add(std::string path, int depth) {
    if (is_stale_endpoint(path)) return {};
    struct stat info {};
    const fs::path full = root_ / path;
    if (::lstat(full.c_str(), &info) != 0) return fail(errno_error(errno, "reading " + full.string()));
    const bool is_folder = S_ISDIR(info.st_mode);
    if (leave_out_ && leave_out_(path, is_folder)) return {};
    if (const std::string why = why_bad_path(path, limits_); !why.empty())
      return fail(ErrorCode::kInvalidArgument, why);
    Entry entry{.path = path};
    if (is_folder) {
      entry.kind = Entry::Kind::kFolder;
    } else if (S_ISREG(info.st_mode)) {
      entry.executable = (info.st_mode & 0111) != 0;
      entry.size = info.st_size;
      bytes_ += info.st_size;
    } else if (S_ISLNK(info.st_mode)) {
      entry.kind = Entry::Kind::kLink;
      MY_TRY(entry.target, read_link(full));
      if (const std::string why = why_bad_link(path, entry.target); !why.empty()) {
        return fail(ErrorCode::kInvalidArgument, why + ": put a copy of what it points to in its place");
      }
    } else {
      return fail(
          ErrorCode::kInvalidArgument,
          fmt::format("{} is a device, socket or pipe: a payload holds files, folders and links alone", full.string()));
    }
    entries_.push_back(std::move(entry));
    MY_TRY_VOID(check_limits());
    return is_folder ? folder(path, depth + 1) : Status{};
  }

  static Result<std::string> read_link(const fs::path& full) {
    char target[4097];
    const ssize_t size = ::readlink(full.c_str(), target, sizeof target);
    if (size < 0) return fail(errno_error(errno, "reading link " + full.string()));
    if (size == sizeof target)
      return fail(ErrorCode::kInvalidArgument, "the target of link " + full.string() + " is too long");
    return std::string(target, static_cast<size_t>(size));
  }

  Status check_limits() const {
    if (static_cast<int64_t>(entries_.size()) > limits_.entries_max) {
      return fail(ErrorCode::kResourceExhausted,
                  fmt::format("{} holds more than {} files", root_.string(), limits_.entries_max));
    }
    if (bytes_ > limits_.bytes_max) {
      return fail(ErrorCode::kResourceExhausted,
                  fmt::format("{} is larger than {} bytes", root_.string(), limits_.bytes_max));
    }
    return {};
  }

  const fs::path root_;
  const Limits& limits_;
  const LeaveOut& leave_out_;
  std::vector<Entry> entries_;
  int64_t bytes_ = 0;
};

// A clone shares blocks; copy_file_range lets the file system do it; both are refused by some, then bytes go through
// sendfile.
Status copy_bytes(int from, int to, const std::string& name) {
  if (::ioctl(to, FICLONE, from) == 0) return {};
  bool in_kernel = true;
  while (true) {
    constexpr size_t kPiece = size_t{64} << 20;
    const ssize_t moved =
        in_kernel ? ::copy_file_range(from, nullptr, to, nullptr, kPiece, 0) : ::sendfile(to, from, nullptr, kPiece);
    if (moved > 0 || (moved < 0 && errno == EINTR)) continue;
    if (moved == 0) return {};
    if (!in_kernel) return fail(errno_error(errno, "copying " + name));
    if (errno != EXDEV && errno != EINVAL && errno != EOPNOTSUPP && errno != ENOSYS && errno != EPERM) {
      return fail(errno_error(errno, "copying " + name));
    }
    in_kernel = false;
  }
}

Status copy_entry(const fs::path& from, const Entry& entry, const fs::path& to) {
  const fs::path target = to / entry.path;
  if (entry.kind == Entry::Kind::kFolder) {
    if (::mkdir(target.c_str(), 0755) != 0 && errno != EEXIST) {
      return fail(errno_error(errno, "creating folder " + target.string()));
    }
    return {};
  }
  if (entry.kind == Entry::Kind::kLink) {
    if (::symlink(entry.target.c_str(), target.c_str()) != 0)
      return fail(errno_error(errno, "creating link " + target.string()));
    return {};
  }
  return copy_file(from / entry.path, target, entry.executable);
}

}  // namespace

std::string why_bad_path(std::string_view path, const Limits& limits) {
  if (path.empty()) return "an entry has no name";
  if (path.front() == '/') return fmt::format("{} is an absolute path: a payload holds relative ones alone", path);
  if (path.find('\0') != std::string_view::npos) return "a name holds a zero byte";
  if (static_cast<int64_t>(path.size()) > limits.path_bytes_max) {
    return fmt::format("a path is longer than {} bytes: {}…", limits.path_bytes_max, path.substr(0, 60));
  }
  int64_t depth = 0;
  for (const std::string_view part : split(path, '/')) {
    if (part == "..") return fmt::format("{} leaves the payload's folder (\"..\")", path);
    if (part.size() > 255) return fmt::format("a name is longer than 255 bytes: {}…", part.substr(0, 60));
    if (++depth > limits.depth_max)
      return fmt::format("{}… is more than {} folders deep", path.substr(0, 60), limits.depth_max);
  }
  return "";
}

std::string why_bad_link(std::string_view path, std::string_view target) {
  if (target.empty()) return fmt::format("link {} has no target", path);
  const std::string named = fmt::format("link {} -> {}", path, target);
  if (target.front() == '/') return named + " leaves the payload's folder";
  if (target.find('\0') != std::string_view::npos) return named + " holds a zero byte";
  const auto depth = std::count(path.begin(), path.end(), '/');
  std::ptrdiff_t up = 0;
  bool at_front = true;
  for (const std::string_view part : split(target, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      at_front = false;
      continue;
    }
    if (!at_front) return named + " has \"..\" behind a name, which could lead out of the payload's folder";
    if (++up > depth) return named + " leaves the payload's folder";
  }
  return "";
}

Result<std::vector<Entry>> list_tree(const fs::path& folder, const Limits& limits, const LeaveOut& leave_out) {
  struct stat info {};
  if (::stat(folder.c_str(), &info) != 0) return fail(errno_error(errno, "reading folder " + folder.string()));
  if (!S_ISDIR(info.st_mode)) return fail(ErrorCode::kInvalidArgument, folder.string() + " is not a folder");
  return Lister(folder, limits, leave_out).run();
}

Status copy_file(const fs::path& from, const fs::path& to, bool executable) {
  MY_TRY(const io::UniqueFd in, io::open_file(from, O_RDONLY | O_NOFOLLOW));
  MY_TRY(const io::UniqueFd out, io::open_file(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644));
  if (executable && ::fchmod(out.get(), 0755) != 0)
    return fail(errno_error(errno, "setting the mode of " + to.string()));
  return copy_bytes(in.get(), out.get(), to.string());
}

Status copy_tree(const fs::path& from, const std::vector<Entry>& entries, const fs::path& to) {
  for (const Entry& entry : entries) MY_TRY_VOID(copy_entry(from, entry, to));
  return {};
}

Status sync_tree(const fs::path& folder, const std::vector<Entry>& entries) {
  // For a few files their own fsync is quicker than waiting for all that the machine has to write; for many it is the
  // reverse.
  constexpr size_t kFew = 32;
  if (entries.size() > kFew) {
    MY_TRY(const io::UniqueFd fd, io::open_file(folder, O_RDONLY | O_DIRECTORY));
    if (::syncfs(fd.get()) != 0) return fail(errno_error(errno, "writing " + folder.string() + " to the disk"));
    return {};
  }
  const auto sync = [](const fs::path& path, int flags) -> Status {
    MY_TRY(const io::UniqueFd fd, io::open_file(path, O_RDONLY | O_NOFOLLOW | flags));
    if (::fsync(fd.get()) != 0) return fail(errno_error(errno, "writing " + path.string() + " to the disk"));
    return {};
  };
  for (const Entry& entry : entries) {
    if (entry.kind == Entry::Kind::kLink) continue;
    MY_TRY_VOID(sync(folder / entry.path, entry.kind == Entry::Kind::kFolder ? O_DIRECTORY : 0));
  }
  return sync(folder, O_DIRECTORY);
}

}  // namespace modelyard::payloads
