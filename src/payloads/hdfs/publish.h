// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "hadoop/webhdfs.h"
#include "payloads/limits.h"

// Stored payloads as archives in HDFS, where node managers localize them from: STAGING/payloads/sha256-HEX.tar.gz. The
// name says the content, so one that is there is never sent again. Blocks.
namespace modelyard::payloads {

struct Published {
  std::string path;  // "/user/alice/.modelyard/payloads/sha256-ab….tar.gz"
  std::string uri;   // with hdfs://
  int64_t size = 0;
  int64_t modified_ms = 0;  // both as YARN compares them
};

std::string published_path(std::string_view staging, std::string_view digest);

// What is there now; kNotFound. Blocks.
Result<Published> find_published(hadoop::WebHdfs& hdfs, std::string_view staging, std::string_view digest);

// Packs the folder as a gzipped tar, sends it under another name and renames it: under its own name it is always
// whole. Several publishers at once are harmless. `sent` is told the bytes of the folder packed so far.
Result<Published> publish_folder(hadoop::WebHdfs& hdfs, const std::filesystem::path& folder, std::string_view digest,
                                 std::string_view staging, const hadoop::WebHdfs::Sent& sent = {},
                                 const Limits& limits = {});

// Removes published payloads that nobody wants and what broken sends left, if older than the grace: another
// publisher's deployment may not be stored yet. Returns what went.
Result<std::vector<std::string>> collect_published(hadoop::WebHdfs& hdfs, std::string_view staging,
                                                   const std::set<std::string>& wanted, WallTime now,
                                                   milliseconds grace = milliseconds(3'600'000));

}  // namespace modelyard::payloads
