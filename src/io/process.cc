// SPDX-License-Identifier: Apache-2.0
#include "io/process.h"

#include <dirent.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>

#include "base/strings.h"

namespace modelyard::io {
namespace {

using Dir = std::unique_ptr<DIR, int (*)(DIR*)>;

void for_each_pid(const std::string& folder, const auto& fn) {
  const Dir dir(::opendir(folder.c_str()), ::closedir);
  if (!dir) return;
  while (const dirent* item = ::readdir(dir.get())) {
    if (const auto pid = parse_int(item->d_name)) fn(*pid);
  }
}

void sleep_briefly() {
  const timespec pause{.tv_sec = 0, .tv_nsec = 1'000'000};
  ::nanosleep(&pause, nullptr);
}

}  // namespace

std::optional<ProcessStat> read_process_stat(int64_t pid) {
  const Result<std::string> text = read_file(fmt::format("/proc/{}/stat", pid), 4096);
  if (!text) return std::nullopt;
  // "PID (name) S PPID …": the name may hold blanks and brackets, so the fields are counted from its last bracket.
  const size_t bracket = text->rfind(')');
  if (bracket == std::string::npos || bracket + 2 > text->size()) return std::nullopt;
  const std::vector<std::string_view> fields = split(std::string_view(*text).substr(bracket + 2), ' ');
  constexpr size_t kState = 0;
  constexpr size_t kParent = 1;
  constexpr size_t kStart = 19;
  if (fields.size() <= kStart || fields[kState].empty()) return std::nullopt;
  return ProcessStat{.pid = pid,
                     .parent = parse_int(fields[kParent]).value_or(0),
                     .start_ticks = parse_int(fields[kStart]).value_or(0),
                     .state = fields[kState].front()};
}

bool is_process_alive(int64_t pid, int64_t start_ticks, const std::string& boot) {
  if (pid <= 0 || (!boot.empty() && boot != boot_id())) return false;
  const std::optional<ProcessStat> found = read_process_stat(pid);
  return found && found->start_ticks == start_ticks && found->state != 'Z' && found->state != 'X';
}

const std::string& boot_id() {
  static const std::string id = [] {
    const Result<std::string> text = read_file("/proc/sys/kernel/random/boot_id", 256);
    return text ? std::string(trim_ascii(*text)) : std::string();
  }();
  return id;
}

std::vector<ProcessStat> list_processes() {
  std::vector<ProcessStat> all;
  for_each_pid("/proc", [&](int64_t pid) {
    if (auto found = read_process_stat(pid)) all.push_back(*found);
  });
  return all;
}

std::vector<ProcessStat> list_descendants(int64_t root) {
  std::multimap<int64_t, ProcessStat> children;
  for (const ProcessStat& process : list_processes()) children.emplace(process.parent, process);
  std::vector<ProcessStat> below;
  std::vector<int64_t> parents{root};
  // Pids are read one after the other, so links may contradict each other: nobody is taken twice.
  while (!parents.empty()) {
    const int64_t parent = parents.back();
    parents.pop_back();
    const auto [first, last] = children.equal_range(parent);
    for (auto at = first; at != last; ++at) {
      if (at->second.state != 'Z' && at->second.state != 'X') below.push_back(at->second);
      parents.push_back(at->second.pid);
    }
    children.erase(first, last);
  }
  return below;
}

std::vector<int64_t> list_children(int64_t parent) {
  std::vector<int64_t> children;
  for_each_pid(fmt::format("/proc/{}/task", parent), [&](int64_t thread) {
    const Result<std::string> text =
        read_file(fmt::format("/proc/{}/task/{}/children", parent, thread), size_t{1} << 20);
    if (!text) return;
    for (const std::string_view word : split(*text, ' ')) {
      if (const auto pid = parse_int(word)) children.push_back(*pid);
    }
  });
  return children;
}

std::vector<int64_t> peek_descendants(int64_t root) {
  std::vector<int64_t> below = list_children(root);
  constexpr size_t kMost = 65536;
  for (size_t at = 0; at < below.size() && below.size() < kMost; ++at) {
    const std::vector<int64_t> children = list_children(below[at]);
    below.insert(below.end(), children.begin(), children.end());
  }
  return below;
}

std::optional<std::string> read_process_variable(int64_t pid, std::string_view key) {
  const Result<std::string> text = read_file(fmt::format("/proc/{}/environ", pid), size_t{4} << 20);
  if (!text) return std::nullopt;
  for (const std::string_view pair : split(*text, '\0')) {
    if (pair.size() > key.size() && pair.starts_with(key) && pair[key.size()] == '=') {
      return std::string(pair.substr(key.size() + 1));
    }
  }
  return std::nullopt;
}

Result<UniqueFd> open_pidfd(int64_t pid) {
  const long fd = ::syscall(SYS_pidfd_open, static_cast<pid_t>(pid), 0);
  if (fd >= 0) return UniqueFd(static_cast<int>(fd));
  if (errno == ENOSYS) return fail(ErrorCode::kUnsupported, "the kernel has no pidfd_open");
  if (errno == ESRCH) return fail(ErrorCode::kNotFound, fmt::format("process {} is gone", pid));
  return fail(errno_error(errno, fmt::format("watching process {}", pid)));
}

bool kill_descendants(int64_t root, SteadyTime deadline) {
  while (true) {
    const std::vector<ProcessStat> below = list_descendants(root);
    if (below.empty()) return true;
    for (const ProcessStat& process : below) ::kill(static_cast<pid_t>(process.pid), SIGKILL);
    if (system_clock().now() >= deadline) return false;
    sleep_briefly();
  }
}

}  // namespace modelyard::io
