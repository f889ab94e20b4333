// SPDX-License-Identifier: Apache-2.0
#include "payloads/hdfs/publish.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/random.h"
#include "payloads/digest.h"
#include "payloads/gzip.h"
#include "payloads/tar.h"

namespace modelyard::payloads {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".tar.gz";

std::string folder_of(std::string_view staging) { return hadoop::join_path(staging, "payloads"); }

Result<Published> published_at(hadoop::WebHdfs& hdfs, const std::string& path) {
  MY_TRY(const std::string where, hdfs.absolute(path));
  MY_TRY(const hadoop::FileStatus status, hdfs.status(where));
  return Published{where, hdfs.uri(where), status.size, status.modified_ms};
}

// Chunks of any size as what a reader asks for.
class Rechunk {
 public:
  explicit Rechunk(ByteSource source) : source_(std::move(source)) {}
  Result<size_t> operator()(char* buffer, size_t size) {
    if (left_.empty()) {
      MY_TRY(left_, source_());
    }
    const size_t count = std::min(size, left_.size());
    std::copy_n(left_.data(), count, buffer);
    left_.remove_prefix(count);
    return count;
  }

 private:
  ByteSource source_;
  std::string_view left_;
};

Status send(hadoop::WebHdfs& hdfs, const fs::path& folder, const std::string& to, const hadoop::WebHdfs::Sent& sent,
            const Limits& limits) {
  MY_TRY(TarReader tar, TarReader::open(folder, limits));
  int64_t packed = 0;
  GzipReader gzip([&]() -> Result<std::string_view> {
    MY_TRY(const std::string_view piece, tar.next());
    packed += static_cast<int64_t>(piece.size());
    if (sent) sent(packed);
    return piece;
  });
  Rechunk reader([&] { return gzip.next(); });
  return hdfs.create(to, std::ref(reader), {.overwrite = false, .permission = 0600});
}

}  // namespace

std::string published_path(std::string_view staging, std::string_view digest) {
  std::string name(digest);
  std::replace(name.begin(), name.end(), ':', '-');
  return hadoop::join_path(folder_of(staging), name.append(kSuffix));
}

Result<Published> find_published(hadoop::WebHdfs& hdfs, std::string_view staging, std::string_view digest) {
  return published_at(hdfs, published_path(staging, digest));
}

Result<Published> publish_folder(hadoop::WebHdfs& hdfs, const fs::path& folder, std::string_view digest,
                                 std::string_view staging, const hadoop::WebHdfs::Sent& sent, const Limits& limits) {
  if (!is_digest(digest)) return fail(ErrorCode::kInvalidArgument, fmt::format("'{}' is no digest", digest));
  const std::string path = published_path(staging, digest);
  if (auto there = published_at(hdfs, path); there || there.error().code() != ErrorCode::kNotFound) return there;
  MY_TRY_VOID(hdfs.make_folder(folder_of(staging), 0700));
  const std::string copying = fmt::format("{}.{}{}", path, random_hex(4), hadoop::kCopyingSuffix);
  Status done = send(hdfs, folder, copying, sent, limits);
  if (done) done = hdfs.rename(copying, path);
  if (!done) {
    static_cast<void>(hdfs.remove(copying, false));
    // Somebody else may have been quicker, or the answer to the renaming was lost.
    const ErrorCode code = done.error().code();
    if (code == ErrorCode::kConflict || code == ErrorCode::kAlreadyExists || code == ErrorCode::kDeadline) {
      if (auto there = published_at(hdfs, path)) return there;
    }
    return fail(std::move(done).error().with_context("publishing the payload"));
  }
  return published_at(hdfs, path);
}

Result<std::vector<std::string>> collect_published(hadoop::WebHdfs& hdfs, std::string_view staging,
                                                   const std::set<std::string>& wanted, WallTime now,
                                                   milliseconds grace) {
  std::vector<std::string> removed;
  auto listed = hdfs.list(folder_of(staging));
  if (!listed && listed.error().code() == ErrorCode::kNotFound) return removed;
  if (!listed) return fail(std::move(listed).error());
  const int64_t before = to_epoch_ms(now) - grace.count();
  for (const hadoop::FileStatus& file : *listed) {
    if (file.kind != hadoop::FileStatus::Kind::kFile || file.modified_ms > before) continue;
    std::string digest;
    if (file.name.ends_with(kSuffix)) {
      digest = file.name.substr(0, file.name.size() - kSuffix.size());
      if (digest.starts_with("sha256-")) digest[6] = ':';
      // What is not ours by its name is left alone.
      if (!is_digest(digest) || wanted.contains(digest)) continue;
    } else if (!file.name.ends_with(hadoop::kCopyingSuffix)) {
      continue;
    }
    MY_TRY(const bool gone, hdfs.remove(hadoop::join_path(folder_of(staging), file.name), false));
    if (gone) removed.push_back(file.name);
  }
  return removed;
}

}  // namespace modelyard::payloads
