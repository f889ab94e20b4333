// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace modelyard::http {

// The header fields of one message, in order, duplicates kept (RFC 9110 section 5). Names compare ignoring ASCII case.
// All text lies in one buffer, so a Headers that is cleared and filled again allocates nothing. A value type; views it
// returns live until the next change of it.
class Headers {
 public:
  struct Field {
    std::string_view name;
    std::string_view value;
  };

  // The first field of that name.
  std::optional<std::string_view> get(std::string_view name) const;
  bool contains(std::string_view name) const { return get(name).has_value(); }
  // True if a comma-separated list in any field of that name holds the token, ignoring case: has_token("connection",
  // "close").
  bool has_token(std::string_view name, std::string_view token) const;

  // The caller's own names and values: bytes that would end the line (CR, LF, NUL) become spaces.
  void add(std::string_view name, std::string_view value);
  // Removes every field of that name, then adds.
  void set(std::string_view name, std::string_view value);
  void remove(std::string_view name);
  void clear();

  size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  Field operator[](size_t i) const;
  size_t bytes() const { return text_.size(); }
  // Appends "name: value\r\n" for each.
  void append_to(std::string& out) const;

  // For the parsers: text arrives in pieces.
  void begin_field();
  void append_name(std::string_view piece);
  void append_value(std::string_view piece);
  void end_value();  // drops blanks at its end

 private:
  struct Entry {
    uint32_t name;
    uint32_t name_size;
    uint32_t value;
    uint32_t value_size;
  };
  std::string text_;
  std::vector<Entry> entries_;
};

}  // namespace modelyard::http
