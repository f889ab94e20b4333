// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "hadoop/webhdfs.h"

// WebHDFS's JSON as values. Pure. kProtocol for what is not in the form of the operation.
namespace modelyard::hadoop {

// Why a status of 300 and above was given; `what` is the path as a person knows it.
Error webhdfs_error(const RestAnswer& answer, const std::string& what);
// Standby, or "try again": another NameNode, or the same one later, will carry it out; this one has not.
bool is_said_later(const RestAnswer& answer);

Result<bool> boolean_of(const RestAnswer& answer);
Result<int64_t> long_of(const RestAnswer& answer);
Result<FileStatus> file_status_of(const RestAnswer& answer);
Result<std::vector<FileStatus>> file_statuses_of(const RestAnswer& answer);
Result<ContentSummary> content_summary_of(const RestAnswer& answer);
Result<std::string> token_of(const RestAnswer& answer);

}  // namespace modelyard::hadoop
