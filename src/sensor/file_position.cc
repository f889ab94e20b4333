// SPDX-License-Identifier: Apache-2.0
#include "sensor/file_position.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/strings.h"
#include "json/tree.h"

namespace modelyard::sensor {
namespace {

Result<std::string> digest_of(int fd, int64_t from, int64_t to) {
  std::string bytes(static_cast<size_t>(to - from), '\0');
  size_t size = 0;
  while (size < bytes.size()) {
    const ssize_t n = pread(fd, bytes.data() + size, bytes.size() - size, from + static_cast<int64_t>(size));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(errno_error(errno, "reading"));
    if (n == 0) break;
    size += static_cast<size_t>(n);
  }
  bytes.resize(size);
  return sha256_hex(bytes).substr(0, 32);
}

}  // namespace

std::string to_text(const FilePosition& position) {
  json::Tree tree = json::Tree::object();
  tree["base"] = position.base;
  tree["at"] = position.at;
  tree["device"] = position.device;
  tree["inode"] = position.inode;
  tree["head"] = position.head;
  tree["tail"] = position.tail;
  return json::dump(tree);
}

std::optional<FilePosition> file_position_from(std::string_view text) {
  const auto tree = json::parse(text);
  if (!tree || !tree->is_object()) return std::nullopt;
  FilePosition position;
  position.base = json::get_int(*tree, "base", -1);
  position.at = json::get_int(*tree, "at", -1);
  position.device = static_cast<uint64_t>(json::get_int(*tree, "device"));
  position.inode = static_cast<uint64_t>(json::get_int(*tree, "inode"));
  position.head = json::get_string(*tree, "head");
  position.tail = json::get_string(*tree, "tail");
  if (position.base < 0 || position.at < 0 || position.head.empty() || position.tail.empty()) return std::nullopt;
  return position;
}

Result<FilePosition> look_at(int fd, int64_t base, int64_t at) {
  struct stat info {};
  if (fstat(fd, &info) != 0) return fail(errno_error(errno, "looking at the file"));
  FilePosition position;
  position.base = base;
  position.at = at;
  position.device = info.st_dev;
  position.inode = info.st_ino;
  MY_TRY(position.head, digest_of(fd, 0, std::min(at, FilePosition::kDigestBytes)));
  MY_TRY(position.tail, digest_of(fd, std::max<int64_t>(0, at - FilePosition::kDigestBytes), at));
  return position;
}

Result<Sameness> compare(int fd, const FilePosition& position) {
  struct stat info {};
  if (fstat(fd, &info) != 0) return fail(errno_error(errno, "looking at the file"));
  if (info.st_size < position.at) return Sameness::kShorter;
  MY_TRY(const FilePosition now, look_at(fd, position.base, position.at));
  return now.head == position.head && now.tail == position.tail ? Sameness::kSame : Sameness::kOther;
}

}  // namespace modelyard::sensor
