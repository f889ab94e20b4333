// SPDX-License-Identifier: Apache-2.0
#include "payloads/hdfs/fetcher.h"

#include <fmt/format.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "http/url.h"
#include "io/file.h"
#include "payloads/hdfs/fetch.h"

namespace modelyard::payloads {
namespace {

namespace fs = std::filesystem;

// "file:///models/a%20b" or "file:/models": the path.
std::optional<std::string> local_path_of(std::string_view text) {
  constexpr std::string_view kScheme = "file:";
  if (!text.starts_with(kScheme)) return std::nullopt;
  text.remove_prefix(kScheme.size());
  if (text.starts_with("//")) {
    text.remove_prefix(2);
    text.remove_prefix(std::min(text.find('/'), text.size()));  // a host's name
  }
  return http::percent_decode(text);
}

// What the thread and the waiting coroutine share. The coroutine may be gone when the value comes.
struct Ticket {
  explicit Ticket(io::Loop& l) : loop(l), given(l.executor()) {}
  io::Loop& loop;
  io::Event given;
  std::optional<Result<StoredPayload>> value;
};

}  // namespace

class PayloadFetcher::Impl {
 public:
  Impl(PayloadStore& store, FetcherOptions options)
      : store_(store), options_(std::move(options)), cancelled_(std::make_shared<std::atomic<bool>>(false)) {
    options_.rest.cancelled = cancelled_;
    for (int i = 0; i < std::max(1, options_.threads); ++i) threads_.emplace_back([this] { run(); });
  }

  ~Impl() {
    cancelled_->store(true);
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    for (const Job& job : jobs_) give(job.ticket, fail(ErrorCode::kCancelled, "the program ends"));
  }

  Status put(std::string path, std::shared_ptr<Ticket> ticket) {
    const std::lock_guard lock(mutex_);
    if (jobs_.size() >= options_.waiting_max)
      return fail(ErrorCode::kUnavailable, fmt::format("{} payloads wait to be fetched", jobs_.size()));
    jobs_.push_back({std::move(path), std::move(ticket)});
    wake_.notify_one();
    return {};
  }

 private:
  struct Job {
    std::string path;
    std::shared_ptr<Ticket> ticket;
  };

  static void give(const std::shared_ptr<Ticket>& ticket, Result<StoredPayload> value) {
    auto held = std::make_shared<Result<StoredPayload>>(std::move(value));
    ticket->loop.post([ticket, held] {
      ticket->value.emplace(std::move(*held));
      ticket->given.notify_all();
    });
  }

  void run() {
    for (;;) {
      Job job;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return stopping_ || !jobs_.empty(); });
        if (stopping_) return;
        job = std::move(jobs_.front());
        jobs_.pop_front();
      }
      give(job.ticket, fetch(job.path));
    }
  }

  Result<StoredPayload> fetch(const std::string& path) {
    if (const auto local = local_path_of(path)) return store_.store_folder(*local);
    const bool bare = path.find("://") == std::string::npos;
    if (bare && options_.bare_paths_are_local) return store_.store_folder(path);
    if (!options_.configuration) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("'{}' lies in HDFS, and the controller was started without HADOOP_CONF_DIR", path));
    }
    const hadoop::Configuration& configuration = *options_.configuration;
    // "hdfs:///path" is the default file system's.
    const bool of_default = bare || path.starts_with("hdfs:///");
    MY_TRY(const hadoop::FileSystemAddress address,
           of_default ? configuration.default_file_system() : configuration.file_system(path));
    hadoop::WebHdfs hdfs(address, options_.rest);
    return fetch_payload(hdfs, path, store_, options_.spool, options_.limits);
  }

  PayloadStore& store_;
  FetcherOptions options_;
  std::shared_ptr<std::atomic<bool>> cancelled_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

PayloadFetcher::PayloadFetcher(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PayloadFetcher::~PayloadFetcher() = default;

Result<std::unique_ptr<PayloadFetcher>> PayloadFetcher::make(PayloadStore& store, FetcherOptions options) {
  std::error_code ignored;
  fs::remove_all(options.spool, ignored);
  MY_TRY_VOID(io::make_folder(options.spool));
  return std::unique_ptr<PayloadFetcher>(new PayloadFetcher(std::make_unique<Impl>(store, std::move(options))));
}

io::Task<Result<StoredPayload>> PayloadFetcher::fetch(io::Loop& loop, std::string path) {
  const auto ticket = std::make_shared<Ticket>(loop);
  MY_CO_TRY_VOID(impl_->put(std::move(path), ticket));
  while (!ticket->value) co_await ticket->given.wait();
  co_return std::move(*ticket->value);
}

}  // namespace modelyard::payloads
