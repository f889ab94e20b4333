// SPDX-License-Identifier: Apache-2.0
#include "runner/localize.h"

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

}  // namespace

Status localize(const fs::path& payload, const fs::path& work, const std::string& script) {
  MY_TRY_VOID(io::make_folder(work));
  MY_TRY_VOID(empty_folder(work));
  MY_TRY(const std::vector<payloads::Entry> entries, payloads::list_tree(payload));
  MY_TRY_VOID(payloads::copy_tree(payload, entries, work));
  if (::chmod((work / script).c_str(), 0755) != 0) return fail(errno_error(errno, "making " + script + " executable"));
  return {};
}

}  // namespace modelyard::runner
