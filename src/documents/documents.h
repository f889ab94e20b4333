// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "documents/batch.h"
#include "documents/query.h"

// The stored events of one machine: SQLite files with full-text search, one for each day of arrival (UTC), so that old
// days go by deleting files. The query language is that of documents/query.h.
namespace modelyard::documents {

// How much is kept: whole days are deleted, never the present one.
struct Retention {
  std::optional<int64_t> days;   // "7d": the present day and the six before it
  std::optional<int64_t> bytes;  // "10GiB": oldest days go while all files together are larger
};
// "7d", "12h" (rounded up to days), "500MiB", "10GiB", "1TB"; kInvalidArgument tells the forms.
Result<Retention> retention_from(std::string_view text);

struct Options {
  std::filesystem::path folder;  // DATA/documents; made when absent (0700)
  Retention retention;
  size_t queued_bytes_max =
      size_t{64} << 20;               // batches waiting for the writer; beyond that store() answers kUnavailable
  size_t queued_reads_max = 64;       // reads waiting for a reader; beyond that kUnavailable
  int readers = 2;                    // threads
  milliseconds read_time_max{2'000};  // a search or count that needs longer returns what it has, incomplete
};

struct Stored {
  int64_t stored = 0;
  int64_t already = 0;  // were there before: nothing changed
};

struct Offset {
  int64_t offset = 0;
  std::string position;
};

struct Query {
  std::string text;           // documents/query.h; empty = all
  std::string sensor;         // source:type; empty = all
  std::optional<bool> alert;  // is_alert true, or not
  int64_t limit = 100;        // 1..10,000
  std::string before;         // Page::next of the page before; empty = from the newest
};

struct Page {
  std::vector<std::string> documents;  // flat JSON objects, newest arrival first
  std::string next;                    // for Query::before; empty = no more
  bool complete = true;                // false: time ran out; `next` goes on where it stopped
};

struct Facets {
  int64_t total = 0;
  std::map<std::string, int64_t> sensors;  // by source:type
  int64_t alerts = 0;
  int64_t others = 0;
  bool complete = true;  // false: time ran out, the numbers are of the newest documents
};

// What subscribers get once a batch is stored: its new documents. Shared and immutable.
struct News {
  struct Item {
    std::string json;
    std::string sensor;  // source:type
    bool alert = false;
  };
  std::vector<Item> documents;  // oldest first
};

// Whether a document that has just been stored answers a query: for live views. Words and fields as in a search.
// Thread-safe.
class Matcher {
 public:
  explicit Matcher(std::vector<Term> terms, const Query& query)
      : terms_(std::move(terms)), sensor_(query.sensor), alert_(query.alert) {}
  bool matches(const News::Item& item) const;

 private:
  std::vector<Term> terms_;
  std::string sensor_;
  std::optional<bool> alert_;
};

// Thread-safe. Owns its threads: one writer, some readers that a writing batch never holds up. Callbacks run on those
// threads, so they only post to where they are wanted. The destructor finishes the batches that were accepted and drops
// waiting reads (kCancelled).
class Store {
 public:
  // kPermissionDenied, kResourceExhausted; kUnsupported for files of a newer format; kDataLoss for a damaged one;
  // kConflict when another process has the folder open. The clock must outlive the store.
  static Result<std::unique_ptr<Store>> open(Options options, const Clock& clock);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Documents and offset in one transaction, durable when `done` is called. An id that is there already, and every
  // document of a batch whose offset is not greater than the stored one, counts as `already`. Errors, nothing having
  // been stored:
  //   kConflict           `after` is not the stored offset: another writer took the source over, or a batch in between
  //   is missing kInvalidArgument    a document that is no object, a bad id kUnavailable        too much is queued:
  //   again later kResourceExhausted  the disk is full: again later
  void store(Batch batch, std::function<void(Result<Stored>)> done);
  Result<Stored> store_and_wait(Batch batch);  // blocks

  // From memory, never waits for a writing batch. Nothing when the source was never stored.
  std::optional<Offset> offset(std::string_view sensor, std::string_view source) const;

  // kInvalidArgument for a query that cannot be read (query.h), a bad limit or `before`.
  void search(Query query, std::function<void(Result<Page>)> done);
  Result<Page> search_and_wait(Query query);
  // limit and before are ignored.
  void facets(Query query, std::function<void(Result<Facets>)> done);
  Result<Facets> facets_and_wait(Query query);

  // Called on the writer's thread after each batch with new documents. The token ends the subscription when destroyed;
  // it must not outlive the store, and once its destructor returned the callback is not running and will not run.
  class Subscription;
  using OnNews = std::function<void(std::shared_ptr<const News>)>;
  std::unique_ptr<Subscription> subscribe(OnNews on_news);

  // kInvalidArgument as search(). Which names are fields is decided now.
  Result<Matcher> matcher(const Query& query) const;

  // Deletes what retention says. Also done at open and when a day begins. Returns the names of the deleted days.
  Result<std::vector<std::string>> sweep();

  struct Statistics {
    int64_t documents = 0;  // in all days
    int64_t bytes = 0;      // of all files
    int days = 0;
    int64_t stored = 0;  // since open
    int64_t already = 0;
  };
  Statistics statistics() const;

 private:
  class Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Ends a subscription.
class Store::Subscription {
 public:
  explicit Subscription(std::function<void()> end) : end_(std::move(end)) {}
  ~Subscription() { end_(); }
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

 private:
  std::function<void()> end_;
};

}  // namespace modelyard::documents
