// bench: DEPS documents
// SPDX-License-Identifier: Apache-2.0
// Documents of a squid log into the store, and searches in what was stored. The rival is the same documents put into
// one plain SQLite table with the stock FTS5 tokenizer: what one would write first.
#include <benchmark/benchmark.h>
#include <sqlite3.h>

#include <string>
#include <vector>

#include "base/random.h"
#include "documents/documents.h"
#include "io/file.h"

namespace {

using namespace modelyard;

constexpr int kInBatch = 1000;

std::string squid_document(Random& random, int64_t n) {
  const auto number = [&](uint64_t bound) { return std::to_string(random.below(bound)); };
  const std::string domain = "example" + number(50'000) + ".com";
  const std::string host = "host" + number(1000) + "." + domain;
  const std::string url = "http://" + host + "/path/" + number(1000) + "/page.html?q=" + number(100'000);
  const std::string ip = "10." + number(256) + "." + number(256) + "." + number(256);
  const std::string peer = "199." + number(256) + "." + number(256) + "." + number(256);
  const std::string time = std::to_string(1461576382642 + n);
  return R"({"timestamp":)" + time + R"(,"elapsed":)" + number(1000) + R"(,"ip_src_addr":")" + ip +
         R"(","action":"TCP_MISS","code":200,"bytes":)" + number(100'000) + R"(,"method":"GET","url":")" + url +
         R"(","ip_dst_addr":")" + peer + R"(","original_string":")" + time + " 12 " + ip + " TCP_MISS/200 4103 GET " +
         url + " - DIRECT/" + peer + R"( text/html","source:type":"squid","full_hostname":")" + host +
         R"(","domain_without_subdomains":")" + domain + R"(","is_malicious":"legit","guid":"3f2a9c7e-)" +
         number(10'000) + "-4" + number(1000) + "-" + number(100'000'000) + R"("})";
}

std::vector<documents::Document> make_documents(int64_t first, int count) {
  Random random(static_cast<uint64_t>(first) + 1);
  std::vector<documents::Document> made;
  for (int i = 0; i < count; ++i)
    made.push_back({"squid-0011223344-" + std::to_string((first + i) * 170), squid_document(random, first + i)});
  return made;
}

void BM_Store(benchmark::State& state) {
  auto folder = io::TemporaryFolder::make("documents-bench");
  documents::Options options;
  options.folder = folder->path() / "documents";
  auto store = documents::Store::open(options, system_clock());
  int64_t n = 0;
  for (auto _ : state) {
    state.PauseTiming();
    documents::Batch batch;
    batch.sensor = "squid";
    batch.source = "file:/log";
    batch.after = n;
    batch.offset = n + kInBatch;
    batch.documents = make_documents(n, kInBatch);
    n += kInBatch;
    state.ResumeTiming();
    if (!(*store)->store_and_wait(std::move(batch))) abort();
  }
  state.SetItemsProcessed(n);
  state.counters["bytes/doc"] = static_cast<double>((*store)->statistics().bytes) / static_cast<double>(n);
}
BENCHMARK(BM_Store)->Iterations(200)->Unit(benchmark::kMillisecond)->UseRealTime();

void BM_PlainFts5(benchmark::State& state) {
  auto folder = io::TemporaryFolder::make("documents-bench");
  sqlite3* handle = nullptr;
  sqlite3_open((folder->path() / "plain.db").c_str(), &handle);
  const auto run = [&](const char* sql) { sqlite3_exec(handle, sql, nullptr, nullptr, nullptr); };
  run("PRAGMA journal_mode=WAL");
  run("CREATE TABLE docs(id TEXT PRIMARY KEY, json TEXT)");
  run("CREATE VIRTUAL TABLE words USING fts5(json, content='docs')");
  sqlite3_stmt* insert = nullptr;
  sqlite3_stmt* index = nullptr;
  sqlite3_prepare_v2(handle, "INSERT INTO docs VALUES(?,?)", -1, &insert, nullptr);
  sqlite3_prepare_v2(handle, "INSERT INTO words(rowid,json) VALUES(?,?)", -1, &index, nullptr);
  int64_t n = 0;
  for (auto _ : state) {
    state.PauseTiming();
    const auto made = make_documents(n, kInBatch);
    n += kInBatch;
    state.ResumeTiming();
    run("BEGIN");
    for (const auto& document : made) {
      sqlite3_bind_text(insert, 1, document.id.data(), -1, SQLITE_STATIC);
      sqlite3_bind_text(insert, 2, document.json.data(), -1, SQLITE_STATIC);
      sqlite3_step(insert);
      sqlite3_reset(insert);
      sqlite3_bind_int64(index, 1, sqlite3_last_insert_rowid(handle));
      sqlite3_bind_text(index, 2, document.json.data(), -1, SQLITE_STATIC);
      sqlite3_step(index);
      sqlite3_reset(index);
    }
    run("COMMIT");
  }
  state.SetItemsProcessed(n);
  sqlite3_finalize(insert);
  sqlite3_finalize(index);
  sqlite3_close(handle);
}
BENCHMARK(BM_PlainFts5)->Iterations(200)->Unit(benchmark::kMillisecond)->UseRealTime();

void BM_Search(benchmark::State& state, const char* text) {
  static auto folder = io::TemporaryFolder::make("documents-bench");
  static auto store = [] {
    documents::Options options;
    options.folder = folder->path() / "documents";
    auto opened = documents::Store::open(options, system_clock());
    for (int64_t n = 0; n < 200'000; n += kInBatch) {
      documents::Batch batch;
      batch.sensor = "squid";
      batch.documents = make_documents(n, kInBatch);
      if (!(*opened)->store_and_wait(std::move(batch))) abort();
    }
    return std::move(*opened);
  }();
  documents::Query query;
  query.text = text;
  size_t found = 0;
  for (auto _ : state) {
    const auto page = store->search_and_wait(query);
    if (!page) abort();
    found = page->documents.size();
  }
  state.counters["found"] = static_cast<double>(found);
}
BENCHMARK_CAPTURE(BM_Search, newest, "")->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_Search, common_word, "legit")->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_Search, field, "source:type:squid")->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_Search, host, "example777.com")->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_Search, address, "ip_src_addr:10.1.2.*")->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_Search, nothing, "10.1.2.3 nosuchword")->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
