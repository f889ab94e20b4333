// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <future>
#include <map>

#include "documents/documents.h"
#include "documents/job_threads.h"
#include "documents/searcher.h"
#include "documents/writer.h"
#include "io/file.h"

namespace modelyard::documents {
namespace {

size_t weight_of(const Batch& batch) {
  size_t weight = 256;
  for (const Document& document : batch.documents) weight += document.json.size() + document.id.size() + 64;
  return weight;
}

template <typename T, typename Start>
Result<T> wait_for(Start start) {
  // Shared: the callback's last touch may come after the waiter has its value.
  const auto promise = std::make_shared<std::promise<Result<T>>>();
  auto future = promise->get_future();
  start([promise](Result<T> result) { promise->set_value(std::move(result)); });
  return future.get();
}

}  // namespace

class Store::Impl {
 public:
  Impl(Options options, const Clock& clock, io::UniqueFd lock)
      : options_(std::move(options)), clock_(clock), lock_(std::move(lock)) {}

  Status start() {
    MY_TRY(writer_, Writer::open(options_, clock_, shared_));
    for (int i = 0; i < std::max(1, options_.readers); ++i) {
      searchers_.push_back(std::make_unique<Searcher>(options_, clock_, shared_));
    }
    writing_ = std::make_unique<JobThreads>(1, options_.queued_bytes_max);
    reading_ = std::make_unique<JobThreads>(static_cast<int>(searchers_.size()), options_.queued_reads_max);
    return {};
  }

  ~Impl() {
    if (reading_) reading_->stop();
    if (writing_) writing_->stop();
  }

  void store(Batch batch, std::function<void(Result<Stored>)> done) {
    const size_t weight = weight_of(batch);
    // The queue copies jobs as std::function does; the batch is shared instead.
    auto shared_batch = std::make_shared<Batch>(std::move(batch));
    const bool taken = writing_->put(weight, [this, shared_batch, done](int, bool) {
      const bool told = has_subscribers_.load(std::memory_order_relaxed);
      auto news = told ? std::make_shared<News>() : nullptr;
      auto result = writer_->write(*shared_batch, news.get());
      const bool is_news = result.has_value() && news && !news->documents.empty();
      done(std::move(result));
      if (is_news) tell(news);
    });
    if (!taken) done(fail(ErrorCode::kUnavailable, "the store has too many documents waiting: send them again later"));
  }

  template <typename T>
  void read(std::function<Result<T>(Searcher&)> ask, std::function<void(Result<T>)> done) {
    const bool taken = reading_->put(1, [this, ask = std::move(ask), done](int thread, bool stopping) {
      if (stopping) return done(fail(ErrorCode::kCancelled, "the store is closing"));
      done(ask(*searchers_[static_cast<size_t>(thread)]));
    });
    if (!taken) done(fail(ErrorCode::kUnavailable, "too many searches are waiting: try again later"));
  }

  Result<std::vector<std::string>> sweep() {
    return wait_for<std::vector<std::string>>([this](auto done) {
      if (!writing_->put(1, [this, done](int, bool) { done(writer_->sweep()); })) {
        done(fail(ErrorCode::kUnavailable, "the store has too many documents waiting"));
      }
    });
  }

  std::unique_ptr<Subscription> subscribe(OnNews on_news) {
    const std::lock_guard lock(subscribers_mutex_);
    const int64_t id = ++subscriber_last_;
    subscribers_.emplace(id, std::move(on_news));
    has_subscribers_ = true;
    return std::make_unique<Subscription>([this, id] {
      // The lock is held while callbacks run: once it is ours, this one does not run any more.
      const std::lock_guard ending(subscribers_mutex_);
      subscribers_.erase(id);
      has_subscribers_ = !subscribers_.empty();
    });
  }

  Options options_;
  const Clock& clock_;
  io::UniqueFd lock_;
  Shared shared_;

 private:
  void tell(const std::shared_ptr<const News>& news) {
    const std::lock_guard lock(subscribers_mutex_);
    for (const auto& [id, on_news] : subscribers_) on_news(news);
  }

  std::unique_ptr<Writer> writer_;
  std::vector<std::unique_ptr<Searcher>> searchers_;
  std::mutex subscribers_mutex_;
  std::map<int64_t, OnNews> subscribers_;
  int64_t subscriber_last_ = 0;
  std::atomic<bool> has_subscribers_{false};
  // Last, so that they end first.
  std::unique_ptr<JobThreads> writing_;
  std::unique_ptr<JobThreads> reading_;
};

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(Options options, const Clock& clock) {
  MY_TRY_VOID(io::make_folder(options.folder));
  auto lock = io::lock_file(options.folder / "lock");
  if (!lock && lock.error().code() == ErrorCode::kConflict) {
    return fail(ErrorCode::kConflict, "the documents in '" + options.folder.string() +
                                          "' are open in another process: stop it, or use another folder");
  }
  if (!lock) return fail(std::move(lock).error());
  auto impl = std::make_unique<Impl>(std::move(options), clock, std::move(*lock));
  MY_TRY_VOID(impl->start());
  return std::unique_ptr<Store>(new Store(std::move(impl)));
}

void Store::store(Batch batch, std::function<void(Result<Stored>)> done) {
  impl_->store(std::move(batch), std::move(done));
}

Result<Stored> Store::store_and_wait(Batch batch) {
  return wait_for<Stored>([&](auto done) { impl_->store(std::move(batch), done); });
}

std::optional<Offset> Store::offset(std::string_view sensor, std::string_view source) const {
  const std::shared_lock lock(impl_->shared_.mutex);
  const auto found = impl_->shared_.offsets.find(SourceKey(sensor, source));
  if (found == impl_->shared_.offsets.end()) return std::nullopt;
  return found->second.offset;
}

void Store::search(Query query, std::function<void(Result<Page>)> done) {
  impl_->read<Page>([query = std::move(query)](Searcher& searcher) { return searcher.search(query); }, std::move(done));
}

Result<Page> Store::search_and_wait(Query query) {
  return wait_for<Page>([&](auto done) { search(std::move(query), done); });
}

void Store::facets(Query query, std::function<void(Result<Facets>)> done) {
  impl_->read<Facets>([query = std::move(query)](Searcher& searcher) { return searcher.facets(query); },
                      std::move(done));
}

Result<Facets> Store::facets_and_wait(Query query) {
  return wait_for<Facets>([&](auto done) { facets(std::move(query), done); });
}

std::unique_ptr<Store::Subscription> Store::subscribe(OnNews on_news) { return impl_->subscribe(std::move(on_news)); }

Result<Matcher> Store::matcher(const Query& query) const {
  const std::shared_lock lock(impl_->shared_.mutex);
  MY_TRY(auto terms, parse_query(query.text, [this](std::string_view name) { return impl_->shared_.is_field(name); }));
  return Matcher(std::move(terms), query);
}

Result<std::vector<std::string>> Store::sweep() { return impl_->sweep(); }

Store::Statistics Store::statistics() const {
  Statistics statistics;
  std::vector<std::string> days;
  {
    const std::shared_lock lock(impl_->shared_.mutex);
    statistics = impl_->shared_.statistics;
    days = impl_->shared_.days;
  }
  statistics.days = static_cast<int>(days.size());
  for (const std::string& day : days) statistics.bytes += day_bytes(impl_->options_.folder, day);
  return statistics;
}

}  // namespace modelyard::documents
