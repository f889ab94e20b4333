// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "cli/invocation.h"
#include "json/tree.h"

namespace modelyard::cli {
namespace {

Status run(Invocation& invocation) {
  if (invocation.wants_json()) {
    invocation.out().json({{"version", MODELYARD_VERSION}});
  } else {
    invocation.out().line("modelyard " MODELYARD_VERSION);
  }
  return {};
}

}  // namespace

void register_version(CommandSet& commands) {
  commands.add({.name = "version",
                .group = "Help",
                .summary = "print the version",
                .text = "Prints the version of this program.",
                .options = {output_option()},
                .examples = {{"modelyard version", "which version is this?"}},
                .run = run});
}

}  // namespace modelyard::cli
