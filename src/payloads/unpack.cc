// SPDX-License-Identifier: Apache-2.0
#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "io/file.h"
#include "payloads/tar.h"
#include "payloads/tree.h"

namespace modelyard::payloads {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNoTar = "what was sent is no tar archive (plain, gzip, bzip2, xz, zstd or lz4)";

// "./a//b/" -> "a/b"; the root itself is "".
std::string normalise(std::string_view path) {
  std::string out;
  for (const std::string_view part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (!out.empty()) out += '/';
    out += part;
  }
  return out;
}

class Unpacker {
 public:
  Unpacker(const ByteSource& source, const fs::path& folder, const Limits& limits)
      : source_(source), folder_(folder), limits_(limits), archive_(::archive_read_new(), ::archive_read_free) {}

  Result<Unpacked> run() {
    MY_TRY_VOID(open());
    while (true) {
      archive_entry* entry = nullptr;
      const int got = ::archive_read_next_header(archive_.get(), &entry);
      if (got == ARCHIVE_EOF) break;
      if (got == ARCHIVE_RETRY) continue;
      if (got < ARCHIVE_WARN) return fail(broken(entries_ == 0));
      if (++entries_ > limits_.entries_max) {
        return fail(ErrorCode::kResourceExhausted,
                    fmt::format("the archive holds more than {} entries", limits_.entries_max));
      }
      MY_TRY_VOID(take(entry));
    }
    if (entries_ == 0) return fail(ErrorCode::kInvalidArgument, "the archive is empty");
    MY_TRY_VOID(make_links());
    return done_;
  }

 private:
  Status open() {
    archive* a = archive_.get();
    if (a == nullptr) return fail(ErrorCode::kResourceExhausted, "no memory to read an archive");
    // Named one by one: "all" would include filters that start programs found in PATH.
    ::archive_read_support_filter_gzip(a);
    ::archive_read_support_filter_bzip2(a);
    ::archive_read_support_filter_xz(a);
    ::archive_read_support_filter_zstd(a);
    ::archive_read_support_filter_lz4(a);
    ::archive_read_support_format_tar(a);
    if (::archive_read_open(a, this, nullptr, &Unpacker::read_more, nullptr) != ARCHIVE_OK) return fail(broken(true));
    return {};
  }

  static la_ssize_t read_more(archive* a, void* self, const void** buffer) {
    auto* const me = static_cast<Unpacker*>(self);
    Result<std::string_view> piece = me->source_();
    if (!piece) {
      me->source_error_ = std::move(piece).error();
      ::archive_set_error(a, EIO, "the source failed");
      return ARCHIVE_FATAL;
    }
    *buffer = piece->data();
    return static_cast<la_ssize_t>(piece->size());
  }

  Error broken(bool at_start) {
    if (source_error_) return std::move(*source_error_);
    const char* const text = ::archive_error_string(archive_.get());
    if (at_start) return Error(ErrorCode::kInvalidArgument, fmt::format("{}: {}", kNoTar, text ? text : "it is empty"));
    return Error(ErrorCode::kInvalidArgument, fmt::format("the archive is broken: {}", text ? text : "unknown reason"));
  }

  Status take(archive_entry* entry) {
    // Text of a pax header is UTF-8 whatever the locale; a plain header's bytes are taken as they are.
    const char* name = ::archive_entry_pathname_utf8(entry);
    if (name == nullptr) name = ::archive_entry_pathname(entry);
    if (name == nullptr)
      return fail(ErrorCode::kInvalidArgument, "the archive holds an entry whose name cannot be read");
    if (const std::string why = why_bad_path(name, limits_); !why.empty())
      return fail(ErrorCode::kInvalidArgument, why);
    const std::string path = normalise(name);
    if (is_stale_endpoint(path)) return {};
    if (const char* hard = link_target(entry, true)) return hard_link(path, hard);
    switch (::archive_entry_filetype(entry)) {
      case AE_IFDIR: return path.empty() ? Status{} : make_folder(path);
      case AE_IFREG:
        if (path.empty()) break;
        return file(path, entry);
      case AE_IFLNK: {
        const char* const target = link_target(entry, false);
        if (const std::string why = why_bad_link(path, target ? target : ""); !why.empty()) {
          return fail(ErrorCode::kInvalidArgument, why);
        }
        links_.emplace_back(path, target);
        return {};
      }
      default: break;
    }
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is a device, socket or pipe: a payload holds files, folders and links alone", name));
  }

