// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"
#include "hadoop/webhdfs.h"
#include "payloads/limits.h"
#include "payloads/store.h"

namespace modelyard::payloads {

// Reads a folder of HDFS into a new folder of this machine, sub-folders too; files that somebody is still sending
// (NAME._COPYING_) are passed over. Modes: executable where HDFS says so. What goes over the limits is refused before
// it is read. kInvalidArgument: not a folder, a link in it, a name that may not be; kUnavailable also where the folder
// changed while it was read; else WebHdfs's errors. Blocks.
Status fetch_folder(hadoop::WebHdfs& hdfs, const std::string& path, const std::filesystem::path& to,
                    const Limits& limits = {});

// The same into a store, by way of a folder below `spool` that is removed again.
Result<StoredPayload> fetch_payload(hadoop::WebHdfs& hdfs, const std::string& path, PayloadStore& store,
                                    const std::filesystem::path& spool, const Limits& limits = {});

}  // namespace modelyard::payloads
