// fuzz: DEPS http
// SPDX-License-Identifier: Apache-2.0
// Bytes of a server: the parser, its input whole and cut in two, says the same.
#include <cstdint>

#include "base/assert.h"
#include "http/parser.h"

namespace modelyard::http {
namespace {

struct Parsed {
  Headers headers;
  std::string body;
  ParseState state = ParseState::kHeader;
  int status = 0;
};

void parse(Parsed& out, std::string_view bytes, size_t cut, bool head) {
  ResponseParser parser({.header_bytes_max = 1 << 20, .header_count_max = 1 << 20}, out.headers, out.body);
  parser.reset(head);
  const std::string_view first = bytes.substr(0, cut);
  const size_t taken = parser.feed(first);
  MY_ASSERT(taken <= first.size());
  if (taken == first.size()) (void)parser.feed(bytes.substr(cut));
  parser.finish();
  out.state = parser.state();
  out.status = parser.status();
}

}  // namespace
}  // namespace modelyard::http

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace modelyard::http;
  if (size == 0) return 0;
  const bool head = (data[0] & 1) != 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  Parsed whole;
  parse(whole, bytes, bytes.size(), head);
  Parsed cut;
  parse(cut, bytes, bytes.size() / 3, head);
  MY_ASSERT(whole.state == ParseState::kDone || whole.state == ParseState::kFailed);
  MY_ASSERT(whole.state == cut.state);
  if (whole.state == ParseState::kDone)
    MY_ASSERT(whole.status == cut.status && whole.body == cut.body && whole.headers.size() == cut.headers.size());
  return 0;
}
