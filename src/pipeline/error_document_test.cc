// SPDX-License-Identifier: Apache-2.0
#include "pipeline/error_document.h"

#include <gtest/gtest.h>

#include "json/tree.h"

namespace modelyard::pipeline {
namespace {

TEST(ErrorDocument, ALongTextIsShortenedTheRecordIsWhole) {
  const FakeClock clock;
  Random random(1);
  ErrorWriter writer(clock, random);
  const std::string record(10 << 20, 'x');
  const std::string text = "no match: " + record + " at the end";
  std::string out;
  writer.append(out, {.type = "parser_error", .sensor = "squid", .text = text, .raw = record}, Names::kColons);
  const json::Tree document = json::parse(out).value();
  EXPECT_EQ(json::get_string(document, "raw_message"), record);
  const std::string message = json::get_string(document, "message");
  EXPECT_LT(message.size(), 33u << 10);
  EXPECT_TRUE(message.starts_with("no match: xxx")) << message.substr(0, 40);
  EXPECT_TRUE(message.ends_with("xxx at the end"));
}

}  // namespace
}  // namespace modelyard::pipeline
