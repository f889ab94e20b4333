// fuzz: DEPS http
// SPDX-License-Identifier: Apache-2.0
// Server-sent events, their bytes whole and cut in two; and URLs and queries, which are text of strangers as well.
#include <cstdint>

#include "base/assert.h"
#include "http/sse.h"
#include "http/url.h"

namespace {

std::string events_of(std::string_view bytes, size_t cut) {
  modelyard::http::SseParser parser;
  std::string out;
  for (const std::string_view piece : {bytes.substr(0, cut), bytes.substr(cut)}) {
    MY_ASSERT(parser.feed(piece).has_value());
    while (const auto event = parser.next()) out += event->name + "\n" + event->id + "\n" + event->data + "\n\n";
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace modelyard::http;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  MY_ASSERT(events_of(bytes, size) == events_of(bytes, size / 2));
  if (const auto url = parse_url(bytes)) {
    const auto again = parse_url("http://" + url->authority() + url->path);
    MY_ASSERT(again && again->host == url->host && again->port == url->port && again->path == url->path);
  }
  const QueryPairs pairs = parse_query(bytes);
  MY_ASSERT(parse_query(build_query(pairs)) == pairs);
  MY_ASSERT(form_decode(form_encode(bytes)) == bytes && percent_decode(percent_encode(bytes)) == bytes);
  return 0;
}
