// SPDX-License-Identifier: Apache-2.0
#include "documents/batch.h"

#include <gmock/gmock.h>

namespace modelyard::documents {
namespace {

TEST(BatchJson, RoundTrip) {
  Batch batch;
  batch.sensor = "squid";
  batch.source = "file:/var/log/\"x\"";
  batch.offset = 4711;
  batch.after = 0;
  batch.position = R"({"head":"ab"})";
  batch.documents = {{"id-1", R"({"a":"b"})"}, {"id-2", R"({"source:type":"error","n":1.50})"}};
  std::string text;
  append_json(text, batch);
  const auto read = batch_from_json(text);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->sensor, batch.sensor);
  EXPECT_EQ(read->source, batch.source);
  EXPECT_EQ(read->offset, batch.offset);
  EXPECT_EQ(read->after, batch.after);
  EXPECT_EQ(read->position, batch.position);
  ASSERT_EQ(read->documents.size(), 2u);
  EXPECT_EQ(read->documents[0].id, "id-1");
  EXPECT_EQ(read->documents[1].json, batch.documents[1].json);
}

TEST(BatchJson, MembersInAnyOrderUnknownOnesIgnoredWhiteSpaceDropped) {
  const auto read = batch_from_json(R"( {"x":{"y":[1,2]},"documents":[ {"document": { "a" : "b
" } , "z":1,"id":"1"} ], "sensor":"s"} )");
  ASSERT_FALSE(read);  // a raw line end inside a string is no JSON
  const auto good = batch_from_json(
      "{\"x\":{\"y\":[1,2]},\"documents\":[{\"document\":{\n \"a\" : \"b "
      "c\"},\"z\":1,\"id\":\"1\"}],\"sensor\":\"s\"}");
  ASSERT_TRUE(good) << good.error().message();
  EXPECT_EQ(good->documents[0].json, R"({"a":"b c"})");
  EXPECT_TRUE(good->source.empty());
}

struct Row {
  std::string name;
  std::string text;
  std::string says;
  ErrorCode code = ErrorCode::kInvalidArgument;
};
class BadBatch : public testing::TestWithParam<Row> {};

TEST_P(BadBatch, IsNamed) {
  BatchLimits limits;
  limits.documents_max = 2;
  limits.document_bytes_max = 20;
  const auto read = batch_from_json(GetParam().text, limits);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), GetParam().code);
  EXPECT_THAT(read.error().message(), testing::HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Table, BadBatch,
    testing::ValuesIn(std::vector<Row>{
        {"empty", "", "batch"},
        {"text", "hello", "batch"},
        {"array", "[]", "must be an object"},
        {"no_sensor", R"({"documents":[]})", "sensor is missing"},
        {"sensor_number", R"({"sensor":1,"documents":[]})", "sensor must be a string"},
        {"no_documents", R"({"sensor":"s"})", "documents is missing"},
        {"documents_object", R"({"sensor":"s","documents":{}})", "documents must be an array"},
        {"document_text", R"({"sensor":"s","documents":["x"]})", "documents[0] must be an object"},
        {"no_id", R"({"sensor":"s","documents":[{"document":{}}]})", "documents[0].id is missing"},
        {"no_document", R"({"sensor":"s","documents":[{"id":"1"}]})", "documents[0].document is missing"},
        {"document_array", R"({"sensor":"s","documents":[{"id":"1","document":[]}]})",
         "documents[0].document must be an object"},
        {"offset_text", R"({"sensor":"s","offset":"1","documents":[]})", "offset must be a whole number"},
        {"offset_negative", R"({"sensor":"s","offset":-1,"documents":[]})", "offset must not be negative"},
        {"source_without_offset", R"({"sensor":"s","source":"f","documents":[]})", "offset is missing"},
        {"cut_off", R"({"sensor":"s","documents":[{"id":"1","document":{"a":)", "batch"},
        {"trailing", R"({"sensor":"s","documents":[]} {})", "batch"},
        {"too_many",
         R"({"sensor":"s","documents":[{"id":"1","document":{}},{"id":"2","document":{}},{"id":"3","document":{}}]})",
         "more than 2", ErrorCode::kResourceExhausted},
        {"too_large", R"({"sensor":"s","documents":[{"id":"1","document":{"a":"012345678901234567890"}}]})",
         "larger than 20", ErrorCode::kResourceExhausted},
        {"long_name", R"({"sensor":")" + std::string(5000, 'x') + R"(","documents":[]})", "sensor is longer"},
    }),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace modelyard::documents
