// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/strings.h"
#include "cli/machine.h"
#include "io/file.h"

namespace modelyard::cli {
namespace {

using Kind = Finding::Kind;

constexpr uint64_t kFreeBytesWanted = uint64_t{1} << 30;
constexpr rlim_t kFilesWanted = 4096;

Finding examine_kernel() {
  utsname name{};
  ::uname(&name);
  const io::UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  if (pidfd) return {Kind::kGood, "kernel", fmt::format("{} {}, with pidfd", name.sysname, name.release), ""};
  return {Kind::kNote, "kernel",
          fmt::format("{} {}, without pidfd: the end of a model is seen by polling", name.sysname, name.release),
          "Linux 5.4 or newer sees it at once."};
}

Finding examine_inotify() {
  const io::UniqueFd watch(::inotify_init1(IN_CLOEXEC));
  if (watch) return {Kind::kGood, "inotify", "endpoint.dat is seen at once", ""};
  return {Kind::kNote, "inotify", fmt::format("cannot be used ({}): endpoint.dat is polled for", std::strerror(errno)),
          "Raise fs.inotify.max_user_instances with sysctl."};
}

// The line of /proc/self/cgroup for version 2 ("0::/path") or for the memory controller of version 1.
Finding examine_cgroup() {
  const Finding without{Kind::kNote, "cgroup",
                        "no memory cgroup may be made: --memory is held by watching the resident size",
                        "As root, or in a systemd unit with Delegate=yes, the kernel enforces it."};
  const auto text = io::read_file("/proc/self/cgroup", 1 << 20);
  if (!text) return without;
  for (const std::string_view line : split(*text, '\n')) {
    const auto parts = split(line, ':');
    if (parts.size() < 3) continue;
    const bool second = parts[0] == "0" && parts[1].empty();
    if (!second && parts[1] != "memory") continue;
    const std::string folder = fmt::format("/sys/fs/cgroup{}{}", second ? "" : "/memory", parts[2]);
    if (second && ::access("/sys/fs/cgroup/cgroup.controllers", R_OK) != 0) continue;
    if (::access(folder.c_str(), W_OK) == 0) {
      return {Kind::kGood, "cgroup", fmt::format("version {}, writable: the kernel enforces --memory", second ? 2 : 1),
              ""};
    }
  }
  return without;
}

Finding examine_limits() {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_max >= kFilesWanted) return {Kind::kGood, "open files", fmt::format("up to {}", files.rlim_max), ""};
  return {Kind::kNote, "open files", fmt::format("only {}", files.rlim_max),
          "Raise the limit (ulimit -Hn) for many models or clients."};
}

Finding examine_runner() {
  const auto runner = runner_program();
  if (runner) return {Kind::kGood, "runner", runner->string(), ""};
  return {Kind::kProblem, "runner", runner.error().message(), "No model can be started without it."};
}

bool is_in_path(const std::string& program) {
  const char* path = std::getenv("PATH");
  for (const std::string_view folder : split(path ? path : "/usr/local/bin:/usr/bin:/bin", ':')) {
    if (!folder.empty() && ::access((std::string(folder) + "/" + program).c_str(), X_OK) == 0) return true;
  }
  return false;
}

Finding examine_python() {
  if (!is_in_path("python3")) {
    return {Kind::kNote, "python3", "not found: FILE.py:FUNCTION and models in Python do not run",
            "apt-get install python3"};
  }
  std::error_code ignored;
  for (const char* folder : {"/usr/lib/python3/dist-packages/flask", "/usr/local/lib/python3/dist-packages/flask"}) {
    if (std::filesystem::is_directory(folder, ignored)) return {Kind::kGood, "python3", "found, with Flask", ""};
  }
  return {Kind::kGood, "python3", "found; Flask, which examples/mock_dga uses, is not in the system's packages",
          "apt-get install python3-flask"};
}

// f_type of file systems whose locks are not to be trusted between machines (statfs(2)).
bool is_network_file_system(long type) {
  constexpr long kTypes[] = {0x6969 /* nfs */,
                             0x517B /* smb */,
                             static_cast<long>(0xFF534D42) /* cifs */,
                             0x5346414F /* afs */,
                             0x00C36400 /* ceph */,
                             static_cast<long>(0xFE534D42) /* smb2 */,
                             0x47504653 /* gpfs */};
  return std::ranges::find(kTypes, type) != std::end(kTypes);
}

Finding examine_data(const std::filesystem::path& data) {
  std::filesystem::path existing = data;
  while (!existing.empty() && existing != existing.root_path() && ::access(existing.c_str(), F_OK) != 0)
    existing = existing.parent_path();
  const std::string shown = data.string();
  std::error_code ignored;
  if (!std::filesystem::is_directory(existing, ignored)) {
    return {Kind::kProblem, "data folder", fmt::format("{} is no folder", existing.string()),
            "Say another with --data DIR."};
  }
  if (::access(existing.c_str(), W_OK | X_OK) != 0) {
    return {Kind::kProblem, "data folder", fmt::format("{} cannot be written by this user", existing.string()),
            "Say another with --data DIR, or change its owner."};
  }
  struct statfs system {};
  if (::statfs(existing.c_str(), &system) == 0 && is_network_file_system(static_cast<long>(system.f_type))) {
    return {Kind::kProblem, "data folder", shown + " is on a network file system",
            "Say a local folder with --data DIR."};
  }
  struct statvfs space {};
  if (::statvfs(existing.c_str(), &space) == 0 && space.f_bavail * space.f_frsize < kFreeBytesWanted) {
    return {Kind::kNote, "data folder",
            fmt::format("{}: {} MiB are free", shown, (space.f_bavail * space.f_frsize) >> 20),
            "Free some space, or bound the documents with `modelyard up --retain 1GiB`."};
  }
  struct stat info {};
  if (::stat(data.c_str(), &info) == 0 && (info.st_mode & 077) != 0) {
    return {Kind::kNote, "data folder", fmt::format("{} can be read by others (mode {:o})", shown, info.st_mode & 0777),
            fmt::format("chmod 700 {}", shown)};
  }
  return {Kind::kGood, "data folder", shown + (existing == data ? "" : " (will be made)"), ""};
}

}  // namespace

std::vector<Finding> examine_machine(const std::filesystem::path& data) {
  return {examine_kernel(), examine_inotify(), examine_cgroup(),  examine_limits(),
          examine_runner(), examine_python(),  examine_data(data)};
}

}  // namespace modelyard::cli
