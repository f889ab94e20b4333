// SPDX-License-Identifier: Apache-2.0
#include "sensor/store_sink.h"

#include <gmock/gmock.h>

namespace modelyard::sensor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Answers as the script says, then well. Keeps what was stored.
class ScriptedStore final : public StoreClient {
 public:
  io::Task<Result<std::optional<documents::Offset>>> fetch_offset(std::string, std::string) override {
    co_return std::optional<documents::Offset>();
  }
  io::Task<tl::expected<documents::Stored, Refusal>> store(const std::string& body) override {
    co_await io::sleep_for(delay);
    ++asked;
    const auto batch = documents::batch_from_json(body);
    EXPECT_TRUE(batch) << batch.error().message();
    const size_t step = asked - 1;
    if (step < script.size() && script[step]) co_return tl::unexpected<Refusal>(*script[step]);
    std::string ids;
    for (const auto& document : batch->documents) ids += document.id + " ";
    stored.push_back(batch->source + " " + std::to_string(batch->after.value_or(-1)) + ">" +
                     std::to_string(batch->offset) + " " + batch->position + ": " + ids);
    co_return documents::Stored{static_cast<int64_t>(batch->documents.size()), 0};
  }

  std::vector<std::optional<Refusal>> script;
  std::vector<std::string> stored;
  size_t asked = 0;
  milliseconds delay{0};
};

class StoreSinkTest : public testing::Test {
 protected:
  io::Task<void> wait_until_something_is_stored() {
    for (int i = 0; i < 1000 && store_.stored.empty(); ++i) co_await io::sleep_for(milliseconds(2));
  }
  StoreSinkTest() {
    options_.sensor = "squid";
    options_.batch_documents_max = 3;
    options_.linger = milliseconds(5);
    options_.retry_first = milliseconds(1);
    options_.retry_last = milliseconds(4);
    options_.on_notice = [this](std::string_view text) { notices_.emplace_back(text); };
  }
  void make() {
    sink_ = std::make_unique<StoreSink>(
        store_, options_, [](std::string_view, int64_t next) { return "p" + std::to_string(next); },
        [this] { ++changes_; }, loop_.executor(), system_clock(), Random(1));
    sink_->start();
  }
  void put(const std::string& source, int64_t offset, int documents = 1, size_t size = 0) {
    pipeline::FinishedRecord record;
    record.source = source;
    record.offset = offset;
    for (int i = 0; i < documents; ++i) {
      record.documents.push_back(
          {std::to_string(offset) + "." + std::to_string(i), false, R"({"a":")" + std::string(size, 'x') + R"("})"});
    }
    EXPECT_TRUE(sink_->put(record, offset + 1));
  }
  Status finish(milliseconds wait = milliseconds(5'000)) {
    Status status = io::run_blocking(loop_, sink_->finish(system_clock().now() + wait));
    io::run_blocking(loop_, sink_->stop());
    return status;
  }

  io::Loop loop_;
  ScriptedStore store_;
  StoreSinkOptions options_;
  std::vector<std::string> notices_;
  int changes_ = 0;
  std::unique_ptr<StoreSink> sink_;
};

TEST_F(StoreSinkTest, BatchesContinueFromEachOther) {
  make();
  sink_->resume("f", 10);
  for (int i = 10; i < 15; ++i) put("f", i);
  EXPECT_TRUE(finish());
  EXPECT_THAT(store_.stored, ElementsAre("f 10>13 p13: 10.0 11.0 12.0 ", "f 13>15 p15: 13.0 14.0 "));
  EXPECT_EQ(sink_->stored(), 5u);
  EXPECT_GE(changes_, 2);
}

TEST_F(StoreSinkTest, RecordsWithoutDocumentsMoveTheOffset) {
  make();
  put("f", 0, 0);
  put("f", 1, 0);
  EXPECT_TRUE(finish());
  EXPECT_THAT(store_.stored, ElementsAre("f 0>2 p2: "));
}

TEST_F(StoreSinkTest, ARecordIsNeverCutInTwo) {
  make();
  put("f", 0, 2);
  put("f", 1, 5);
  EXPECT_TRUE(finish());
  EXPECT_THAT(store_.stored, ElementsAre("f 0>1 p1: 0.0 0.1 ", "f 1>2 p2: 1.0 1.1 1.2 1.3 1.4 "));
}

TEST_F(StoreSinkTest, StreamsHaveBatchesOfTheirOwn) {
  make();
  put("a", 0);
  put("b", 7);
  put("a", 1);
  EXPECT_TRUE(finish());
  EXPECT_THAT(store_.stored, ElementsAre("a 0>1 p1: 0.0 ", "b 0>8 p8: 7.0 ", "a 1>2 p2: 1.0 "));
}

TEST_F(StoreSinkTest, AStoreThatIsAwayIsTriedAgain) {
  const StoreClient::Refusal away{Error(ErrorCode::kUnavailable, "connection refused"), false};
  const StoreClient::Refusal full{Error(ErrorCode::kResourceExhausted, "the disk is full"), false};
  store_.script = {away, full, away, std::nullopt, away};
  make();
  for (int i = 0; i < 5; ++i) put("f", i);
  EXPECT_TRUE(finish());
  EXPECT_THAT(store_.stored, ElementsAre("f 0>3 p3: 0.0 1.0 2.0 ", "f 3>5 p5: 3.0 4.0 "));
  EXPECT_THAT(notices_, ElementsAre(HasSubstr("connection refused"), HasSubstr("answers again"),
                                    HasSubstr("trying again"), HasSubstr("answers again")));
}

TEST_F(StoreSinkTest, APermanentRefusalIsTheEnd) {
  store_.script = {StoreClient::Refusal{Error(ErrorCode::kConflict, "another writer was faster"), true}};
  make();
  for (int i = 0; i < 5; ++i) put("f", i);
  const Status status = finish();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), ErrorCode::kConflict);
  EXPECT_THAT(status.error().message(), HasSubstr("storing documents of 'f'"));
  EXPECT_NE(sink_->failure(), nullptr);
  EXPECT_THAT(store_.stored, IsEmpty());
}

