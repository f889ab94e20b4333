// SPDX-License-Identifier: Apache-2.0
#include "cli/hdfs_upload.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

namespace modelyard::cli {
namespace {

constexpr size_t kThreads = 4;

class Uploads {
 public:
  Uploads(const hadoop::WebHdfs& hdfs, std::vector<UploadJob> jobs)
      : address_(hdfs.address()), options_(hdfs.options()), jobs_(std::move(jobs)) {
    std::ranges::sort(jobs_, std::greater{}, &UploadJob::size);
    options_.cancelled = cancelled_;
  }

  Status run(const std::function<void(int64_t)>& sent) {
    std::vector<std::thread> threads;
    const size_t count = std::min(kThreads, jobs_.size());
    running_ = count;
    for (size_t i = 0; i < count; ++i) threads.emplace_back([this] { work(); });
    {
      std::unique_lock lock(mutex_);
      while (!ended_.wait_for(lock, milliseconds(100), [&] { return running_ == 0; })) {
        lock.unlock();
        if (sent) sent(bytes_.load(std::memory_order_relaxed));
        lock.lock();
      }
    }
    for (std::thread& thread : threads) thread.join();
    if (error_) return fail(std::move(*error_));
    return {};
  }

 private:
  void work() {
    hadoop::WebHdfs hdfs(address_, options_);
    for (size_t at; !cancelled_->load() && (at = next_.fetch_add(1)) < jobs_.size();) {
      const UploadJob& job = jobs_[at];
      int64_t told = 0;
      const Status done = hdfs.put(
          job.from, job.to,
          [&](int64_t bytes) {
            bytes_.fetch_add(bytes - told, std::memory_order_relaxed);
            told = bytes;
          },
          job.permission);
      if (!done) fail_with(done.error());
    }
    const std::lock_guard lock(mutex_);
    if (--running_ == 0) ended_.notify_all();
  }

  void fail_with(const Error& error) {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = error;
    cancelled_->store(true);
  }

  const hadoop::FileSystemAddress address_;
  hadoop::RestOptions options_;
  std::vector<UploadJob> jobs_;
  std::shared_ptr<std::atomic<bool>> cancelled_ = std::make_shared<std::atomic<bool>>(false);
  std::atomic<size_t> next_ = 0;
  std::atomic<int64_t> bytes_ = 0;
  std::mutex mutex_;
  std::condition_variable ended_;
  size_t running_ = 0;
  std::optional<Error> error_;
};

}  // namespace

Result<hadoop::RestOptions> rest_options(
    const hadoop::Configuration& configuration,
    const std::function<std::optional<std::string>(const std::string&)>& environment) {
  hadoop::RestOptions options;
  options.user = configuration.user();
  MY_TRY(options.kerberos, configuration.is_kerberos());
  options.ca_file = environment("SSL_CERT_FILE").value_or("");
  return options;
}

Status upload_files(const hadoop::WebHdfs& hdfs, std::vector<UploadJob> jobs,
                    const std::function<void(int64_t)>& sent) {
  return Uploads(hdfs, std::move(jobs)).run(sent);
}

}  // namespace modelyard::cli
