// SPDX-License-Identifier: Apache-2.0
#include "stellar/eval/utf16.h"

namespace modelyard::stellar {
namespace {
bool is_high(char32_t c) { return c >= 0xD800 && c < 0xDC00; }
bool is_low(char32_t c) { return c >= 0xDC00 && c < 0xE000; }
bool continues(std::string_view text, size_t pos) {
  return pos < text.size() && (static_cast<uint8_t>(text[pos]) & 0xC0) == 0x80;
}

// The half of a pair that `text` ends with, as WTF-8, or 0.
char32_t trailing_high(const std::string& text) {
  const size_t n = text.size();
  if (n < 3 || static_cast<uint8_t>(text[n - 3]) != 0xED) return 0;
  const auto second = static_cast<uint8_t>(text[n - 2]);
  if (second < 0xA0 || second > 0xAF) return 0;
  return 0xD000 | ((second & 0x3Fu) << 6) | (static_cast<uint8_t>(text[n - 1]) & 0x3Fu);
}
}  // namespace

char32_t next_character(std::string_view text, size_t& pos) {
  const auto lead = static_cast<uint8_t>(text[pos++]);
  if (lead < 0x80) return lead;
  int more = 0;
  char32_t character = 0;
  if (lead >= 0xC2 && lead <= 0xDF) {
    more = 1;
    character = lead & 0x1F;
  } else if ((lead & 0xF0) == 0xE0) {
    more = 2;
    character = lead & 0x0F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    more = 3;
    character = lead & 0x07;
  } else {
    return 0xFFFD;
  }
  const char32_t least = more == 1 ? 0x80 : more == 2 ? 0x800 : 0x10000;
  for (int i = 0; i < more; ++i) {
    if (!continues(text, pos)) return 0xFFFD;
    character = (character << 6) | (static_cast<uint8_t>(text[pos++]) & 0x3F);
  }
  return character < least || character > 0x10FFFF ? 0xFFFD : character;
}

void append_character(std::string& out, char32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | (c >> 6));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | (c >> 12));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (c >> 18));
    out += static_cast<char>(0x80 | ((c >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  }
}

void append_unit(std::string& out, char16_t unit) {
  if (is_low(unit)) {
    if (const char32_t high = trailing_high(out); high != 0) {
      out.resize(out.size() - 3);
      append_character(out, 0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00u));
      return;
    }
  }
  append_character(out, unit);
}

void append_joined(std::string& out, std::string_view text) {
  if (text.size() >= 3 && static_cast<uint8_t>(text[0]) == 0xED && static_cast<uint8_t>(text[1]) >= 0xB0) {
    size_t pos = 0;
    append_unit(out, static_cast<char16_t>(next_character(text, pos)));
    out += text.substr(pos);
    return;
  }
  out += text;
}

size_t utf16_length(std::string_view text) {
  size_t length = 0;
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    length += (byte & 0xC0) != 0x80;
    length += byte >= 0xF0;
  }
  return length;
}

std::u16string to_utf16(std::string_view text) {
  std::u16string out;
  out.reserve(text.size());
  for_each_unit(text, [&](char16_t unit) { out += unit; });
  return out;
}

std::string from_utf16(std::u16string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const char16_t unit = text[i];
    if (is_high(unit) && i + 1 < text.size() && is_low(text[i + 1])) {
      append_character(out, 0x10000 + ((unit - 0xD800u) << 10) + (text[++i] - 0xDC00u));
    } else {
      append_character(out, unit);
    }
  }
  return out;
}

bool is_ascii(std::string_view text) {
  for (const char c : text) {
    if (static_cast<uint8_t>(c) >= 0x80) return false;
  }
  return true;
}

std::string utf16_substring(std::string_view text, size_t begin, size_t end) {
  if (is_ascii(text)) return std::string(text.substr(begin, end - begin));
  const std::u16string units = to_utf16(text);
  return from_utf16(std::u16string_view(units).substr(begin, end - begin));
}

}  // namespace modelyard::stellar
