// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/strings.h"
#include "stellar/functions/helpers.h"

namespace modelyard::stellar {
namespace {

enum class Encoding { kBase32, kBase32Hex, kBase64, kBinary, kHex };
struct Name {
  std::string_view name;
  Encoding encoding;
};
constexpr Name kNames[] = {{"BASE32", Encoding::kBase32},
                           {"BASE32HEX", Encoding::kBase32Hex},
                           {"BASE64", Encoding::kBase64},
                           {"BINARY", Encoding::kBinary},
                           {"HEX", Encoding::kHex}};

constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::string_view kBase32Hex = "0123456789ABCDEFGHIJKLMNOPQRSTUV";
constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string_view alphabet_of(Encoding e) {
  return e == Encoding::kBase64 ? kBase64 : e == Encoding::kBase32 ? kBase32 : kBase32Hex;
}

// -1: not of the alphabet. Base64's two dialects are both read.
int digit_of(Encoding e, char c) {
  if (e == Encoding::kBase64 && c == '-') return 62;
  if (e == Encoding::kBase64 && c == '_') return 63;
  const size_t at = alphabet_of(e).find(c);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

std::string encode_bits(Encoding e, std::string_view bytes) {
  const int width = e == Encoding::kBase64 ? 6 : 5;
  const size_t block = e == Encoding::kBase64 ? 4 : 8;
  std::string out;
  uint32_t bits = 0;
  int held = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<uint8_t>(c);
    held += 8;
    while (held >= width) {
      held -= width;
      out += alphabet_of(e)[bits >> held & ((1u << width) - 1)];
    }
  }
  if (held > 0) out += alphabet_of(e)[bits << (width - held) & ((1u << width) - 1)];
  while (out.size() % block != 0) out += '=';
  return out;
}

// What is not of the alphabet is skipped, up to the first padding; bits that make no whole byte are dropped.
std::string decode_bits(Encoding e, std::string_view text) {
  const int width = e == Encoding::kBase64 ? 6 : 5;
  std::string out;
  uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    if (c == '=') break;
    const int digit = digit_of(e, c);
    if (digit < 0) continue;
    bits = bits << width | static_cast<uint32_t>(digit);
    held += width;
    if (held >= 8) {
      held -= 8;
      out += static_cast<char>(bits >> held & 0xFF);
    }
  }
  return out;
}

// The reference writes the last byte first.
std::string encode_binary(std::string_view bytes) {
  std::string out;
  for (size_t i = bytes.size(); i-- > 0;) {
    for (int bit = 7; bit >= 0; --bit) out += (static_cast<uint8_t>(bytes[i]) >> bit & 1) != 0 ? '1' : '0';
  }
  return out;
}
std::string decode_binary(std::string_view text) {
  std::string out;
  for (size_t end = text.size(); end >= 8; end -= 8) {
    uint8_t byte = 0;
    for (size_t i = end - 8; i < end; ++i) byte = static_cast<uint8_t>(byte << 1 | (text[i] == '1'));
    out += static_cast<char>(byte);
  }
  return out;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const int lower = c | 0x20;
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool in_alphabet(Encoding e, std::string_view text) {
  switch (e) {
    case Encoding::kBinary: return std::all_of(text.begin(), text.end(), [](char c) { return c == '0' || c == '1'; });
    case Encoding::kHex:
      return text.size() % 2 == 0 && std::all_of(text.begin(), text.end(), [](char c) { return hex_digit(c) >= 0; });
    default:
      return std::all_of(text.begin(), text.end(), [e](char c) {
        return digit_of(e, c) >= 0 || c == '=' || c == ' ' || c == '\n' || c == '\r' || c == '\t';
      });
  }
}

// The encoding of an argument; nothing after call.fail().
std::optional<Encoding> encoding_of(Call& call, Value name) {
  for (const Name& known : kNames) {
    if (equal_ignoring_case_ascii(known.name, name.text())) return known.encoding;
  }
  call.fail(fmt::format("there is no encoding '{}'; GET_SUPPORTED_ENCODINGS lists them", name.text()));
  return std::nullopt;
}

bool is_blank_text(Value value) { return value.is_null() || value.text().empty(); }

Value encode(Call& call) {
  if (!has_arguments(call, 2) || !is_string_or_null(call, 0) || !is_string_or_null(call, 1)) return {};
  if (is_blank_text(call[0]) || is_blank_text(call[1])) return {};
  const auto encoding = encoding_of(call, call[1]);
  if (!encoding) return {};
  const std::string bytes = to_valid_utf8(call[0].text());
  if (*encoding == Encoding::kBinary) return call.string(encode_binary(bytes));
  if (*encoding == Encoding::kHex) return call.string(to_hex(bytes));
  return call.string(encode_bits(*encoding, bytes));
}

Value decode(Call& call) {
  if (!has_arguments(call, 2) || !is_string_or_null(call, 0) || !is_string_or_null(call, 1)) return {};
  if (call.size() > 2 && !call[2].is_boolean()) return call.wrong_kind(2, "Boolean");
  if (is_blank_text(call[0]) || is_blank_text(call[1])) return {};
  const auto encoding = encoding_of(call, call[1]);
  if (!encoding) return {};
  const std::string_view text = call[0].text();
  const bool verify = call.at(2).is_boolean() && call[2].as_boolean();
  const bool strict = *encoding == Encoding::kBinary || *encoding == Encoding::kHex;
  if ((verify || strict) && !in_alphabet(*encoding, text)) return call[0];
  if (*encoding == Encoding::kBinary) return call.string(to_valid_utf8(decode_binary(text)));
  if (*encoding != Encoding::kHex) return call.string(to_valid_utf8(decode_bits(*encoding, text)));
  std::string bytes;
  for (size_t i = 0; i + 1 < text.size(); i += 2)
    bytes += static_cast<char>(hex_digit(text[i]) << 4 | hex_digit(text[i + 1]));
  return call.string(to_valid_utf8(bytes));
}

Value is_encoding(Call& call) {
  if (!has_arguments(call, 2) || !is_string_or_null(call, 0) || !is_string_or_null(call, 1)) return {};
  if (is_blank_text(call[0]) || is_blank_text(call[1])) return Value::boolean(false);
  const auto encoding = encoding_of(call, call[1]);
  return encoding ? Value::boolean(in_alphabet(*encoding, call[0].text())) : Value::null();
}

Value supported_encodings(Call& call) {
  ListObject* names = make_list(call.arena, std::size(kNames));
  for (const Name& known : kNames) append(*names, Value::string(known.name));
  return Value::list(names);
}

}  // namespace

void register_encoding_functions(FunctionRegistry& registry) {
  registry.add(
      {.name = "ENCODE",
       .category = "string",
       .description = "The UTF-8 bytes of a text in an encoding; empty and null give null.",
       .parameters = {{"str", "string", "the text"}, {"enc", "string", "BASE32, BASE32HEX, BASE64, BINARY or HEX"}},
       .returns = "string",
       .examples = {{"ENCODE('abc', 'BASE64')", "\"YWJj\""}, {"ENCODE('abc', 'HEX')", "\"616263\""}},
       .run = encode});
  registry.add(
      {.name = "DECODE",
       .category = "string",
       .description = "The text of encoded bytes.",
       .parameters = {{"str", "string", "the encoded text"},
                      {"enc", "string", "the encoding"},
                      {"verify", "bool", "true: a text that is not of the encoding's alphabet is given back", true}},
       .returns = "string",
       .examples = {{"DECODE('YWJj', 'BASE64')", "\"abc\""}, {"DECODE('!', 'BASE32', true)", "\"!\""}},
       .run = decode});
  registry.add({.name = "IS_ENCODING",
                .category = "string",
                .description = "Whether a text is made of an encoding's alphabet.",
                .parameters = {{"str", "string", "the text"}, {"enc", "string", "the encoding"}},
                .returns = "bool",
                .examples = {{"IS_ENCODING('YWJj', 'BASE64')", "true"}, {"IS_ENCODING('x', 'HEX')", "false"}},
                .run = is_encoding});
  registry.add({.name = "GET_SUPPORTED_ENCODINGS",
                .category = "string",
                .description = "The encodings that ENCODE and DECODE know.",
                .parameters = {},
                .returns = "list<string>",
                .examples = {{"GET_SUPPORTED_ENCODINGS()", "[\"BASE32\",\"BASE32HEX\",\"BASE64\",\"BINARY\",\"HEX\"]"}},
                .run = supported_encodings});
}

}  // namespace modelyard::stellar