  static const char* link_target(archive_entry* entry, bool hard) {
    const char* const utf8 = hard ? ::archive_entry_hardlink_utf8(entry) : ::archive_entry_symlink_utf8(entry);
    if (utf8 != nullptr) return utf8;
    return hard ? ::archive_entry_hardlink(entry) : ::archive_entry_symlink(entry);
  }

  // No link exists below folder_ before make_links(), so every name on the way is a real folder of ours.
  Status make_folder(const std::string& path) {
    if (path.empty()) return {};
    const fs::path full = folder_ / path;
    struct stat info {};
    if (::lstat(full.c_str(), &info) == 0) {
      if (S_ISDIR(info.st_mode)) return {};
      return fail(ErrorCode::kInvalidArgument, fmt::format("{} is both a file and a folder in the archive", path));
    }
    const size_t slash = path.rfind('/');
    if (slash != std::string::npos) MY_TRY_VOID(make_folder(path.substr(0, slash)));
    // Folders that no entry names count too, else one entry could make many.
    if (++folders_ > limits_.entries_max) {
      return fail(ErrorCode::kResourceExhausted,
                  fmt::format("the archive holds more than {} folders", limits_.entries_max));
    }
    if (::mkdir(full.c_str(), 0755) != 0) return fail(errno_error(errno, "creating folder " + path));
    return {};
  }

  Result<io::UniqueFd> create(const std::string& path, bool executable) {
    const size_t slash = path.rfind('/');
    if (slash != std::string::npos) MY_TRY_VOID(make_folder(path.substr(0, slash)));
    const fs::path full = folder_ / path;
    struct stat info {};
    if (::lstat(full.c_str(), &info) == 0) {
      if (S_ISDIR(info.st_mode))
        return fail(ErrorCode::kInvalidArgument, fmt::format("{} is both a file and a folder in the archive", path));
      ::unlink(full.c_str());  // a later entry of the same name replaces the former, as tar does
      --done_.files;
    }
    ++done_.files;
    MY_TRY(io::UniqueFd fd, io::open_file(full, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644));
    if (executable && ::fchmod(fd.get(), 0755) != 0) return fail(errno_error(errno, "setting the mode of " + path));
    return fd;
  }

  Status file(const std::string& path, archive_entry* entry) {
    MY_TRY(const io::UniqueFd fd, create(path, (::archive_entry_perm(entry) & 0111) != 0));
    int64_t size = 0;
    while (true) {
      const void* block = nullptr;
      size_t block_size = 0;
      int64_t offset = 0;
      const int got = ::archive_read_data_block(archive_.get(), &block, &block_size, &offset);
      if (got == ARCHIVE_EOF) break;
      if (got == ARCHIVE_RETRY) continue;
      if (got < ARCHIVE_WARN) return fail(broken(false));
      const int64_t end = offset + static_cast<int64_t>(block_size);
      if (offset < size || end < offset)
        return fail(ErrorCode::kInvalidArgument, "the archive is broken: overlapping pieces of " + path);
      MY_TRY_VOID(check_size(end - size, path));
      MY_TRY_VOID(write_at(fd.get(), block, block_size, offset, path));
      size = end;
    }
    // A sparse file may end in a hole.
    const int64_t wanted = ::archive_entry_size_is_set(entry) ? ::archive_entry_size(entry) : size;
    if (wanted > size) {
      MY_TRY_VOID(check_size(wanted - size, path));
      if (::ftruncate(fd.get(), wanted) != 0) return fail(errno_error(errno, "writing " + path));
    }
    return {};
  }

