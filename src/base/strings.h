// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace modelyard {

std::vector<std::string_view> split(std::string_view text, char separator);
std::string_view trim_ascii(std::string_view text);  // drops blanks, tabs, CR, LF at both ends
std::string to_lower_ascii(std::string_view text);
bool equal_ignoring_case_ascii(std::string_view a, std::string_view b);
std::string to_hex(std::string_view bytes);
// The whole text is one decimal number in range, else nothing.
std::optional<int64_t> parse_int(std::string_view text);

// Lower-case hexadecimal SHA-256 (FIPS 180-4).
std::string sha256_hex(std::string_view bytes);

bool is_valid_utf8(std::string_view bytes);
// Each byte that is not part of a valid sequence becomes U+FFFD, as Java's decoder does (one per maximal ill-formed
// part).
std::string to_valid_utf8(std::string_view bytes);

// What a name of a person's choosing may be when it becomes part of a path, a header or a znode: 1..128 of
// [A-Za-z0-9._-], not starting with '.' or '-'. The text says which rule is broken; empty = good.
std::string why_bad_name(std::string_view name);

}  // namespace modelyard
