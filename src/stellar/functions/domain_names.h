// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace modelyard::stellar {

// Whether the reference's library takes the text for a domain name: labels of 1..63 letters, digits, '-', '_' and
// anything beyond ASCII, not starting or ending with '-' or '_'; the last not starting with a digit; a final dot is
// allowed.
bool is_domain_name(std::string_view text);

// The public suffix of a valid name, private entries of the list included; the last label where no entry fits. In lower
// case; a view of `name` or of `buffer`. A final dot is not part of it.
std::string_view public_suffix(std::string_view name, std::string& buffer);

// Whether the label is a top-level domain of the list.
bool is_top_level_domain(std::string_view label);

}  // namespace modelyard::stellar
