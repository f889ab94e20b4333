// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace modelyard::http {

// An absolute http URL taken apart. https and other schemes are kUnsupported, anything else wrong is kInvalidArgument.
struct Url {
  std::string host;  // lower case; an IPv6 address without its brackets
  uint16_t port = 80;
  std::string path;   // as written, percent-encoded, with its leading '/'; "/" when the URL has none
  std::string query;  // as written, without '?'
  bool has_query = false;

  // "host", "host:8080", "[::1]:8080": the Host header's value.
  std::string authority() const;
};

// Fragments are dropped. A user name or password in the URL is refused: it would end up in logs.
Result<Url> parse_url(std::string_view text);

// Each byte that is not unreserved (RFC 3986: letters, digits, -._~) as %XX, for one path segment.
std::string percent_encode(std::string_view bytes);
void append_percent_encoded(std::string& out, std::string_view bytes);
// %XX back to bytes; a '%' without two hexadecimal digits stays as it is. '+' is not touched.
std::string percent_decode(std::string_view text);

// As java.net.URLEncoder: letters, digits and *-._ stay, space becomes '+', every other byte %XX with capital digits.
std::string form_encode(std::string_view bytes);
void append_form_encoded(std::string& out, std::string_view bytes);
// '+' is a space, %XX a byte (any byte); a '%' without two hexadecimal digits stays as it is.
std::string form_decode(std::string_view text);

using QueryPairs = std::vector<std::pair<std::string, std::string>>;
// "a=1&b=x+y&flag" -> {a,1} {b,"x y"} {flag,""}. Empty parts are skipped.
QueryPairs parse_query(std::string_view query);
// The reverse, with form_encode().
std::string build_query(const QueryPairs& pairs);

}  // namespace modelyard::http
