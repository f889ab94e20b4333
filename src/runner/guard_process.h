// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>

#include "runner/guard.h"

// The other side of guard.h: what runs in the forked process.
namespace modelyard::runner {

enum class GuardOrder : int32_t { kStart = 1, kTerminate = 2, kKill = 3 };

// A tree that will not die (a process stuck in the kernel) holds the guard no longer than this.
inline constexpr std::chrono::seconds kGuardKillTime{5};

// Serves the socket until the other side closes it, then kills everything below and exits. Single-threaded.
[[noreturn]] void run_guard_process(const ScriptCommand& command, int socket);

}  // namespace modelyard::runner
