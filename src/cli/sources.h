// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "cli/invocation.h"
#include "payloads/packagers.h"

// What `deploy` and `run` have in common: SOURCE or `-- COMMAND…`, and the environment of a model.
namespace modelyard::cli {

// word: the SOURCE, "" = none.
Result<payloads::Source> source_of(Invocation& invocation, const std::string& word);
// --env, each K=V.
Result<std::map<std::string, std::string>> added_environment(Invocation& invocation);
// Of this process's environment what a model inherits (registry/instance_folder.h).
std::map<std::string, std::string> inherited_environment();

}  // namespace modelyard::cli
