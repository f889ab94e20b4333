// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "io/file.h"
#include "sensor/file_position.h"
#include "sensor/line_buffer.h"
#include "sensor/source.h"

namespace modelyard::sensor {

struct FileSourceOptions {
  bool follow = false;  // go on when lines are added or the file is replaced; else the end of the file is the end
  size_t line_bytes_max = size_t{16} << 20;
  size_t piece_bytes = size_t{256} << 10;
  milliseconds poll{1'000};  // when the kernel tells nothing (a network file system)
  std::function<void(std::string_view)> on_notice;
};

// Lines of a file. Followed, it takes complete lines alone, and when another file takes its name, the old one is read
// to its end first. Not followed, a last line without its end counts as one. A file that was replaced or cut while
// nobody looked is noticed (file_position.h), said, and read from its beginning; what was not read of a renamed one is
// looked for beside it.
class FileSource final : public Source {
 public:
  FileSource(std::filesystem::path path, FileSourceOptions options, io::Executor executor, const Clock& clock);

  std::vector<std::string> streams() const override { return {stream_}; }
  Status resume(std::string_view stream, const StoredOffset& stored) override;
  Status open() override;
  Result<bool> next(SourceRecord* record) override;
  bool at_end() const override { return at_end_; }
  io::Task<void> wait_more() override;
  std::string position(std::string_view stream, int64_t next) override;

 private:
  // One file that has or had the name. Kept until its last record's position was asked for.
  struct Part {
    io::UniqueFd fd;
    int64_t base = 0;
    uint64_t device = 0;
    uint64_t inode = 0;
  };
  Status open_part(const std::filesystem::path& path, int64_t base, int64_t at);
  Status continue_from(const FilePosition& stored);
  std::optional<std::filesystem::path> find_renamed(const FilePosition& stored) const;
  Result<bool> read_piece();
  // At the end of the present file: true when another one is to be read.
  Result<bool> turn_over();
  bool give(const std::optional<LineBuffer::Line>& line, SourceRecord* record);
  void notice(const std::string& text) const;
  void watch();

  const std::filesystem::path path_;
  const FileSourceOptions options_;
  const std::string stream_;
  io::Executor executor_;
  const Clock& clock_;
  std::deque<Part> parts_;  // the last is being read
  LineBuffer lines_;
  int64_t read_at_ = 0;  // byte in the present file
  int64_t line_at_ = 0;  // byte of the next line
  std::optional<FilePosition> resumed_;
  bool at_end_ = false;
  bool reading_renamed_ = false;  // the present part is an old file beside the one with the name
  io::UniqueFd inotify_;
  int watched_ = -1;
};

}  // namespace modelyard::sensor
