// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

// How text becomes words, the same for what is stored and for what is searched. A word is a run of letters and digits
// (of any script; combining marks belong to it), folded to lower case; everything else separates: "TCP_MISS/200" is
// tcp, miss, 200. An IPv4 address (10.0.0.1) and a UUID are one word each: they are asked for whole or by their
// beginning, and are most of the words that occur but once. An ideograph is a word of its own. A word longer than 64
// bytes is known by its first 64.
namespace modelyard::documents {

inline constexpr size_t kWordBytesMax = 64;
// What lies behind in one value is stored, but not found by words.
inline constexpr size_t kIndexedValueBytesMax = size_t{64} << 10;

// Cuts one text after the other; keeps its buffer. Confined to one thread.
class WordCutter {
 public:
  // Views handed to fn live until it returns.
  template <typename Fn>
  void cut(std::string_view text, Fn&& fn) {
    size_t at = 0;
    while (next(text, &at)) fn(std::string_view(word_.data(), size_));
  }

 private:
  // Fills word_ with the next word at or after *at.
  bool next(std::string_view text, size_t* at);
  bool next_beyond_ascii(std::string_view text, size_t* at);
  // The address or UUID that begins at `at`, as the word. False when none does.
  bool take_shaped(std::string_view text, size_t* at);

  std::array<char, kWordBytesMax + 8> word_;
  size_t size_ = 0;
};

}  // namespace modelyard::documents
