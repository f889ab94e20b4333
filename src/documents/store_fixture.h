// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gmock/gmock.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "documents/documents.h"
#include "io/file.h"

namespace modelyard::documents {

// For tests: a document of a squid line.
inline std::string squid(int n, std::string_view host, bool alert = false) {
  const std::string url = "http://" + std::string(host) + "/";
  return R"({"source:type":"squid","n":)" + std::to_string(n) + R"(,"url":")" + url + R"(","full_hostname":")" +
         std::string(host) + R"(","ip_src_addr":"10.0.0.)" + std::to_string(n) +
         R"(","action":"TCP_MISS","code":200,"original_string":"1.2 3 10.0.0.)" + std::to_string(n) +
         " TCP_MISS/200 GET " + url + R"(")" + (alert ? R"(,"is_alert":"true"})" : "}");
}

// For tests: a store in a folder of its own, a clock that stands still.
class StoreTest : public testing::Test {
 protected:
  StoreTest() : folder_(std::move(*io::TemporaryFolder::make("documents"))) {
    options_.folder = folder_.path() / "documents";
  }

  Store& open() {
    store_.reset();
    auto store = Store::open(options_, clock_);
    EXPECT_TRUE(store) << store.error().message();
    store_ = std::move(*store);
    return *store_;
  }
  Batch batch(int64_t offset, std::vector<Document> documents, std::optional<int64_t> after = std::nullopt) {
    Batch batch;
    batch.sensor = "squid";
    batch.source = "file:/log";
    batch.offset = offset;
    batch.after = after;
    batch.documents = std::move(documents);
    return batch;
  }
  std::string put(int64_t offset, std::vector<Document> documents, std::optional<int64_t> after = std::nullopt) {
    const auto stored = store_->store_and_wait(batch(offset, std::move(documents), after));
    if (!stored) return std::string(to_string(stored.error().code())) + ": " + stored.error().message();
    return std::to_string(stored->stored) + "+" + std::to_string(stored->already);
  }
  std::vector<std::string> search(std::string text, std::string sensor = "") {
    Query query;
    query.text = std::move(text);
    query.sensor = std::move(sensor);
    const auto page = store_->search_and_wait(query);
    EXPECT_TRUE(page) << page.error().message();
    return page ? page->documents : std::vector<std::string>{};
  }
  int64_t count() { return static_cast<int64_t>(search("").size()); }

  io::TemporaryFolder folder_;
  FakeClock clock_;
  Options options_;
  std::unique_ptr<Store> store_;
};

}  // namespace modelyard::documents
