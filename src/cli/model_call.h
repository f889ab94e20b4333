// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/remote.h"

namespace modelyard::cli {

struct ModelCallRequest {
  ModelName model;
  std::string function = "apply";
  std::vector<std::pair<std::string, std::string>> arguments;
  std::chrono::milliseconds deadline{2000};
};

// One call through the client library, its endpoints told by the server or ZooKeeper. The model's answer, a JSON
// object's text. kUnavailable with `reached` false: the registry does not answer. Blocks.
Result<std::string> call_model(const EndpointPlace& place, const ModelCallRequest& request, bool& reached);

}  // namespace modelyard::cli
