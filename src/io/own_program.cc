// SPDX-License-Identifier: Apache-2.0
#include "io/own_program.h"

#include <sys/prctl.h>

#include <cstdlib>

namespace modelyard::io {
namespace {

namespace fs = std::filesystem;

fs::path executed() {
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error);
}

// The starter tells its path by the environment; a program that merely inherited the variable is not run by a loader.
bool by_loader(const fs::path& file) { return file.empty() || file.filename().string().starts_with("ld-"); }

const char* starter() {
  const char* const path = std::getenv("MODELYARD_SELF");
  return path && *path == '/' ? path : nullptr;
}

}  // namespace

fs::path own_program() {
  const fs::path file = executed();
  const char* const path = starter();
  return by_loader(file) && path ? fs::path(path) : file;
}

void take_own_name() {
  if (!by_loader(executed()) || !starter()) return;
  ::prctl(PR_SET_NAME, fs::path(starter()).filename().c_str());
}

}  // namespace modelyard::io
