// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace modelyard::runner {

// What endpoint.dat says: {"url":"http://0.0.0.0:36161","functions":{"apply":"apply"}} (docs/models.md). Unknown keys
// are fine.
struct EndpointFile {
  std::string url;
  std::map<std::string, std::string> functions;  // alias -> path; {"apply":"apply"} when the file names none
  std::string scheme;                            // lower case
  std::string host;                              // without brackets; "" when the url has none
  uint16_t port = 0;                             // 0: none, and the scheme has no default
  bool host_is_local = false;                    // localhost, 127.0.0.1, 0.0.0.0, [::1], [::]
  bool operator==(const EndpointFile&) const = default;
};

inline constexpr size_t kEndpointFileMax = 64 << 10;  // bytes; a larger one is malformed

// kInvalidArgument says what is wrong with it, in words for the model's author. A half-written file is malformed too.
Result<EndpointFile> parse_endpoint_file(std::string_view text);

// The url with another host (an IPv6 address gets its brackets).
std::string url_with_host(const EndpointFile& file, std::string_view host);

}  // namespace modelyard::runner
