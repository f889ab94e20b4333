// SPDX-License-Identifier: Apache-2.0
#include "runner/localize.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <vector>

#include "io/file.h"
#include "payloads/tree.h"

namespace modelyard::runner {
namespace {

namespace fs = std::filesystem;

Status empty_folder(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> found;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    found.push_back(at->path());
  for (const fs::path& path : found) {
    if (!error) fs::remove_all(path, error);
  }
  if (error) return fail(errno_error(error.value(), "emptying " + folder.string()));
  return {};
}

Status make_script_executable(const fs::path& path) {
  if (::chmod(path.c_str(), 0755) == 0) return {};
  return fail(errno_error(errno, "making " + path.filename().string() + " executable"));
}

// Copies a tree whose links are followed, within the bounds of a payload.
class LinkedCopy {
 public:
  LinkedCopy(fs::path from, fs::path to) : from_(std::move(from)), to_(std::move(to)) {}

  Status folder(const fs::path& relative, int64_t depth) {
    if (depth > limits_.depth_max)
      return fail(ErrorCode::kResourceExhausted,
                  fmt::format("folder {} is more than {} folders deep: does a link lead back up?", relative.string(),
                              limits_.depth_max));
    std::error_code error;
    for (fs::directory_iterator at(from_ / relative, error), end; !error && at != end; at.increment(error)) {
      const fs::path path = relative / at->path().filename();
      if (!payloads::is_stale_endpoint(path.string())) MY_TRY_VOID(entry(path, depth));
    }
    if (error) return fail(errno_error(error.value(), "reading folder " + (from_ / relative).string()));
    return {};
  }

 private:
  Status entry(const fs::path& relative, int64_t depth) {
    std::error_code error;
    const fs::path real = fs::canonical(from_ / relative, error);
    struct stat info {};
    if (error || ::stat(real.c_str(), &info) != 0)
      return fail(errno_error(error ? error.value() : errno, "reading " + (from_ / relative).string()));
    if (++entries_ > limits_.entries_max)
      return fail(ErrorCode::kResourceExhausted,
                  fmt::format("{} holds more than {} files", from_.string(), limits_.entries_max));
    if (S_ISDIR(info.st_mode)) {
      MY_TRY_VOID(io::make_folder(to_ / relative, 0755));
      return folder(relative, depth + 1);
    }
    if (!S_ISREG(info.st_mode))
      return fail(ErrorCode::kInvalidArgument, (from_ / relative).string() + " is a device, socket or pipe");
    bytes_ += info.st_size;
    if (bytes_ > limits_.bytes_max)
      return fail(ErrorCode::kResourceExhausted,
                  fmt::format("{} is larger than {} bytes", from_.string(), limits_.bytes_max));
    return payloads::copy_file(real, to_ / relative, (info.st_mode & 0111) != 0);
  }

  const fs::path from_;
  const fs::path to_;
  const payloads::Limits limits_;
  int64_t entries_ = 0;
  int64_t bytes_ = 0;
};

}  // namespace

Status localize_links(const fs::path& payload, const fs::path& work, const std::string& script) {
  MY_TRY_VOID(io::make_folder(work));
  MY_TRY_VOID(empty_folder(work));
  MY_TRY_VOID(LinkedCopy(payload, work).folder({}, 0));
  return make_script_executable(work / script);
}

Status localize(const fs::path& payload, const fs::path& work, const std::string& script) {
  MY_TRY_VOID(io::make_folder(work));
  MY_TRY_VOID(empty_folder(work));
  MY_TRY(const std::vector<payloads::Entry> entries, payloads::list_tree(payload));
  MY_TRY_VOID(payloads::copy_tree(payload, entries, work));
  return make_script_executable(work / script);
}

}  // namespace modelyard::runner
