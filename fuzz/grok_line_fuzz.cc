// fuzz: DEPS grok
// SPDX-License-Identifier: Apache-2.0
// Any bytes as a line of squid's access.log.
#include <cstddef>
#include <cstdint>

#include "grok/grok.h"

using namespace modelyard::grok;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto grok = [] {
    return Grok::compile(
        PatternSet::common(),
        "%{NUMBER:timestamp}[^0-9]*%{INT:elapsed} %{IP:ip_src_addr} %{WORD:action}/%{NUMBER:code} %{NUMBER:bytes} "
        "%{WORD:method} %{NOTSPACE:url}[^0-9]*(%{IP:ip_dst_addr})?");
  }();
  static Scratch scratch;
  std::vector<Capture> captures;
  if (grok) (void)grok->match({reinterpret_cast<const char*>(data), size}, scratch, captures);
  return 0;
}
