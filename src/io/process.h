// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "io/file.h"

// Processes of this machine, as /proc tells them. Thread-safe; every function reads a few small files and blocks for no
// longer.
namespace modelyard::io {

struct ProcessStat {
  int64_t pid = 0;
  int64_t parent = 0;
  int64_t start_ticks = 0;  // since boot: with the boot id it tells a pid from its reuse
  char state = '?';         // 'Z' = a zombie: ended, not yet waited for
};

// Nothing when there is no such process.
std::optional<ProcessStat> read_process_stat(int64_t pid);
// The pid, the start and the boot are those of a process that runs now; a zombie does not. Empty boot_id: not compared.
bool is_process_alive(int64_t pid, int64_t start_ticks, const std::string& boot_id);
// /proc/sys/kernel/random/boot_id; "" where it cannot be read.
const std::string& boot_id();

std::vector<ProcessStat> list_processes();
// All below root, not root itself, parents before children, zombies left out. By parent links over the whole of /proc.
std::vector<ProcessStat> list_descendants(int64_t root);
// The direct children, zombies too, from the kernel's lists of children.
std::vector<int64_t> list_children(int64_t parent);
// All below root from the kernel's lists of children: reads that tree alone, may miss one that is being born. For
// looking, not for killing.
std::vector<int64_t> peek_descendants(int64_t root);

// KEY's value in a process's environment; nothing when absent or not readable.
std::optional<std::string> read_process_variable(int64_t pid, std::string_view key);

// A descriptor that becomes readable when the process ends. kNotFound when it is gone, kUnsupported on kernels
// before 5.3.
Result<UniqueFd> open_pidfd(int64_t pid);

// KILL to everything below root, again and again until none is left (true) or the deadline has passed. The caller
// reaps.
bool kill_descendants(int64_t root, SteadyTime deadline);

}  // namespace modelyard::io
