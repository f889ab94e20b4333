// fuzz: DEPS hadoop
// SPDX-License-Identifier: Apache-2.0
// Any bytes as a cluster's configuration file, and every address that is read from it.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "hadoop/configuration.h"

using namespace modelyard::hadoop;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 16384) return 0;
  Configuration configuration([](const std::string& name) -> std::optional<std::string> {
    return name == "HADOOP_USER_NAME" ? std::optional<std::string>("alice") : std::nullopt;
  });
  const std::string_view xml(reinterpret_cast<const char*>(data), size);
  if (!configuration.add(xml, "fuzz-site.xml")) return 0;
  if (const auto file_system = configuration.default_file_system()) (void)file_system->uri();
  (void)configuration.resource_managers();
  (void)configuration.rpc_protection();
  (void)configuration.is_kerberos();
  (void)configuration.timeline();
  return 0;
}
