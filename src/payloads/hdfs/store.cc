// SPDX-License-Identifier: Apache-2.0
#include "payloads/hdfs/store.h"

#include <spdlog/spdlog.h>

#include "base/clock.h"
#include "hadoop/webhdfs.h"
#include "payloads/digest.h"
#include "payloads/hdfs/publish.h"

namespace modelyard::payloads {
namespace {

namespace fs = std::filesystem;

class HdfsStore final : public PayloadStore {
 public:
  HdfsStore(std::unique_ptr<PayloadStore> local, HdfsStoreOptions options)
      : local_(std::move(local)), options_(std::move(options)) {}

  Result<std::unique_ptr<PayloadUpload>> begin_upload() override;

  Result<StoredPayload> store_folder(const fs::path& folder) override {
    MY_TRY(StoredPayload stored, local_->store_folder(folder));
    MY_TRY_VOID(publish(stored));
    return stored;
  }

  Result<fs::path> find(std::string_view digest) const override {
    auto here = local_->find(digest);
    if (here || here.error().code() != ErrorCode::kNotFound) return here;
    return fs::path(published_path(options_.staging, digest));
  }

  Result<std::vector<std::string>> collect(const std::set<std::string>& wanted) override {
    hadoop::WebHdfs hdfs(options_.file_system, options_.rest);
    if (const auto gone = collect_published(hdfs, options_.staging, wanted, system_clock().wall()); !gone)
      spdlog::warn("old payloads in HDFS stay: {}", gone.error().message());
    return local_->collect(wanted);
  }

  Status publish(const StoredPayload& stored) const {
    MY_TRY(const fs::path folder, local_->find(stored.digest));
    hadoop::WebHdfs hdfs(options_.file_system, options_.rest);
    auto published = publish_folder(hdfs, folder, stored.digest, options_.staging, {}, options_.limits);
    if (!published) return fail(std::move(published).error().with_context("publishing the payload in HDFS"));
    return {};
  }

 private:
  const std::unique_ptr<PayloadStore> local_;
  const HdfsStoreOptions options_;
};

class Upload final : public PayloadUpload {
 public:
  Upload(std::unique_ptr<PayloadUpload> local, const HdfsStore& store) : local_(std::move(local)), store_(store) {}
  Status append(std::string_view chunk) override { return local_->append(chunk); }
  Result<StoredPayload> finish() override {
    MY_TRY(StoredPayload stored, local_->finish());
    MY_TRY_VOID(store_.publish(stored));
    return stored;
  }

 private:
  const std::unique_ptr<PayloadUpload> local_;
  const HdfsStore& store_;
};

Result<std::unique_ptr<PayloadUpload>> HdfsStore::begin_upload() {
  MY_TRY(std::unique_ptr<PayloadUpload> local, local_->begin_upload());
  return std::make_unique<Upload>(std::move(local), *this);
}

}  // namespace

std::unique_ptr<PayloadStore> make_hdfs_store(std::unique_ptr<PayloadStore> local, HdfsStoreOptions options) {
  return std::make_unique<HdfsStore>(std::move(local), std::move(options));
}

}  // namespace modelyard::payloads