TEST_F(StoreSinkTest, AStoreThatStaysAwayFailsInTheEnd) {
  store_.script.assign(10'000, StoreClient::Refusal{Error(ErrorCode::kUnavailable, "connection refused"), false});
  options_.retry_for = milliseconds(30);
  make();
  put("f", 0);
  const Status status = finish();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), ErrorCode::kUnavailable);
  EXPECT_THAT(status.error().message(), HasSubstr("Nothing is lost"));
}

TEST_F(StoreSinkTest, FinishHasADeadline) {
  store_.delay = milliseconds(60'000);
  make();
  put("f", 0);
  const Status status = finish(milliseconds(20));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), ErrorCode::kDeadline);
}

TEST_F(StoreSinkTest, FullWhileTheStoreIsSlow) {
  store_.delay = milliseconds(60'000);
  make();
  for (int i = 0; i < 6; ++i) put("f", i);
  EXPECT_FALSE(sink_->full());
  put("f", 6);
  EXPECT_TRUE(sink_->full());
  io::run_blocking(loop_, sink_->stop());
}

TEST_F(StoreSinkTest, TooLargeADocumentBecomesAnError) {
  options_.document_bytes_max = 100;
  make();
  put("f", 0, 1, 1000);
  put("f", 1, 1, 10);
  EXPECT_TRUE(finish());
  EXPECT_THAT(store_.stored, ElementsAre("f 0>2 p2: 0.0 1.0 "));
  const auto error = too_large_document({"id", false, std::string(100'000, 'x')}, "squid", 100, WallTime(seconds(1)));
  EXPECT_EQ(error.id, "id");
  EXPECT_TRUE(error.is_error);
  EXPECT_LT(error.json.size(), 70'000u);
  EXPECT_THAT(error.json, HasSubstr(R"("source:type":"error")"));
  EXPECT_THAT(error.json, HasSubstr(R"("failed_sensor_type":"squid")"));
}

TEST_F(StoreSinkTest, ALingeringBatchIsSentByItself) {
  make();
  put("f", 0);
  io::run_blocking(loop_, wait_until_something_is_stored());
  EXPECT_THAT(store_.stored, ElementsAre("f 0>1 p1: 0.0 "));
  io::run_blocking(loop_, sink_->stop());
}

}  // namespace
}  // namespace modelyard::sensor
