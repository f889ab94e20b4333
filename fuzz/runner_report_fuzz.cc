// SPDX-License-Identifier: Apache-2.0
// fuzz: DEPS registry json base
// What a runner sends to the controller's socket, and the spec.json it reads: any bytes give a record or an error, and
// a record written again reads as itself.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "json/tree.h"
#include "registry/instance_folder.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace modelyard;
  const auto tree = json::parse(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!tree) return 0;
  if (const auto report = registry::runner_report_from_json(*tree)) {
    const std::string text = json::dump(registry::to_json(*report));
    const auto again = registry::runner_report_from_json(json::parse(text).value());
    if (!again || json::dump(registry::to_json(*again)) != text) std::abort();
  }
  if (const auto spec = registry::instance_spec_from_json(*tree)) {
    if (!registry::instance_spec_from_json(registry::to_json(*spec))) std::abort();
  }
  (void)registry::instance_from_json(*tree);
  (void)registry::deployment_from_json(*tree);
  return 0;
}
