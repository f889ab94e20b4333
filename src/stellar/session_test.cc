// SPDX-License-Identifier: Apache-2.0
#include "stellar/session.h"

#include <gmock/gmock.h>

namespace modelyard::stellar {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SessionTest : public ::testing::Test {
 protected:
  std::string enter(std::string_view text) { return session.enter(text).text; }
  Capabilities capabilities;
  Session session{FunctionRegistry::standard(), capabilities};
};

TEST_F(SessionTest, EvaluatesAndRemembers) {
  EXPECT_EQ(enter("1 + 1"), "2");
  EXPECT_EQ(enter("x := [1, 2]"), "");
  EXPECT_EQ(enter("x"), "[1,2]");
  EXPECT_EQ(enter("y := LIST_ADD(x, 'three')"), "");
  EXPECT_EQ(enter("x"), "[1,2,\"three\"]") << "what a function changes stays changed";
  EXPECT_EQ(enter("%vars"), "x = [1,2,\"three\"]\ny = [1,2,\"three\"]");
  EXPECT_EQ(enter("%undefine x"), "");
  EXPECT_EQ(enter("x"), "null");
}

TEST_F(SessionTest, KeepsLambdas) {
  enter("twice := v -> v * 2");
  EXPECT_EQ(enter("MAP([1, 2], twice)"), "[2,4]");
}

TEST_F(SessionTest, ExplainsAndLists) {
  EXPECT_THAT(enter("?TO_UPPER"), HasSubstr("TO_UPPER(input) -> string"));
  EXPECT_THAT(enter("%functions subnet"), HasSubstr("IN_SUBNET"));
  EXPECT_TRUE(session.enter("?NOPE").error);
  EXPECT_TRUE(session.enter("%nope").error);
  EXPECT_THAT(enter("%help"), HasSubstr("%vars"));
}

TEST_F(SessionTest, ShowsErrorsWithTheirPlace) {
  const Session::Reply reply = session.enter("1 / 0");
  EXPECT_TRUE(reply.error);
  EXPECT_EQ(reply.text, "1:3: division of a whole number by zero\n  1 / 0\n    ^");
  EXPECT_TRUE(session.enter("a b := 1").error);
  EXPECT_EQ(enter(""), "");
}

TEST_F(SessionTest, KnowsWhatIsNotWholeYet) {
  EXPECT_TRUE(Session::needs_more("JOIN(['a',"));
  EXPECT_TRUE(Session::needs_more("x := if a then"));
  EXPECT_TRUE(Session::needs_more("'open"));
  EXPECT_TRUE(Session::needs_more("x :="));
  EXPECT_FALSE(Session::needs_more("1 + 1"));
  EXPECT_FALSE(Session::needs_more("1 + )"));
  EXPECT_FALSE(Session::needs_more("%vars"));
}

TEST_F(SessionTest, CompletesFunctionsVariablesAndCommands) {
  enter("URL_mine := 1");
  EXPECT_THAT(session.complete("a == URL_"),
              ElementsAre("URL_TO_HOST(", "URL_TO_PATH(", "URL_TO_PORT(", "URL_TO_PROTOCOL(", "URL_mine"));
  EXPECT_THAT(session.complete("?TO_UP"), ElementsAre("?TO_UPPER"));
  EXPECT_THAT(session.complete("%f"), ElementsAre("%functions"));
  EXPECT_THAT(session.complete("a the"), Contains("then"));
  EXPECT_THAT(session.complete("nothing_like_it"), IsEmpty());
}

TEST_F(SessionTest, TakesVariablesAsJson) {
  ASSERT_TRUE(session.set_variables(R"({"a":{"$long":"7"},"b":[1]})"));
  EXPECT_EQ(enter("a + 1"), "8");
  EXPECT_FALSE(session.set_variables("[1]"));
}

TEST_F(SessionTest, PrintsLongValuesOverLines) {
  EXPECT_EQ(enter("{'key' : ['a long text of its own', 'another long text', 'and a third one', 'and the last']}"),
            "{\n  \"key\": [\n    \"a long text of its own\",\n    \"another long text\",\n    \"and a third one\",\n  "
            "  \"and the last\"\n  ]\n}");
}

}  // namespace
}  // namespace modelyard::stellar
