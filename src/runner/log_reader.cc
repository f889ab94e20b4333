// SPDX-License-Identifier: Apache-2.0
#include "runner/log_reader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/strings.h"
#include "json/writer.h"

namespace modelyard::runner {
namespace {

constexpr int kRotatedMax = 9;
constexpr size_t kTailBytesMax = size_t{16} << 20;
constexpr size_t kLineMax = 64 * 1024;
constexpr size_t kReadBudget = size_t{1} << 20;

// At most `limit` bytes from the file's end.
std::string end_of_file(const std::filesystem::path& path, size_t limit) {
  const auto file = io::open_file(path, O_RDONLY | O_NOFOLLOW);
  if (!file) return {};
  const off_t size = ::lseek(file->get(), 0, SEEK_END);
  const off_t start = std::max<off_t>(0, size - static_cast<off_t>(limit));
  std::string bytes(static_cast<size_t>(std::max<off_t>(0, size - start)), '\0');
  size_t got = 0;
  while (got < bytes.size()) {
    const ssize_t n = ::pread(file->get(), bytes.data() + got, bytes.size() - got, start + static_cast<off_t>(got));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    got += static_cast<size_t>(n);
  }
  bytes.resize(got);
  return bytes;
}

}  // namespace

std::vector<std::string> last_lines(const std::filesystem::path& log_folder, std::string_view stream, int64_t count) {
  std::string text;
  const auto enough = [&] { return std::ranges::count(text, '\n') > count || text.size() >= kTailBytesMax; };
  for (int i = 0; i <= kRotatedMax && !enough(); ++i) {
    const std::string name = i == 0 ? fmt::format("{}.log", stream) : fmt::format("{}.log.{}", stream, i);
    text.insert(0, end_of_file(log_folder / name, kTailBytesMax - text.size()));
  }
  std::vector<std::string> lines;
  std::string_view left = text;
  while (!left.empty()) {
    const size_t end = left.find('\n');
    lines.push_back(to_valid_utf8(left.substr(0, std::min(end, kLineMax))));
    left.remove_prefix(end == std::string_view::npos ? left.size() : end + 1);
  }
  const auto keep = static_cast<size_t>(std::max<int64_t>(0, count));
  if (lines.size() > keep) lines.erase(lines.begin(), lines.end() - static_cast<ptrdiff_t>(keep));
  return lines;
}

FollowedFile::FollowedFile(std::filesystem::path path, bool from_start)
    : path_(std::move(path)), from_start_(from_start) {
  static_cast<void>(open_current());
  from_start_ = true;  // what appears later is followed from its first line
}

bool FollowedFile::open_current() {
  auto file = io::open_file(path_, O_RDONLY | O_NOFOLLOW);
  struct stat info {};
  if (!file || ::fstat(file->get(), &info) != 0) return false;
  file_ = std::move(*file);
  inode_ = info.st_ino;
  if (!from_start_) ::lseek(file_.get(), 0, SEEK_END);
  return true;
}

void FollowedFile::read_some(std::vector<std::string>& lines, size_t& budget) {
  char buffer[kLineMax];
  while (budget > 0) {
    const ssize_t got = ::read(file_.get(), buffer, std::min(sizeof buffer, budget));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    budget -= static_cast<size_t>(got);
    pending_.append(buffer, static_cast<size_t>(got));
    size_t start = 0;
    for (size_t end; (end = pending_.find('\n', start)) != std::string::npos; start = end + 1) {
      lines.push_back(to_valid_utf8(std::string_view(pending_).substr(start, end - start)));
    }
    pending_.erase(0, start);
    if (pending_.size() > kLineMax) {
      lines.push_back(to_valid_utf8(pending_));
      pending_.clear();
    }
  }
}

std::vector<std::string> FollowedFile::read_lines() {
  std::vector<std::string> lines;
  size_t budget = kReadBudget;
  if (!file_ && !open_current()) return lines;
  read_some(lines, budget);
  struct stat info {};
  if (budget > 0 && ::stat(path_.c_str(), &info) == 0 && info.st_ino != inode_) {
    read_some(lines, budget);  // what came between the read and the rename
    if (!pending_.empty()) lines.push_back(to_valid_utf8(std::exchange(pending_, {})));
    if (open_current()) read_some(lines, budget);
  }
  return lines;
}

void append_log_record(std::string& out, std::string_view instance, std::string_view stream, std::string_view line) {
  json::Writer writer(out);
  writer.begin_object();
  writer.key("instance");
  writer.string(instance);
  writer.key("stream");
  writer.string(stream);
  writer.key("line");
  writer.string(line);
  writer.end_object();
  out += '\n';
}

}  // namespace modelyard::runner
