// SPDX-License-Identifier: Apache-2.0
// fuzz: DEPS runner
// endpoint.dat, as any model may write it: an endpoint or a reason; a replaced host gives a url that reads back with
// that host.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "json/json.h"
#include "json/tree.h"
#include "runner/endpoint_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace modelyard;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto file = runner::parse_endpoint_file(text);
  if (!file || file->host.empty()) return 0;
  for (const std::string_view host : {"node-1.example", "10.0.0.1", "fe80::1"}) {
    json::Tree again;
    again["url"] = runner::url_with_host(*file, host);
    const auto read = runner::parse_endpoint_file(json::dump(again));
    if (!read || read->host != host || read->port != file->port || read->scheme != file->scheme) std::abort();
  }
  return 0;
}
