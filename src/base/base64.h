// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

// RFC 4648.
namespace modelyard {

std::string base64_encode(std::string_view bytes);     // section 4, padded
std::string base64url_encode(std::string_view bytes);  // section 5, without padding

// Either alphabet, padded or not; nothing when the text is anything else.
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace modelyard
