// SPDX-License-Identifier: Apache-2.0
#include "cli/sensor_options.h"

#include <fmt/format.h>

#include <cstdio>

namespace modelyard::cli {

Result<sensor::ServerAddress> sensor_server(Invocation& invocation, bool needs_store) {
  MY_TRY(EndpointPlace place, endpoint_place(invocation));
  if (place.zookeeper && needs_store) {
    MY_TRY(place.server, server_address(invocation));
  } else if (place.zookeeper) {
    place.server.url.clear();
  }
  return sensor::ServerAddress{.url = place.server.url, .token = place.server.token, .zookeeper = place.zookeeper};
}

pipeline::Stage stage_of(const Invocation& invocation) {
  return pipeline::stage_from(invocation.arguments().text("stage").value_or("index")).value_or(pipeline::Stage::kIndex);
}

Option stage_option() {
  return {.name = "stage",
          .value = "STAGE",
          .text =
              "how far: parse = the parser alone; transform = with transformations and validation; enrich = with "
              "enrichment and "
              "triage, names with dots; index = as a sink writes it, names with colons",
          .fallback = "index",
          .choices = {"parse", "transform", "enrich", "index"}};
}

Option config_option() {
  return {.name = "config",
          .value = "DIR",
          .text = "the folder with global.json, parsers/, enrichments/, indexing/ and patterns/"};
}

Result<std::filesystem::path> config_folder(Invocation& invocation) {
  const auto folder = invocation.arguments().text("config");
  if (!folder) return invocation.wrong_usage("--config DIR is missing");
  return std::filesystem::path(*folder);
}

void notice(std::string_view text) { fmt::print(stderr, "modelyard: {}\n", printable(text)); }

}  // namespace modelyard::cli
