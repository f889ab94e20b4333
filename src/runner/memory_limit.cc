// SPDX-License-Identifier: Apache-2.0
#include "runner/memory_limit.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/strings.h"
#include "io/process.h"

namespace modelyard::runner {
namespace {

namespace fs = std::filesystem;

Status write_value(const fs::path& file, const std::string& value) {
  MY_TRY(const io::UniqueFd fd, io::open_file(file, O_WRONLY));
  if (::write(fd.get(), value.data(), value.size()) < 0) return fail(errno_error(errno, "writing " + file.string()));
  return {};
}

// "oom_kill 3" among the lines of a file; 0 when absent.
int64_t read_counter(const fs::path& file, std::string_view key) {
  const Result<std::string> text = io::read_file(file, 65536);
  if (!text) return 0;
  for (const std::string_view line : split(*text, '\n')) {
    if (line.starts_with(key) && line.size() > key.size() && line[key.size()] == ' ') {
      return parse_int(trim_ascii(line.substr(key.size()))).value_or(0);
    }
  }
  return 0;
}

std::optional<int64_t> read_number(const fs::path& file) {
  const Result<std::string> text = io::read_file(file, 256);
  return text ? parse_int(trim_ascii(*text)) : std::nullopt;
}

// Where a hierarchy is mounted, and the path inside it that the mount shows.
struct Mount {
  std::string root;
  std::string point;
};

std::optional<Mount> find_mount(bool version2) {
  const Result<std::string> text = io::read_file("/proc/self/mountinfo", size_t{4} << 20);
  if (!text) return std::nullopt;
  for (const std::string_view line : split(*text, '\n')) {
    const size_t dash = line.find(" - ");
    if (dash == std::string_view::npos) continue;
    const std::vector<std::string_view> left = split(line.substr(0, dash), ' ');
    const std::vector<std::string_view> right = split(line.substr(dash + 3), ' ');
    if (left.size() < 5 || right.size() < 3) continue;
    const std::vector<std::string_view> options = split(right[2], ',');
    const bool has_memory = std::find(options.begin(), options.end(), "memory") != options.end();
    if (version2 ? right[0] == "cgroup2" : right[0] == "cgroup" && has_memory) {
      return Mount{std::string(left[3]), std::string(left[4])};
    }
  }
  return std::nullopt;
}

// This process's own group in the hierarchy, as a folder.
std::optional<fs::path> own_group(bool version2) {
  const std::optional<Mount> mount = find_mount(version2);
  const Result<std::string> text = io::read_file("/proc/self/cgroup", 65536);
  if (!mount || !text) return std::nullopt;
  for (const std::string_view line : split(*text, '\n')) {
    const size_t first = line.find(':');
    const size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const std::vector<std::string_view> controllers = split(line.substr(first + 1, second - first - 1), ',');
    const bool match = version2 ? line.starts_with("0::")
                                : std::find(controllers.begin(), controllers.end(), "memory") != controllers.end();
    if (!match) continue;
    std::string_view path = line.substr(second + 1);
    if (mount->root != "/" && path.starts_with(mount->root)) path.remove_prefix(mount->root.size());
    while (path.starts_with('/')) path.remove_prefix(1);
    return fs::path(mount->point) / path;
  }
  return std::nullopt;
}

int64_t resident_bytes(int64_t pid) {
  const Result<std::string> text = io::read_file(fmt::format("/proc/{}/statm", pid), 256);
  if (!text) return 0;
  const std::vector<std::string_view> fields = split(*text, ' ');
  return fields.size() < 2 ? 0 : parse_int(fields[1]).value_or(0) * ::sysconf(_SC_PAGESIZE);
}

// Shared pages divided among those who share them; costs more than resident_bytes().
int64_t proportional_bytes(int64_t pid) {
  const Result<std::string> text = io::read_file(fmt::format("/proc/{}/smaps_rollup", pid), 65536);
  if (!text) return resident_bytes(pid);
  for (const std::string_view line : split(*text, '\n')) {
    if (!line.starts_with("Pss:")) continue;
    const std::string_view value = trim_ascii(line.substr(4));
    return parse_int(value.substr(0, value.find(' '))).value_or(0) << 10;
  }
  return resident_bytes(pid);
}

}  // namespace

MemoryLimit MemoryLimit::watchdog(int64_t memory_mb) {
  MemoryLimit limit(memory_mb);
  limit.kind_ = memory_mb > 0 ? Kind::kWatchdog : Kind::kNone;
  return limit;
}

MemoryLimit MemoryLimit::make(const std::string& instance_id, int64_t memory_mb) {
  MemoryLimit limit = watchdog(memory_mb);
  if (memory_mb <= 0) return limit;
  for (const bool version2 : {true, false}) {
    const std::optional<fs::path> own = own_group(version2);
    if (!own) continue;
    const Kind kind = version2 ? Kind::kCgroup2 : Kind::kCgroup1;
    const std::string name = "modelyard-" + instance_id;
    if (limit.enter(*own / name, kind)) return limit;
    // In v2 a group with processes of its own cannot hand controllers down; a group beside it may have them.
    if (version2 && *own != fs::path(find_mount(true)->point) && limit.enter(own->parent_path() / name, kind))
      return limit;
  }
  return limit;
}

bool MemoryLimit::enter(const fs::path& folder, Kind kind) {
  const bool version2 = kind == Kind::kCgroup2;
  // Who moves a process needs the right to write to the group above both, besides the new one.
  if (::access((folder.parent_path() / "cgroup.procs").c_str(), W_OK) != 0) return false;
  ::rmdir(folder.c_str());  // of an incarnation whose guard was killed
  if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) return false;
  const auto prepare = [&]() -> Status {
    const std::string bytes = std::to_string(bytes_);
    MY_TRY_VOID(write_value(folder / (version2 ? "memory.max" : "memory.limit_in_bytes"), bytes));
    // Swap would only make it slow before it dies; absent where the kernel does not count it.
    const fs::path swap = folder / (version2 ? "memory.swap.max" : "memory.memsw.limit_in_bytes");
    if (::access(swap.c_str(), W_OK) == 0) (void)write_value(swap, version2 ? "0" : bytes);
    if (version2) (void)write_value(folder / "memory.oom.group", "1");
    MY_TRY(procs_, io::open_file(folder / "cgroup.procs", O_WRONLY));
    return {};
  };
  if (const Status ready = prepare(); !ready) {
    spdlog::debug("no memory cgroup: {}", ready.error().message());
    ::rmdir(folder.c_str());
    return false;
  }
  kind_ = kind;
  folder_ = folder;
  kills_before_ = count_kills();
  return true;
}

