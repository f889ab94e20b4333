// SPDX-License-Identifier: Apache-2.0
#include "sensor/file_source.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/strings.h"
#include "io/descriptor.h"

namespace modelyard::sensor {
namespace {

// The name's own folder is resolved, the name is not: a link that is set to the next file is a new file.
std::filesystem::path whole_path(const std::filesystem::path& path) {
  std::error_code error;
  const auto absolute = std::filesystem::absolute(path, error).lexically_normal();
  const auto folder = std::filesystem::weakly_canonical(absolute.parent_path(), error);
  return error ? absolute : folder / absolute.filename();
}

}  // namespace

FileSource::FileSource(std::filesystem::path path, FileSourceOptions options, io::Executor executor, const Clock& clock)
    : path_(whole_path(path)),
      options_(std::move(options)),
      stream_("file:" + to_valid_utf8(path_.string())),
      executor_(executor),
      clock_(clock),
      lines_(options_.line_bytes_max) {}

void FileSource::notice(const std::string& text) const {
  if (options_.on_notice) options_.on_notice(text);
}

Status FileSource::resume(std::string_view, const StoredOffset& stored) {
  resumed_ = file_position_from(stored.position);
  // Stored by somebody who keeps no position: the offset is the byte.
  if (!resumed_) {
    resumed_.emplace();
    resumed_->at = stored.offset;
  }
  if (resumed_->base + resumed_->at != stored.offset) resumed_->base = stored.offset - resumed_->at;
  return {};
}

Status FileSource::open() {
  if (!resumed_) return open_part(path_, 0, 0);
  return continue_from(*resumed_);
}

Status FileSource::open_part(const std::filesystem::path& path, int64_t base, int64_t at) {
  auto fd = io::open_file(path, O_RDONLY | O_NONBLOCK);  // not blocking: opening a pipe must not wait for its writer
  if (!fd) return fail(std::move(fd).error());
  struct stat info {};
  if (fstat(fd->get(), &info) != 0) return fail(errno_error(errno, "looking at '" + path.string() + "'"));
  if (!S_ISREG(info.st_mode)) {
    return fail(ErrorCode::kInvalidArgument,
                "'" + path.string() + "' is not a regular file: feed a pipe by --source stdin");
  }
  lines_.clear();
  read_at_ = line_at_ = at;
  parts_.push_back({std::move(*fd), base, info.st_dev, info.st_ino});
  watch();
  return {};
}

Status FileSource::continue_from(const FilePosition& stored) {
  MY_TRY_VOID(open_part(path_, stored.base, stored.at));
  if (stored.head.empty()) return {};
  MY_TRY(const Sameness same, compare(parts_.back().fd.get(), stored));
  if (same == Sameness::kSame) return {};
  const int64_t base = stored.base + stored.at;
  const bool is_same_inode = parts_.back().device == stored.device && parts_.back().inode == stored.inode;
  parts_.clear();
  if (const auto renamed = find_renamed(stored)) {
    notice("'" + path_.string() + "' was replaced; what was not yet read is taken from '" + renamed->string() +
           "' first");
    reading_renamed_ = true;
    return open_part(*renamed, stored.base, stored.at);
  }
  notice("'" + path_.string() + "' " +
         (same == Sameness::kShorter && is_same_inode ? "was cut" : "is another file than the last time") +
         ": it is read from its beginning");
  return open_part(path_, base, 0);
}

// Rotation renames within the folder and keeps the inode; the bytes tell for certain.
std::optional<std::filesystem::path> FileSource::find_renamed(const FilePosition& stored) const {
  std::error_code error;
  int looked_at = 0;
  for (std::filesystem::directory_iterator it(path_.parent_path(), error), end; !error && it != end;
       it.increment(error)) {
    if (++looked_at > 10'000) break;
    struct stat info {};
    if (stat(it->path().c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
    if (info.st_ino != stored.inode || info.st_dev != stored.device || it->path() == path_) continue;
    auto fd = io::open_file(it->path(), O_RDONLY | O_NONBLOCK);
    if (!fd) continue;
    const auto same = compare(fd->get(), stored);
    if (same && *same == Sameness::kSame) return it->path();
  }
  return std::nullopt;
}

bool FileSource::give(const std::optional<LineBuffer::Line>& line, SourceRecord* record) {
  if (!line) return false;
  const int64_t base = parts_.back().base;
  record->stream = stream_;
  record->offset = base + line_at_;
  line_at_ += static_cast<int64_t>(line->bytes);
  record->next = base + line_at_;
  record->bytes = line->text;
  record->topic = record->key = {};
  return true;
}

Result<bool> FileSource::next(SourceRecord* record) {
  while (true) {
    if (give(lines_.next(), record)) return true;
    if (at_end_) return false;
    MY_TRY(const bool more, read_piece());
    if (more) continue;
    const bool is_last = !options_.follow || reading_renamed_;
    if (is_last && give(lines_.take_rest(), record)) return true;
    MY_TRY(const bool turned, turn_over());
    if (!turned) return false;
    // What the old file ended with had no line end and never will.
  }
}

Result<bool> FileSource::read_piece() {
  char* const room = lines_.prepare(options_.piece_bytes);
  while (true) {
    const ssize_t n = pread(parts_.back().fd.get(), room, options_.piece_bytes, read_at_);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(errno_error(errno, "reading '" + path_.string() + "'"));
    lines_.commit(static_cast<size_t>(n));
    read_at_ += n;
    return n > 0;
  }
}

Result<bool> FileSource::turn_over() {
  const int64_t base = parts_.back().base + line_at_;
  if (reading_renamed_) {
    reading_renamed_ = false;
    MY_TRY_VOID(open_part(path_, base, 0));
    return true;
  }
  if (!options_.follow) {
    at_end_ = true;
    return false;
  }
  struct stat named {};
  const bool is_there = stat(path_.c_str(), &named) == 0;
  if (is_there && (named.st_ino != parts_.back().inode || named.st_dev != parts_.back().device)) {
    // A writer may still add to the old file after the rename; its last lines were read just now.
    notice("'" + path_.string() + "' was replaced: going on with the new one");
    if (!lines_.empty()) notice("the old file ended in the middle of a line, which is left out");
    MY_TRY_VOID(open_part(path_, base, 0));
    return true;
  }
  struct stat open {};
  if (fstat(parts_.back().fd.get(), &open) == 0 && open.st_size < read_at_) {
    notice("'" + path_.string() + "' was cut: it is read from its beginning");
    MY_TRY_VOID(open_part(path_, base, 0));
    return true;
  }
  return false;
}

void FileSource::watch() {
  if (!options_.follow) return;
  if (!inotify_) {
    inotify_ = io::UniqueFd(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!inotify_) return;  // polling does
    inotify_add_watch(inotify_.get(), path_.parent_path().c_str(), IN_CREATE | IN_MOVED_TO);
  }
  if (watched_ >= 0) inotify_rm_watch(inotify_.get(), watched_);
  watched_ = inotify_add_watch(inotify_.get(), path_.c_str(), IN_MODIFY);
}

io::Task<void> FileSource::wait_more() {
  const SteadyTime until = clock_.now() + options_.poll;
  const int copy = inotify_ ? fcntl(inotify_.get(), F_DUPFD_CLOEXEC, 0) : -1;
  if (copy < 0) {
    co_await io::sleep_until(until);
    co_return;
  }
  io::Descriptor events(executor_, io::UniqueFd(copy));
  co_await events.wait(io::Descriptor::For::kRead, until);
  char buffer[4096];
  while (read(events.get(), buffer, sizeof buffer) > 0) {
  }
}

std::string FileSource::position(std::string_view, int64_t next) {
  // A record's offset after it lies in (base, base + size] of its file: parts before it are done with.
  while (parts_.size() > 1 && next > parts_[1].base) parts_.pop_front();
  const Part& part = parts_.front();
  const auto position = look_at(part.fd.get(), part.base, next - part.base);
  return position ? to_text(*position) : std::string();
}

}  // namespace modelyard::sensor
