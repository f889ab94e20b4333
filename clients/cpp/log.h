// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace modelyard::sdk {

// The library's own log: stderr, warnings and worse; $MODELYARD_LOG names another level ("off", "debug"). The host
// program's is not touched, even if it uses spdlog itself. Thread-safe; the first call counts.
void use_own_log();

}  // namespace modelyard::sdk
