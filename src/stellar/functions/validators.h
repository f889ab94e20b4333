// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace modelyard::stellar {

// The tests of commons-validator that configurations rely on.
bool is_valid_ipv4(std::string_view text);
bool is_valid_ipv6(std::string_view text);
bool is_valid_domain(std::string_view text);  // dotted labels under a known top-level domain; a final dot is allowed
bool is_valid_email(std::string_view text);
bool is_valid_url(std::string_view text);   // http, https, ftp; a public host; no "//" in its path
bool is_valid_long(std::string_view text);  // grouping commas and blanks around allowed, no "+"

}  // namespace modelyard::stellar
