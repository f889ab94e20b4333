// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace modelyard::stellar {

// Lower-case hexadecimal digest by the algorithm's Java name (MD2, MD5, SHA-1, SHA-224, SHA-256, SHA-384, SHA-512);
// nothing for any other name.
std::optional<std::string> hex_digest(std::string_view algorithm, std::string_view bytes);
const std::vector<std::string_view>& digest_names();

// MurmurHash64A (Appleby), the hash of the reference's HyperLogLog++.
uint64_t murmur64(std::string_view bytes, uint64_t seed);

// Text in a charset by its Java name (UTF-8, UTF-16, UTF-16BE, UTF-16LE, ISO-8859-1, US-ASCII): to bytes, and bytes to
// text. Nothing for another charset.
std::optional<std::string> encode_charset(std::string_view text, std::string_view charset);
std::optional<std::string> decode_charset(std::string_view bytes, std::string_view charset);

}  // namespace modelyard::stellar
