// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "hadoop/configuration.h"
#include "hadoop/webhdfs.h"

namespace modelyard::cli {

// How HDFS and YARN are spoken to, by the cluster's files.
Result<hadoop::RestOptions> rest_options(
    const hadoop::Configuration& configuration,
    const std::function<std::optional<std::string>(const std::string&)>& environment);

struct UploadJob {
  std::filesystem::path from;
  std::string to;  // absolute, in HDFS
  int64_t size = 0;
  unsigned permission = 0644;
};

// Sends files, several at a time, largest first. The first error ends the rest; which files were replaced by then is
// not undone, but none is half. `sent` is called on this thread, about ten times a second, with the bytes of all.
// Blocks.
Status upload_files(const hadoop::WebHdfs& hdfs, std::vector<UploadJob> jobs, const std::function<void(int64_t)>& sent);

}  // namespace modelyard::cli
