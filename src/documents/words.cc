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

}  // namespace

bool WordCutter::next(std::string_view text, size_t* at) {
  size_t i = *at;
  while (i < text.size() && kFold[static_cast<unsigned char>(text[i])] == kSeparator) ++i;
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
