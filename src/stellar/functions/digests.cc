// SPDX-License-Identifier: Apache-2.0
#include "stellar/functions/digests.h"

#include <openssl/evp.h>

#include <array>
#include <cstring>

#include "base/strings.h"
#include "stellar/eval/utf16.h"

namespace modelyard::stellar {
namespace {

// RFC 1319. Its table is made from the digits of pi; this is the table of the RFC.
constexpr uint8_t kMd2Table[256] = {
    41,  46,  67,  201, 162, 216, 124, 1,   61,  54,  84,  161, 236, 240, 6,   19,  98,  167, 5,   243, 192, 199,
    115, 140, 152, 147, 43,  217, 188, 76,  130, 202, 30,  155, 87,  60,  253, 212, 224, 22,  103, 66,  111, 24,
    138, 23,  229, 18,  190, 78,  196, 214, 218, 158, 222, 73,  160, 251, 245, 142, 187, 47,  238, 122, 169, 104,
    121, 145, 21,  178, 7,   63,  148, 194, 16,  137, 11,  34,  95,  33,  128, 127, 93,  154, 90,  144, 50,  39,
    53,  62,  204, 231, 191, 247, 151, 3,   255, 25,  48,  179, 72,  165, 181, 209, 215, 94,  146, 42,  172, 86,
    170, 198, 79,  184, 56,  210, 150, 164, 125, 182, 118, 252, 107, 226, 156, 116, 4,   241, 69,  157, 112, 89,
    100, 113, 135, 32,  134, 91,  207, 101, 230, 45,  168, 2,   27,  96,  37,  173, 174, 176, 185, 246, 28,  70,
    97,  105, 52,  64,  126, 15,  85,  71,  163, 35,  221, 81,  175, 58,  195, 92,  249, 206, 186, 197, 234, 44,
    83,  13,  110, 133, 40,  132, 9,   211, 223, 205, 244, 65,  129, 77,  82,  106, 220, 55,  200, 108, 193, 171,
    250, 36,  225, 123, 8,   12,  189, 177, 74,  120, 136, 149, 139, 227, 99,  232, 109, 233, 203, 213, 254, 59,
    0,   29,  57,  242, 239, 183, 14,  102, 88,  208, 228, 166, 119, 114, 248, 235, 117, 75,  10,  49,  68,  80,
    180, 143, 237, 31,  26,  219, 153, 141, 51,  159, 17,  131, 20};

std::string md2(std::string_view bytes) {
  std::string padded(bytes);
  const size_t missing = 16 - padded.size() % 16;
  padded.append(missing, static_cast<char>(missing));
  std::array<uint8_t, 16> checksum{};
  uint8_t last = 0;
  for (size_t block = 0; block < padded.size(); block += 16) {
    for (size_t i = 0; i < 16; ++i) last = checksum[i] ^= kMd2Table[static_cast<uint8_t>(padded[block + i]) ^ last];
  }
  padded.append(reinterpret_cast<const char*>(checksum.data()), 16);
  std::array<uint8_t, 48> state{};
  for (size_t block = 0; block < padded.size(); block += 16) {
    for (size_t i = 0; i < 16; ++i) {
      state[16 + i] = static_cast<uint8_t>(padded[block + i]);
      state[32 + i] = state[16 + i] ^ state[i];
    }
    uint8_t t = 0;
    for (int round = 0; round < 18; ++round) {
      for (uint8_t& x : state) t = x ^= kMd2Table[t];
      t = static_cast<uint8_t>(t + round);
    }
  }
  return {reinterpret_cast<const char*>(state.data()), 16};
}

struct Algorithm {
  std::string_view java;
  const EVP_MD* (*openssl)();
};
constexpr Algorithm kAlgorithms[] = {{"MD5", EVP_md5},        {"SHA-1", EVP_sha1},     {"SHA-224", EVP_sha224},
                                     {"SHA-256", EVP_sha256}, {"SHA-384", EVP_sha384}, {"SHA-512", EVP_sha512}};

enum class Charset { kUtf8, kUtf16, kUtf16Be, kUtf16Le, kLatin1, kAscii };
std::optional<Charset> charset_of(std::string_view name) {
  struct Name {
    std::string_view name;
    Charset charset;
  };
  static constexpr Name kNames[] = {
      {"utf-8", Charset::kUtf8},       {"utf8", Charset::kUtf8},        {"utf-16", Charset::kUtf16},
      {"utf-16be", Charset::kUtf16Be}, {"utf-16le", Charset::kUtf16Le}, {"iso-8859-1", Charset::kLatin1},
      {"latin1", Charset::kLatin1},    {"us-ascii", Charset::kAscii},   {"ascii", Charset::kAscii}};
  for (const Name& known : kNames) {
    if (equal_ignoring_case_ascii(known.name, name)) return known.charset;
  }
  return std::nullopt;
}

}  // namespace

const std::vector<std::string_view>& digest_names() {
  static const std::vector<std::string_view> names = {"MD2",     "MD5",     "SHA-1",  "SHA-224",
                                                      "SHA-256", "SHA-384", "SHA-512"};
  return names;
}

std::optional<std::string> hex_digest(std::string_view algorithm, std::string_view bytes) {
  if (equal_ignoring_case_ascii(algorithm, "MD2")) return to_hex(md2(bytes));
  for (const Algorithm& known : kAlgorithms) {
    if (!equal_ignoring_case_ascii(known.java, algorithm)) continue;
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    if (EVP_Digest(bytes.data(), bytes.size(), digest, &size, known.openssl(), nullptr) != 1) return std::nullopt;
    return to_hex({reinterpret_cast<const char*>(digest), size});
  }
  return std::nullopt;
}

uint64_t murmur64(std::string_view bytes, uint64_t seed) {
  constexpr uint64_t kFactor = 0xc6a4a7935bd1e995ULL;
  uint64_t hash = seed ^ (bytes.size() * kFactor);
  size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    uint64_t word;
    std::memcpy(&word, bytes.data() + i, 8);
    word *= kFactor;
    word ^= word >> 47;
    word *= kFactor;
    hash ^= word;
    hash *= kFactor;
  }
  if (i < bytes.size()) {
    uint64_t tail = 0;
    std::memcpy(&tail, bytes.data() + i, bytes.size() - i);
    hash ^= tail;
    hash *= kFactor;
  }
  hash ^= hash >> 47;
  hash *= kFactor;
  return hash ^ (hash >> 47);
}