  static Status write_at(int fd, const void* block, size_t size, int64_t offset, const std::string& path) {
    const char* at = static_cast<const char*>(block);
    while (size > 0) {
      const ssize_t written = ::pwrite(fd, at, size, offset);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return fail(errno_error(errno, "writing " + path));
      at += written;
      offset += written;
      size -= static_cast<size_t>(written);
    }
    return {};
  }

  Status check_size(int64_t more, const std::string& path) {
    done_.bytes += more;
    if (done_.bytes > limits_.bytes_max) {
      return fail(ErrorCode::kResourceExhausted,
                  fmt::format("the archive holds more than {} bytes unpacked (at {})", limits_.bytes_max, path));
    }
    const int64_t sent = ::archive_filter_bytes(archive_.get(), -1);
    if (done_.bytes > limits_.expansion_grace_bytes && done_.bytes / limits_.expansion_max > sent) {
      return fail(
          ErrorCode::kResourceExhausted,
          fmt::format("the archive unpacks to more than {} times its size (at {}): it looks like a decompression bomb",
                      limits_.expansion_max, path));
    }
    return {};
  }

  Status hard_link(const std::string& path, std::string_view raw_target) {
    const std::string named = fmt::format("hard link {} -> {}", path, raw_target);
    if (const std::string why = why_bad_path(raw_target, limits_); !why.empty())
      return fail(ErrorCode::kInvalidArgument, named + ": " + why);
    const std::string target = normalise(raw_target);
    struct stat info {};
    if (path.empty() || target.empty() || path == target || ::lstat((folder_ / target).c_str(), &info) != 0 ||
        !S_ISREG(info.st_mode)) {
      return fail(ErrorCode::kInvalidArgument, named + ": the archive holds no such file before it");
    }
    MY_TRY_VOID(check_size(info.st_size, path));
    const bool executable = (info.st_mode & 0111) != 0;
    { MY_TRY(const io::UniqueFd placeholder, create(path, executable)); }
    ::unlink((folder_ / path).c_str());
    // A copy, so that the two never share an inode that one instance could write through.
    return copy_file(folder_ / target, folder_ / path, executable);
  }

  Status make_links() {
    for (const auto& [path, target] : links_) {
      const size_t slash = path.rfind('/');
      if (slash != std::string::npos) MY_TRY_VOID(make_real_folder(path.substr(0, slash)));
      const fs::path full = folder_ / path;
      struct stat info {};
      if (::lstat(full.c_str(), &info) == 0) {
        if (!S_ISLNK(info.st_mode))
          return fail(ErrorCode::kInvalidArgument,
                      fmt::format("{} is both a link and something else in the archive", path));
        ::unlink(full.c_str());
      }
      if (::symlink(target.c_str(), full.c_str()) != 0) return fail(errno_error(errno, "creating link " + path));
    }
    return {};
  }

  // As make_folder(), at a time when links exist: none of them may be on the way.
  Status make_real_folder(const std::string& path) {
    MY_TRY_VOID(make_folder(path));
    for (size_t end = path.find('/');; end = path.find('/', end + 1)) {
      struct stat info {};
      const std::string part = path.substr(0, end);
      if (::lstat((folder_ / part).c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
        return fail(ErrorCode::kInvalidArgument,
                    fmt::format("the archive holds entries below {}, which is a link", part));
      }
      if (end == std::string::npos) return {};
    }
  }

  const ByteSource& source_;
  const fs::path folder_;
  const Limits limits_;
  std::unique_ptr<archive, int (*)(archive*)> archive_;
  std::optional<Error> source_error_;
  std::vector<std::pair<std::string, std::string>> links_;
  Unpacked done_;
  int64_t entries_ = 0;
  int64_t folders_ = 0;
};

}  // namespace

Result<Unpacked> unpack_tar(const ByteSource& source, const fs::path& folder, const Limits& limits) {
  return Unpacker(source, folder, limits).run();
}

}  // namespace modelyard::payloads
