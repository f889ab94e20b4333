// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace modelyard::stellar {

// Strings are UTF-8 where every offset and length of the language counts UTF-16 units. A lone surrogate is kept as
// three WTF-8 bytes; a pair that comes together by joining becomes one four-byte character again. Bytes that are no
// UTF-8 count as U+FFFD.

// Decodes the character at text[pos], moving pos past it.
char32_t next_character(std::string_view text, size_t& pos);
void append_character(std::string& out, char32_t character);
// Appends one UTF-16 unit: the second half of a pair joins the first half at the end of `out`.
void append_unit(std::string& out, char16_t unit);
// Appends text, joining halves where the two meet.
void append_joined(std::string& out, std::string_view text);

size_t utf16_length(std::string_view text);
std::u16string to_utf16(std::string_view text);
std::string from_utf16(std::u16string_view text);
bool is_ascii(std::string_view text);

// The units from `begin` to `end` (begin <= end <= length); halves of a pair may be cut.
std::string utf16_substring(std::string_view text, size_t begin, size_t end);

template <typename Visit>
void for_each_unit(std::string_view text, Visit visit) {
  for (size_t pos = 0; pos < text.size();) {
    if (static_cast<uint8_t>(text[pos]) < 0x80) {
      visit(static_cast<char16_t>(text[pos++]));
      continue;
    }
    const char32_t character = next_character(text, pos);
    if (character < 0x10000) {
      visit(static_cast<char16_t>(character));
    } else {
      visit(static_cast<char16_t>(0xD7C0 + (character >> 10)));
      visit(static_cast<char16_t>(0xDC00 + (character & 0x3FF)));
    }
  }
}

}  // namespace modelyard::stellar
