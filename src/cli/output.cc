// SPDX-License-Identifier: Apache-2.0
#include "cli/output.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "base/clock.h"
#include "json/tree.h"

namespace modelyard::cli {
namespace {

constexpr size_t kFlushAt = 64 * 1024;

// Columns a terminal uses for UTF-8 text, near enough for a table: one for each code point.
size_t columns_of(std::string_view text) {
  return static_cast<size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

Output::Output(int fd) : fd_(fd), terminal_(::isatty(fd) == 1) {}

void Output::write(std::string_view text) {
  pending_.append(text);
  if (pending_.size() >= kFlushAt) static_cast<void>(flush());
}

void Output::line(std::string_view text) {
  write(text);
  write("\n");
}

void Output::json(const json::Tree& tree) { line(terminal_ ? json::dump_pretty(tree) : json::dump(tree)); }

Status Output::flush() {
  std::string_view left = pending_;
  while (failure_ == 0 && !left.empty()) {
    const ssize_t written = ::write(fd_, left.data(), left.size());
    if (written >= 0) {
      left.remove_prefix(static_cast<size_t>(written));
    } else if (errno == EPIPE) {
      ::_exit(0);  // the reader has seen enough: `modelyard events | head`
    } else if (errno != EINTR) {
      failure_ = errno;
    }
  }
  pending_.clear();
  if (failure_ != 0) return fail(errno_error(failure_, "writing standard output"));
  return {};
}

size_t Output::width() const {
  winsize size{};
  return terminal_ && ::ioctl(fd_, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

Table::Table(std::vector<std::string> headings) : headings_(std::move(headings)), right_(headings_.size(), false) {}

Table& Table::right(size_t column) {
  right_[column] = true;
  return *this;
}

void Table::row(std::vector<std::string> cells) {
  cells.resize(headings_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::str() const {
  std::vector<size_t> widths(headings_.size());
  const auto measure = [&](const std::vector<std::string>& cells) {
    for (size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], columns_of(cells[i]));
  };
  measure(headings_);
  for (const auto& row : rows_) measure(row);
  std::string out;
  const auto put = [&](const std::vector<std::string>& cells) {
    std::string line;
    for (size_t i = 0; i < cells.size(); ++i) {
      const std::string pad(widths[i] - columns_of(cells[i]), ' ');
      line += right_[i] ? pad + cells[i] : cells[i] + pad;
      if (i + 1 < cells.size()) line += "  ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  };
  put(headings_);
  for (const auto& row : rows_) put(row);
  return out;
}

Progress::Progress() : terminal_(::isatty(2) == 1) {}

void Progress::show(std::string_view text) {
  if (!terminal_) return;
  fmt::print(stderr, "\r\033[K{}", text);
  std::fflush(stderr);
  shown_ = true;
}

void Progress::clear() {
  if (!shown_) return;
  fmt::print(stderr, "\r\033[K");
  std::fflush(stderr);
  shown_ = false;
}

std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t' && c != '\n') || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out;
}

std::string age_of(std::string_view iso8601) {
  tm parts{};
  const std::string text(iso8601);
  if (::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts) == nullptr) return "";
  const int64_t seconds_then = ::timegm(&parts);
  const int64_t age = std::max<int64_t>(0, to_epoch_ms(system_clock().wall()) / 1000 - seconds_then);
  if (age < 120) return fmt::format("{}s", age);
  if (age < 120 * 60) return fmt::format("{}m", age / 60);
  if (age < 48 * 3600) return fmt::format("{}h", age / 3600);
  return fmt::format("{}d", age / 86400);
}

}  // namespace modelyard::cli
