// SPDX-License-Identifier: Apache-2.0
#include "payloads/surroundings.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <string_view>

#include "io/file.h"
#include "payloads/tree.h"

namespace modelyard::payloads {
namespace {

namespace fs = std::filesystem;

constexpr Limits kAround{.entries_max = 10'000, .bytes_max = int64_t{256} << 20};

bool is_never_part(std::string_view name, bool is_folder) {
  constexpr std::string_view kFolders[] = {".git",          ".hg",         ".svn", "__pycache__", ".mypy_cache",
                                           ".pytest_cache", ".ruff_cache", ".tox", ".venv",       ".ipynb_checkpoints",
                                           ".idea",         ".vscode"};
  if (!is_folder) return name.ends_with(".pyc") || name.ends_with(".swp");
  return std::find(std::begin(kFolders), std::end(kFolders), name) != std::end(kFolders);
}

LeaveOut leave_out_below(const fs::path& root) {
  return [root](std::string_view path, bool is_folder) {
    const fs::path full = root / path;
    if (is_never_part(full.filename().string(), is_folder)) return true;
    if (is_folder) return ::access((full / "pyvenv.cfg").c_str(), F_OK) == 0;
    struct stat info {};
    if (::lstat(full.c_str(), &info) != 0) return true;
    if (S_ISREG(info.st_mode)) return ::access(full.c_str(), R_OK) != 0;
    if (!S_ISLNK(info.st_mode)) return true;
    std::error_code error;
    const fs::path target = fs::read_symlink(full, error);
    return error || !why_bad_link(path, target.string()).empty();
  };
}

bool is_too_wide(const fs::path& folder) {
  const char* const home = std::getenv("HOME");
  return folder == "/" || folder == "/tmp" || folder == "/root" ||
         (home != nullptr && folder == fs::path(home).lexically_normal());
}

// The folder's content at `below` of `to`.
Status copy_below(const fs::path& folder, const std::vector<Entry>& entries, const fs::path& to) {
  std::error_code error;
  fs::create_directories(to, error);
  if (error) return fail(errno_error(error.value(), "creating folder " + to.string()));
  return copy_tree(folder, entries, to);
}

Status copy_file_alone(const fs::path& root, const std::string& file, const fs::path& to) {
  const fs::path target = to / file;
  std::error_code error;
  fs::create_directories(target.parent_path(), error);
  if (error) return fail(errno_error(error.value(), "creating folder " + target.parent_path().string()));
  if (fs::exists(target, error)) return {};
  const fs::path real = fs::canonical(root / file, error);
  if (error) return fail(errno_error(error.value(), "reading " + (root / file).string()));
  return copy_file(real, target, ::access(real.c_str(), X_OK) == 0);
}

class Packing {
 public:
  Packing(const fs::path& root, const fs::path& to, std::vector<std::string>& notes)
      : root_(root), to_(to), notes_(notes) {}

  Status add(const std::string& named) {
    std::error_code error;
    if (fs::is_directory(root_ / named, error)) return add_folder(named, nullptr);
    const std::string around = fs::path(named).parent_path().string();
    bool too_much = false;
    MY_TRY_VOID(add_folder(around, &too_much));
    if (!too_much) return {};
    const std::string shown = (root_ / around).lexically_normal().string();
    notes_.push_back(fmt::format(
        "only {} is packed, not the files around it: {} is too large or no folder of one model", named, shown));
    return copy_file_alone(root_, named, to_);
  }

 private:
  // Too much is an error for a folder that was named, and told to who can do with less.
  Status add_folder(const std::string& relative, bool* too_much) {
    for (const std::string& done : done_) {
      const bool inside = done.empty() || relative == done || relative.starts_with(done + "/");
      if (inside) return {};
    }
    const fs::path folder = (relative.empty() ? root_ : root_ / relative).lexically_normal();
    if (too_much != nullptr && is_too_wide(folder)) {
      *too_much = true;
      return {};
    }
    Result<std::vector<Entry>> entries = list_tree(folder, kAround, leave_out_below(folder));
    if (!entries && too_much != nullptr) {
      *too_much = true;
      return {};
    }
    if (!entries) return fail(std::move(entries).error());
    // A folder that holds one packed before: that one is there already.
    std::erase_if(*entries, [&](const Entry& entry) {
      std::error_code error;
      return entry.kind != Entry::Kind::kFolder && fs::exists(fs::symlink_status(to_ / relative / entry.path, error));
    });
    MY_TRY_VOID(copy_below(folder, *entries, to_ / relative));
    done_.insert(relative);
    return {};
  }

  const fs::path& root_;
  const fs::path& to_;
  std::vector<std::string>& notes_;
  std::set<std::string> done_;
};

}  // namespace

Status pack_surroundings(const fs::path& root, const std::vector<std::string>& named, const fs::path& to,
                         std::vector<std::string>& notes) {
  Packing packing(root, to, notes);
  for (const std::string& one : named) MY_TRY_VOID(packing.add(fs::path(one).lexically_normal().string()));
  return {};
}

}  // namespace modelyard::payloads
