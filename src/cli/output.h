// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "json/json.h"

namespace modelyard::cli {

// Standard output of a command. Text is gathered and written in large pieces; flush() when a reader waits for the line.
// A reader that went away (EPIPE) ends the process quietly, any other failure (disk full) is reported by flush() and by
// the final flush in run_program. Confined to the main thread.
class Output {
 public:
  explicit Output(int fd = 1);
  ~Output() = default;
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  void write(std::string_view text);
  void line(std::string_view text);
  // Compact for programs, indented where a person looks at it.
  void json(const json::Tree& tree);
  Status flush();
  bool is_terminal() const { return terminal_; }
  // Columns of the terminal; 0 = unlimited.
  size_t width() const;

 private:
  int fd_;
  bool terminal_;
  std::string pending_;
  int failure_ = 0;
};

// Rows with their columns aligned, two blanks between. The last column is never padded.
class Table {
 public:
  explicit Table(std::vector<std::string> headings);
  // Columns that hold numbers are aligned right.
  Table& right(size_t column);
  void row(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  std::string str() const;

 private:
  std::vector<std::string> headings_;
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
};

// What long work is doing, on standard error and only if that is a terminal; one line that is rewritten and wiped at
// the end.
class Progress {
 public:
  Progress();
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void show(std::string_view text);
  void clear();

 private:
  bool terminal_;
  bool shown_ = false;
};

// Control characters of other people's text (model output, names in error messages) as \xNN, so that they do not drive
// a terminal.
std::string printable(std::string_view text);
// "3s", "12m", "4h", "9d" since the ISO 8601 time; "" if it is no time.
std::string age_of(std::string_view iso8601);

}  // namespace modelyard::cli
