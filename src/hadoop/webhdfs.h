// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "hadoop/configuration.h"
#include "hadoop/rest.h"

namespace modelyard::hadoop {

struct FileStatus {
  enum class Kind { kFile, kFolder, kLink };
  std::string name;  // of a listing: the last part of the path; "" of the path itself
  Kind kind = Kind::kFile;
  int64_t size = 0;
  int64_t modified_ms = 0;  // with the size it is what YARN compares when it localizes
  unsigned permission = 0;
  std::string owner;
  std::string group;
};

struct ContentSummary {
  int64_t bytes = 0;
  int64_t files = 0;
  int64_t folders = 0;
  int64_t quota = -1;        // names; -1 = none
  int64_t space_quota = -1;  // bytes with replicas
  int64_t space_used = 0;
};

// HDFS by its REST interface. Paths are absolute, or relative to the user's home folder (/user/NAME); "hdfs://…/path"
// too. Streams go between this process and a DataNode; a path that the NameNode accepts may still meet a DataNode that
// cannot be reached, and the error then names it.
//
// Highly available: the NameNode that answered last is asked first; one that is away, in standby or says "later" is
// passed over until RestOptions::failover_time is over. Calls that change something are repeated only when they
// certainly were not carried out.
//
// Blocks; one thread at a time (several threads: one object each). Errors: kNotFound, kPermissionDenied,
// kAlreadyExists, kInvalidArgument, kUnavailable (away, safe mode, standby), kResourceExhausted (quota, disk),
// kUnauthenticated, kDeadline (not known), kCancelled, kProtocol.
class WebHdfs {
 public:
  WebHdfs(FileSystemAddress address, RestOptions options);

  const FileSystemAddress& address() const { return address_; }
  const RestOptions& options() const { return connection_.options(); }
  // "/user/alice/models" of "models", "/a" of "hdfs://nn1:8020/a". kInvalidArgument: empty, "..", NUL, another file
  // system.
  Result<std::string> absolute(std::string_view path) const;
  // For messages and for YARN: "hdfs://nn1:8020/user/alice/models".
  std::string uri(std::string_view absolute_path) const { return address_.uri() + std::string(absolute_path); }

  // With its parents; there already is done.
  Status make_folder(const std::string& path, unsigned permission = 0755);
  Result<FileStatus> status(const std::string& path);
  // Of a file: itself alone, with an empty name.
  Result<std::vector<FileStatus>> list(const std::string& path);
  Result<ContentSummary> summary(const std::string& path);

  Status read(const std::string& path, const ByteWriter& writer);
  Result<std::string> read_text(const std::string& path, size_t size_max);
  // Into a new local file, whole or not at all.
  Status fetch(const std::string& path, const std::filesystem::path& to);

  struct CreateOptions {
    bool overwrite = false;
    unsigned permission = 0644;
    int64_t size = -1;    // of what is sent, where known
    int replication = 0;  // 0 = the cluster's
  };
  // The file is closed and durable when this returns. After an error a part of it may be there.
  Status create(const std::string& path, const ByteReader& reader, const CreateOptions& options);
  Status create_text(const std::string& path, std::string_view text, CreateOptions options);
  // Sends a local file under the name PATH._COPYING_ and renames it onto the path, so that the path is never half a
  // file; one that is there is replaced. A send that broke off is tried once more. `sent` is told the bytes so far.
  using Sent = std::function<void(int64_t bytes)>;
  Status put(const std::filesystem::path& from, const std::string& path, const Sent& sent = {},
             unsigned permission = 0644);

  // kConflict when HDFS answers "no" without a reason. overwrite: a file at `to` is replaced in one step.
  Status rename(const std::string& from, const std::string& to, bool overwrite = false);
  // False: it was not there.
  Result<bool> remove(const std::string& path, bool recursive);
  Status set_permission(const std::string& path, unsigned permission);

  // Of kind HDFS_DELEGATION_TOKEN with the service that hdfs:// clients look for; as a urlString. kUnsupported on a
  // cluster without Kerberos, which gives none. `service`: "127.0.0.1:8020"; unused where highly available.
  Result<std::string> get_delegation_token(const std::string& renewer, const std::string& service);
  // The new time of expiry, ms since 1970.
  Result<int64_t> renew_delegation_token(const std::string& token);
  Status cancel_delegation_token(const std::string& token);

 private:
  using Query = std::vector<std::pair<std::string, std::string>>;
  Result<RestAnswer> call(const std::string& method, const std::string& path, Query query);
  Result<RestAnswer> call_once(const std::string& method, const std::string& path, const Query& query, bool& elsewhere);
  Result<RestAnswer> stream(RestRequest request, const std::string& path);
  Error refused(const RestAnswer& answer, const std::string& path) const;
  Result<std::string> location_of(const RestAnswer& answer, const std::string& path) const;
  std::string url_of(const FileSystemAddress::NameNode& node, const std::string& path, const Query& query) const;

  FileSystemAddress address_;
  RestConnection connection_;
  size_t active_ = 0;
};

// One part of a path below `folder`.
std::string join_path(std::string_view folder, std::string_view name);

// The suffix of files that are being sent; readers of a folder pass them over, as Hadoop's own tools write it.
inline constexpr std::string_view kCopyingSuffix = "._COPYING_";

}  // namespace modelyard::hadoop
