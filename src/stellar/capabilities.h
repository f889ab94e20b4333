// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "stellar/value.h"

namespace modelyard::stellar {

// What MAAS_GET_ENDPOINT hands to the expression: {"name","version","url","endpoint:<alias>":path}.
struct ModelEndpoint {
  std::string name;
  std::string version;
  std::string url;
  std::vector<std::pair<std::string, std::string>> functions;  // alias -> path
};

// The world as functions see it. The caller of an evaluation fills in what it has; a function whose capability is
// missing is an error that names it. Owned by the caller, used from the thread of the frame alone. No member may block:
// what takes time is a CallRequest (eval/frame.h) that the frame's driver carries out.
class Capabilities {
 public:
  virtual ~Capabilities() = default;

  virtual const Clock& clock() const { return system_clock(); }
  virtual Random& random();  // for SAMPLE_*; the default is seeded by the system, one per thread

  // MAAS_GET_ENDPOINT: chooses one endpoint of the snapshot. No version = the greatest. Nothing = no such model now.
  virtual bool has_models() const { return false; }
  virtual std::optional<ModelEndpoint> find_endpoint(std::string_view name, std::optional<std::string_view> version);

  // Whether calls of this service are carried out: "model" by has_models(); later "rest", "geo", …
  virtual bool has_service(std::string_view service) const { return service == "model" && has_models(); }

  // Properties of SYSTEM_PROPERTY_GET; nothing = no such property.
  virtual std::optional<std::string> system_property(std::string_view name) const;
  // Variables of SYSTEM_ENV_GET. The default reads this process's environment.
  virtual std::optional<std::string> environment(std::string_view name) const;
};

}  // namespace modelyard::stellar
