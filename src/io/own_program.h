// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace modelyard::io {

// This program's own file. In the bundle, whose starters run programs by a carried loader (packaging/starter), it is
// the starter: what may be executed again, and what stands beside the other programs. Empty where /proc is not there.
std::filesystem::path own_program();

// In the bundle the kernel would call the process by the loader's name: gives it the program's. Once, at start.
void take_own_name();

}  // namespace modelyard::io
