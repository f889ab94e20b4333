// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace modelyard::stellar {

// A URL as java.net.URL takes it apart, which is no RFC 3986: the schemes http, https, ftp, file, jar and mailto;
// blanks around it dropped; the host neither checked nor lower-cased. Views of the text given.
struct JavaUrl {
  std::string_view protocol;  // lower case
  std::string_view host;
  int port = -1;              // as written; -1 = none
  std::string_view raw_path;  // before "." and ".." are resolved

  // The port, or the scheme's own (80, 443, 21), or -1.
  int port_or_default() const;
  std::string path() const;
  bool path_is_raw() const;  // path() equals raw_path
};

// Nothing where java.net.URL throws.
std::optional<JavaUrl> parse_java_url(std::string_view text);

// A textual IPv6 address without brackets, an IPv4 tail allowed; a zone ("%eth0") too where `zone` is set.
bool is_ipv6_text(std::string_view text, bool zone);

}  // namespace modelyard::stellar
