// SPDX-License-Identifier: Apache-2.0
#include "runner/surroundings.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "base/base64.h"
#include "json/json.h"
#include "json/tree.h"

namespace modelyard::runner {
namespace {

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

std::string machine_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 && name[0] != '\0' ? name : "localhost";
}

Result<registry::InstanceSpec> container_spec(Surroundings& surroundings) {
  std::string text = variable("MODELYARD_SPEC");
  if (text.empty()) return fail(ErrorCode::kInvalidArgument, "--container needs the spec in $MODELYARD_SPEC");
  if (!text.starts_with('{')) text = base64_decode(text).value_or("");
  MY_TRY(const json::Tree tree, json::parse(text, {.source = "$MODELYARD_SPEC"}));
  MY_TRY(registry::InstanceSpec spec, registry::instance_spec_from_json(tree));
  if (spec.zookeeper.empty())
    return fail(ErrorCode::kInvalidArgument, "$MODELYARD_SPEC names no zookeeper, which a container needs");
  std::error_code error;
  const std::filesystem::path here = std::filesystem::current_path(error);
  if (error) return fail(errno_error(error.value(), "finding the current folder"));
  spec.folder = here.string();
  spec.payload = std::filesystem::canonical(here / "payload", error).string();
  if (error) return fail(errno_error(error.value(), "the localized payload " + (here / "payload").string()));
  const std::string logs = variable("LOG_DIRS");
  spec.log_folder = logs.substr(0, logs.find(','));
  if (spec.container.empty()) spec.container = variable("CONTAINER_ID");
  if (spec.container.empty())
    return fail(ErrorCode::kInvalidArgument, "neither $MODELYARD_SPEC nor $CONTAINER_ID names the container");
  spec.registry_is_embedded = false;
  surroundings.in_container = true;
  if (std::string host = variable("NM_HOST"); !host.empty()) surroundings.machine_name = std::move(host);
  return spec;
}

}  // namespace modelyard::runner
