// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace modelyard::runner {

// The application's secret among the secrets of a container's credentials (hadoop/security/tokens.h).
inline constexpr std::string_view kSecretAlias = "modelyard.application.secret";

// The application's secret, with which a runner may write its own nodes: from $MODELYARD_ZK_SECRET, else the file that
// $MODELYARD_ZK_SECRET_FILE names (mode 600), else the entry kSecretAlias of the container's credentials
// ($HADOOP_TOKEN_FILE_LOCATION); "" = none. What is taken from the environment is wiped there, so that
// /proc/PID/environ does not show it, and where there is a secret no other process of this user may read this one's
// memory. Before the first thread and the first fork. kInvalidArgument, kPermissionDenied, kNotFound name the variable.
Result<std::string> take_secret();

}  // namespace modelyard::runner
