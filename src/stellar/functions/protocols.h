// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace modelyard::stellar {

// The name of an IP protocol by its assigned number (IANA, 0 to 142); empty for any other.
std::string_view protocol_name(int64_t number);

}  // namespace modelyard::stellar
