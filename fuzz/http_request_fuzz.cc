// fuzz: DEPS http
// SPDX-License-Identifier: Apache-2.0
// Bytes of a client: the parser, its input whole and cut in two, says the same; what it took can be routed and decoded.
#include <algorithm>
#include <cstdint>

#include "base/assert.h"
#include "http/parser.h"
#include "http/router.h"

namespace modelyard::http {
namespace {

struct Parsed {
  std::string target;
  Headers headers;
  std::string body;
  ParseState state = ParseState::kHeader;
};

void parse(Parsed& out, std::string_view bytes, size_t cut) {
  RequestParser parser({.header_bytes_max = 1 << 20, .header_count_max = 1 << 20}, out.target, out.headers, out.body);
  for (std::string_view piece : {bytes.substr(0, cut), bytes.substr(cut)}) {
    while (true) {
      const ParseState before = parser.state();
      const size_t taken = parser.feed(piece);
      MY_ASSERT(taken <= piece.size());
      piece.remove_prefix(taken);
      if (parser.state() == before || parser.state() != ParseState::kBody) break;
    }
  }
  out.state = parser.state();
}

}  // namespace
}  // namespace modelyard::http

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace modelyard::http;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Parsed whole;
  parse(whole, bytes, size);
  Parsed cut;
  parse(cut, bytes, size / 3);
  MY_ASSERT(whole.state == cut.state);
  if (whole.state == ParseState::kDone) {
    MY_ASSERT(whole.target == cut.target && whole.body == cut.body && whole.headers.size() == cut.headers.size());
    for (size_t i = 0; i < whole.headers.size(); ++i)
      MY_ASSERT(whole.headers[i].name == cut.headers[i].name && whole.headers[i].value == cut.headers[i].value);
    static const Router router = [] {
      Router r;
      const auto handler = [](Request&) -> modelyard::io::Task<Response> { co_return Response(); };
      for (const std::string_view pattern : {"/", "/api/{a}/x", "/api/{a}/{b}", "/models/{name}/{rest...}"})
        r.add("GET", pattern, handler);
      return r;
    }();
    Request request = RequestBuilder::make("GET", whole.target);
    (void)router.find(request);
    (void)request.query();
  }
  return 0;
}