std::optional<std::string> encode_charset(std::string_view text, std::string_view charset) {
  const auto kind = charset_of(charset);
  if (!kind) return std::nullopt;
  if (*kind == Charset::kUtf8) return to_valid_utf8(text);
  std::string out;
  if (*kind == Charset::kUtf16 && !text.empty()) out = "\xfe\xff";
  for_each_unit(text, [&](char16_t unit) {
    switch (*kind) {
      case Charset::kLatin1: out += unit < 0x100 ? static_cast<char>(unit) : '?'; break;
      case Charset::kAscii: out += unit < 0x80 ? static_cast<char>(unit) : '?'; break;
      case Charset::kUtf16Le:
        out += static_cast<char>(unit & 0xFF);
        out += static_cast<char>(unit >> 8);
        break;
      default: out += static_cast<char>(unit >> 8); out += static_cast<char>(unit & 0xFF);
    }
  });
  return out;
}

std::optional<std::string> decode_charset(std::string_view bytes, std::string_view charset) {
  const auto kind = charset_of(charset);
  if (!kind) return std::nullopt;
  if (*kind == Charset::kUtf8) return to_valid_utf8(bytes);
  std::u16string units;
  if (*kind == Charset::kLatin1 || *kind == Charset::kAscii) {
    for (const char c : bytes)
      units += static_cast<uint8_t>(c) < 0x80 || *kind == Charset::kLatin1
                   ? static_cast<char16_t>(static_cast<uint8_t>(c))
                   : u'\xFFFD';
    return from_utf16(units);
  }
  const bool little = *kind == Charset::kUtf16Le;
  size_t i = *kind == Charset::kUtf16 && bytes.starts_with("\xfe\xff") ? 2 : 0;
  for (; i + 2 <= bytes.size(); i += 2) {
    const auto a = static_cast<uint8_t>(bytes[i]);
    const auto b = static_cast<uint8_t>(bytes[i + 1]);
    units += static_cast<char16_t>(little ? a | b << 8 : a << 8 | b);
  }
  if (i < bytes.size()) units += u'\xFFFD';
  return from_utf16(units);
}

}  // namespace modelyard::stellar
