// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "json/tree.h"
#include "json/writer.h"

namespace modelyard::json {
namespace {

TEST(Parse, ErrorNamesThePlaceWithACaret) {
  const auto got = parse("{\n  \"a\": 1,\n  oops\n}", {.source = "squid.json"});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code(), ErrorCode::kInvalidArgument);
  const std::string& text = got.error().message();
  EXPECT_EQ(text.substr(0, 15), "squid.json:3:3:") << text;
  EXPECT_NE(text.find("\n    oops\n    ^"), std::string::npos) << text;
}

TEST(Parse, CommentsOnlyWhereAsked) {
  const std::string_view text = "/* c */ {\"a\": 1 // x\n}";
  EXPECT_FALSE(parse(text));
  EXPECT_EQ(get_int(parse(text, {.comments = true}).value(), "a"), 1);
}

TEST(Parse, DepthIsBounded) {
  EXPECT_TRUE(parse(std::string(200, '[') + std::string(200, ']')));
  const auto got = parse(std::string(100000, '[') + std::string(100000, ']'));
  ASSERT_FALSE(got);
  EXPECT_NE(got.error().message().find("200 levels"), std::string::npos);
}

TEST(Parse, OrderOfKeysIsKept) {
  const Tree tree = parse(R"({"z":1,"a":2})").value();
  EXPECT_EQ(dump(tree), R"({"z":1,"a":2})");
}

TEST(Writer, WritesWhatAPersonWouldExpect) {
  std::string out;
  Writer w(out);
  w.begin_object();
  w.key("s");
  w.string("a\"\\\n\x01\xc3\xbc\xff");
  w.key("n");
  w.begin_array();
  w.number(int64_t{-5});
  w.number(1.0);
  w.number(1e300);
  w.number(std::nan(""));
  w.end_array();
  w.key("e");
  w.begin_object();
  w.end_object();
  w.key("t");
  w.boolean(true);
  w.end_object();
  EXPECT_EQ(out, "{\"s\":\"a\\\"\\\\\\n\\u0001\xc3\xbc\xef\xbf\xbd\",\"n\":[-5,1.0,1e+300,null],\"e\":{},\"t\":true}");
}

TEST(Writer, ALoneSurrogateIsItsEscape) {
  std::string out;
  append_string(out, "\xed\xa0\xbd");
  EXPECT_EQ(out, "\"\\ud83d\"");
}

}  // namespace
}  // namespace modelyard::json
