// bench: DEPS grok
// SPDX-License-Identifier: Apache-2.0
// One squid line: the whole match with its typed fields, and the rival, PCRE2 alone on the same groups.
#include <benchmark/benchmark.h>

#include <string>

#include "grok/grok.h"
#include "grok/pcre.h"

namespace modelyard::grok {
namespace {

const std::string kLine =
    "1467011157.401    415 127.0.0.1 TCP_MISS/200 337891 GET http://www.example.com/index.html - "
    "HIER_DIRECT/93.184.216.34 text/html";

void squid_line(benchmark::State& state) {
  const auto grok =
      Grok::compile(PatternSet::common(),
                    "%{NUMBER:timestamp}[^0-9]*%{INT:elapsed} %{IP:ip_src_addr} %{WORD:action}/%{NUMBER:code} "
                    "%{NUMBER:bytes} %{WORD:method} %{NOTSPACE:url}[^0-9]*(%{IP:ip_dst_addr})?");
  Scratch scratch;
  std::vector<Capture> captures;
  for (auto _ : state) benchmark::DoNotOptimize(grok->match(kLine, scratch, captures));
}
BENCHMARK(squid_line);

void squid_line_bare_pcre(benchmark::State& state) {
  const auto code = compile_pcre(
      R"(([0-9]+\.[0-9]+)[^0-9]*([0-9]+) ([0-9.]+) (\w+)/([0-9]+) ([0-9]+) (\w+) (\S+)[^0-9]*([0-9.]+)?)", false);
  const PcrePtr<pcre2_match_data> data(pcre2_match_data_create(10, nullptr));
  for (auto _ : state) {
    benchmark::DoNotOptimize(pcre2_jit_match(code->code.get(), reinterpret_cast<PCRE2_SPTR>(kLine.data()), kLine.size(),
                                             0, 0, data.get(), nullptr));
  }
}
BENCHMARK(squid_line_bare_pcre);

}  // namespace
}  // namespace modelyard::grok

BENCHMARK_MAIN();
