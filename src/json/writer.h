// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace modelyard::json {

// Appends "text" with quotes and escapes (RFC 8259) to out. Bytes that are not UTF-8 become U+FFFD; a lone surrogate
// kept as three WTF-8 bytes is written as its \ud... escape.
void append_string(std::string& out, std::string_view text);

// Appends JSON to a string that the caller owns and reuses: no allocation in the steady state. The caller balances
// begin and end; commas are the writer's work.
//   Writer w(out); w.begin_object(); w.key("name"); w.string("dga"); w.end_object();
class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_array() { open('['); }
  void end_array() { close(']'); }
  void key(std::string_view name);
  void string(std::string_view text);
  void number(int64_t value);
  void boolean(bool value);
  void null();
  // Shortest form that reads back as the same double, always with a point or an exponent; NaN and infinities are null.
  void number(double value);
  // Text that is JSON already.
  void raw(std::string_view json);

 private:
  void comma() {
    if (need_comma_) out_.push_back(',');
    need_comma_ = true;
  }
  void open(char c) {
    comma();
    out_.push_back(c);
    need_comma_ = false;
  }
  void close(char c) {
    out_.push_back(c);
    need_comma_ = true;
  }

  std::string& out_;
  bool need_comma_ = false;
};

}  // namespace modelyard::json
