// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "io/descriptor.h"
#include "io/task.h"

namespace modelyard::runner {

// Tells when a file of one name in a folder was made, written or moved in: by inotify(7), and where the user's inotify
// instances are used up, by looking each 20 ms. Confined to its loop.
class FolderWatch {
 public:
  FolderWatch(io::Executor executor, std::filesystem::path folder, std::string name);
  // Returns after the next change of that file, perhaps without one.
  io::Task<void> wait_change();

 private:
  const std::string name_;
  std::optional<io::Descriptor> inotify_;
};

}  // namespace modelyard::runner
