// fuzz: DEPS configuration
// SPDX-License-Identifier: Apache-2.0
// Any text as each of the configuration documents, and the places of what is wrong in it.
#include <cstddef>
#include <cstdint>
#include <memory>

#include "configuration/types.h"

using namespace modelyard::configuration;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 4096) return 0;
  auto made = Document::parse({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!made) return 0;
  const auto document = std::make_shared<const Document>(std::move(*made));
  Problems problems;
  const GlobalConfig global = read_global(document, problems);
  read_parser(document, "fuzz", problems);
  const EnrichmentConfig enrichment = read_enrichment(document, problems);
  for (const StellarGroup& group : enrichment.enrichment.stellar) {
    for (const Assignment& one : group.assignments) {
      (void)document->at_text(one.path, one.inside + one.expression.size(), "here");
    }
  }
  read_indexing(document, problems).writer("hdfs", "fuzz", global);
  return 0;
}
