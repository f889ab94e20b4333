// SPDX-License-Identifier: Apache-2.0
#include "documents/words.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

namespace modelyard::documents {
namespace {

constexpr unsigned char kSeparator = 0;
constexpr unsigned char kBeyondAscii = 1;

// For each byte: what it is folded to, kSeparator, or kBeyondAscii.
constexpr std::array<unsigned char, 256> make_table() {
  std::array<unsigned char, 256> table{};
  for (int c = 0; c < 256; ++c) {
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')) table[c] = static_cast<unsigned char>(c);
    if (c >= 'A' && c <= 'Z') table[c] = static_cast<unsigned char>(c + ('a' - 'A'));
    if (c >= 0x80) table[c] = kBeyondAscii;
  }
  return table;
}
constexpr auto kFold = make_table();

bool is_word_character(UChar32 c) {
  if (u_isalnum(c)) return true;
  const int32_t mask = U_GET_GC_MASK(c);
  return (mask & U_GC_M_MASK) != 0;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_word_byte(char c) { return kFold[static_cast<unsigned char>(c)] != kSeparator; }

// The bytes of four numbers of up to three digits with dots between; 0 = the text does not begin so.
size_t address_size(std::string_view text) {
  size_t i = 0;
  for (int part = 0; part < 4; ++part) {
    if (part > 0) {
      if (i >= text.size() || text[i] != '.') return 0;
      ++i;
    }
    const size_t begin = i;
    while (i < text.size() && i - begin < 3 && is_digit(text[i])) ++i;
    if (i == begin) return 0;
  }
  const bool goes_on =
      i < text.size() && (is_word_byte(text[i]) || (text[i] == '.' && i + 1 < text.size() && is_digit(text[i + 1])));
  return goes_on ? 0 : i;
}

// 8-4-4-4-12 hexadecimal digits.
size_t uuid_size(std::string_view text) {
  constexpr size_t kSize = 36;
  if (text.size() < kSize || text[8] != '-' || (text.size() > kSize && is_word_byte(text[kSize]))) return 0;
  for (size_t i = 0; i < kSize; ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !is_hex(text[i])) return 0;
  }
  return kSize;
}

}  // namespace

bool WordCutter::take_shaped(std::string_view text, size_t* at) {
  const std::string_view rest = text.substr(*at);
  const bool continues = *at > 1 && text[*at - 1] == '.' && is_digit(text[*at - 2]);  // 1.2.3.4.5 is none
  size_t size = is_digit(rest[0]) && !continues ? address_size(rest) : 0;
  if (size == 0 && is_hex(rest[0])) size = uuid_size(rest);
  if (size == 0) return false;
  for (size_t i = 0; i < size; ++i) {
    const unsigned char folded = kFold[static_cast<unsigned char>(rest[i])];
    word_[i] = folded == kSeparator ? rest[i] : static_cast<char>(folded);
  }
  size_ = size;
  *at += size;
  return true;
}

bool WordCutter::next(std::string_view text, size_t* at) {
  size_t i = *at;
  while (i < text.size() && kFold[static_cast<unsigned char>(text[i])] == kSeparator) ++i;
  if (i < text.size() && is_hex(text[i])) {
    *at = i;
    if (take_shaped(text, at)) return true;
  }
  size_ = 0;
  const size_t begin = i;
  while (i < text.size()) {
    const unsigned char folded = kFold[static_cast<unsigned char>(text[i])];
    if (folded == kSeparator) break;
    if (folded == kBeyondAscii) {
      *at = begin;
      return next_beyond_ascii(text, at);
    }
    if (size_ < kWordBytesMax) word_[size_++] = static_cast<char>(folded);
    ++i;
  }
  *at = i;
  return size_ > 0;
}

bool WordCutter::next_beyond_ascii(std::string_view text, size_t* at) {
  size_ = 0;
  const auto length = static_cast<int64_t>(text.size());
  int64_t i = static_cast<int64_t>(*at);
  while (i < length) {
    const int64_t before = i;
    UChar32 c = 0;
    U8_NEXT_OR_FFFD(text.data(), i, length, c);
    const bool ideograph = c >= 0x2E80 && u_hasBinaryProperty(c, UCHAR_IDEOGRAPHIC);
    if (ideograph && size_ > 0) {
      i = before;
      break;
    }
    if (!ideograph && !is_word_character(c)) {
      if (size_ > 0) break;
      continue;
    }
    char encoded[4];
    int32_t bytes = 0;
    U8_APPEND_UNSAFE(encoded, bytes, u_foldCase(c, U_FOLD_CASE_DEFAULT));
    if (size_ + static_cast<size_t>(bytes) <= kWordBytesMax) {
      for (int32_t k = 0; k < bytes; ++k) word_[size_++] = encoded[k];
    }
    if (ideograph) break;
  }
  *at = static_cast<size_t>(i);
  return size_ > 0;
}

}  // namespace modelyard::documents
