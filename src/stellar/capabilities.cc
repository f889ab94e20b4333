// SPDX-License-Identifier: Apache-2.0
#include "stellar/capabilities.h"

#include <cstdlib>

namespace modelyard::stellar {

Random& Capabilities::random() {
  thread_local Random random = Random::from_system();
  return random;
}

std::optional<ModelEndpoint> Capabilities::find_endpoint(std::string_view, std::optional<std::string_view>) {
  return std::nullopt;
}

std::optional<std::string> Capabilities::system_property(std::string_view) const { return std::nullopt; }

std::optional<std::string> Capabilities::environment(std::string_view name) const {
  const char* value = std::getenv(std::string(name).c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

}  // namespace modelyard::stellar