std::string MemoryLimit::reason(int64_t used_bytes) const {
  const int64_t used = (used_bytes + (1 << 20) - 1) >> 20;
  return fmt::format("out of memory: used {} of {} MB", std::max(used, bytes_ >> 20), bytes_ >> 20);
}

std::optional<std::string> MemoryLimit::struck(int64_t root_pid) const {
  if (kind_ == Kind::kNone) return std::nullopt;
  return kind_ == Kind::kWatchdog ? struck_watchdog(root_pid) : struck_cgroup();
}

int64_t MemoryLimit::count_kills() const {
  return read_counter(folder_ / (kind_ == Kind::kCgroup2 ? "memory.events" : "memory.oom_control"), "oom_kill");
}

std::optional<std::string> MemoryLimit::struck_cgroup() const {
  const bool version2 = kind_ == Kind::kCgroup2;
  if (count_kills() <= kills_before_) return std::nullopt;
  return reason(read_number(folder_ / (version2 ? "memory.peak" : "memory.max_usage_in_bytes")).value_or(bytes_));
}

std::optional<std::string> MemoryLimit::struck_watchdog(int64_t root_pid) const {
  const std::vector<int64_t> tree = io::peek_descendants(root_pid);
  const auto sum = [&](int64_t (*bytes_of)(int64_t)) {
    int64_t total = 0;
    for (const int64_t pid : tree) total += bytes_of(pid);
    return total;
  };
  // Workers forked from one parent share most of their pages: the plain sum only says when to look closer.
  if (sum(resident_bytes) <= bytes_) return std::nullopt;
  const int64_t used = sum(proportional_bytes);
  return used > bytes_ ? std::optional(reason(used)) : std::nullopt;
}

}  // namespace modelyard::runner
