// SPDX-License-Identifier: Apache-2.0
#include "payloads/hdfs/fetch.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <tuple>
#include <vector>

#include "base/random.h"
#include "io/file.h"
#include "payloads/tree.h"

namespace modelyard::payloads {
namespace {

namespace fs = std::filesystem;
using hadoop::FileStatus;

struct RemoteFile {
  std::string path;  // below the folder
  bool folder = false;
  bool executable = false;
  int64_t size = 0;
  int64_t modified_ms = 0;
  bool operator==(const RemoteFile&) const = default;
};

// Everything below a folder of HDFS, parents before children.
class Walk {
 public:
  Walk(hadoop::WebHdfs& hdfs, std::string root, const Limits& limits)
      : hdfs_(hdfs), root_(std::move(root)), limits_(limits) {}

  Result<std::vector<RemoteFile>> run() {
    std::vector<std::string> open{""};
    while (!open.empty()) {
      const std::string folder = std::move(open.back());
      open.pop_back();
      MY_TRY(const std::vector<FileStatus> listed, hdfs_.list(hadoop::join_path(root_, folder)));
      for (const FileStatus& one : listed) {
        if (one.name.ends_with(hadoop::kCopyingSuffix)) continue;
        MY_TRY_VOID(add(folder, one));
        if (one.kind == FileStatus::Kind::kFolder) open.push_back(found_.back().path);
      }
    }
    return std::move(found_);
  }

 private:
  Status add(const std::string& folder, const FileStatus& one) {
    RemoteFile file;
    file.path = folder.empty() ? one.name : folder + "/" + one.name;
    const auto refuse = [&](ErrorCode code, const std::string& why) {
      return fail(code, fmt::format("{}: {}", hdfs_.uri(hadoop::join_path(root_, file.path)), why));
    };
    if (one.name.empty()) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} is a file: a request names the folder that holds the model", hdfs_.uri(root_)));
    }
    if (one.kind == FileStatus::Kind::kLink) return refuse(ErrorCode::kInvalidArgument, "is a link");
    if (const std::string why = why_bad_path(file.path, limits_); !why.empty())
      return refuse(ErrorCode::kInvalidArgument, why);
    file.folder = one.kind == FileStatus::Kind::kFolder;
    file.executable = !file.folder && (one.permission & 0111) != 0;
    file.size = file.folder ? 0 : one.size;
    file.modified_ms = file.folder ? 0 : one.modified_ms;
    bytes_ += file.size;
    if (bytes_ > limits_.bytes_max)
      return refuse(ErrorCode::kResourceExhausted, fmt::format("the model is over {} bytes", limits_.bytes_max));
    if (found_.size() >= static_cast<size_t>(limits_.entries_max))
      return refuse(ErrorCode::kResourceExhausted, fmt::format("the model has over {} files", limits_.entries_max));
    found_.push_back(std::move(file));
    return {};
  }

  hadoop::WebHdfs& hdfs_;
  const std::string root_;
  const Limits& limits_;
  std::vector<RemoteFile> found_;
  int64_t bytes_ = 0;
};

}  // namespace

Status fetch_folder(hadoop::WebHdfs& hdfs, const std::string& path, const fs::path& to, const Limits& limits) {
  MY_TRY(const std::string root, hdfs.absolute(path));
  MY_TRY(const std::vector<RemoteFile> files, Walk(hdfs, root, limits).run());
  for (const RemoteFile& file : files) {
    const fs::path target = to / file.path;
    if (file.folder) {
      MY_TRY_VOID(io::make_folder(target, 0755));
      continue;
    }
    if (is_stale_endpoint(file.path)) continue;
    MY_TRY_VOID(hdfs.fetch(hadoop::join_path(root, file.path), target));
    std::error_code error;
    const auto size = fs::file_size(target, error);
    if (error || static_cast<int64_t>(size) != file.size)
      return fail(ErrorCode::kUnavailable, fmt::format("{} changes while it is read", hdfs.uri(root)));
    if (::chmod(target.c_str(), file.executable ? 0755 : 0644) != 0) return fail(errno_error(errno, target.string()));
  }
  // A folder that somebody is just replacing is not the model that anybody meant.
  MY_TRY(const std::vector<RemoteFile> again, Walk(hdfs, root, limits).run());
  if (again != files) return fail(ErrorCode::kUnavailable, fmt::format("{} changes while it is read", hdfs.uri(root)));
  return {};
}

Result<StoredPayload> fetch_payload(hadoop::WebHdfs& hdfs, const std::string& path, PayloadStore& store,
                                    const fs::path& spool, const Limits& limits) {
  const fs::path folder = spool / ("fetch-" + random_hex(8));
  MY_TRY_VOID(io::make_folder(folder));
  const struct Remove {
    const fs::path& path;
    ~Remove() {
      std::error_code ignored;
      fs::remove_all(path, ignored);
    }
  } remove{folder};
  MY_TRY_VOID(fetch_folder(hdfs, path, folder, limits));
  return store.store_folder(folder);
}

}  // namespace modelyard::payloads
