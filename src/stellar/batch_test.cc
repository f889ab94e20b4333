// SPDX-License-Identifier: Apache-2.0
#include "stellar/batch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "base/strings.h"

namespace modelyard::stellar {
namespace {

std::string batch(const std::string& input, const BatchOptions& options = {}) {
  std::istringstream in(input);
  std::ostringstream out;
  Capabilities capabilities;
  run_batch(in, out, FunctionRegistry::standard(), capabilities, options);
  return out.str();
}

struct Row {
  const char* name;
  std::string line;
  std::string answer;  // whole, or its start where it ends with "..."
};
class Batch : public ::testing::TestWithParam<Row> {};

TEST_P(Batch, AnswersOneLine) {
  const std::string got = batch(GetParam().line + "\n");
  std::string want = GetParam().answer;
  ASSERT_EQ(std::count(got.begin(), got.end(), '\n'), 1) << got;
  if (want.ends_with("...")) {
    want.resize(want.size() - 3);
    EXPECT_EQ(got.substr(0, want.size()), want);
  } else {
    EXPECT_EQ(got, want + "\n");
  }
}

INSTANTIATE_TEST_SUITE_P(
    Lines, Batch,
    ::testing::Values(
        Row{"value", R"({"id":"c1","expr":"a + b","vars":{"a":7,"b":{"$long":"7"}}})",
            R"({"id":"c1","value":14,"type":"Long"})"},
        Row{"double", R"({"id":"c1","expr":"1e20"})", R"({"id":"c1","value":1.0E20,"type":"Double"})"},
        Row{"nan", R"({"id":"c1","expr":"NaN"})", R"({"id":"c1","value":{"$double":"NaN"},"type":"Double"})"},
        Row{"list", R"({"id":"c1","expr":"[1, 2L, 1.5f, null]"})",
            R"({"id":"c1","value":[1,{"$long":"2"},{"$float":"1.5"},null],"type":"List"})"},
        Row{"odd_keys", R"({"id":"c1","expr":"{1 : 'a'}"})", R"({"id":"c1","value":{"$map":[[1,"a"]]},"type":"Map"})"},
        Row{"characters", R"~({"id":"c1","expr":"MAP('a', x -> x)"})~",
            R"~({"id":"c1","value":[{"$char":"a"}],"type":"List"})~"},
        Row{"set", R"~({"id":"c1","expr":"SET_INIT([1])"})~", R"~({"id":"c1","value":[1],"type":"Set"})~"},
        Row{"lambda", R"({"id":"c1","expr":"x -> x"})", R"({"id":"c1","value":null,"type":"opaque","kind":"lambda"})"},
        Row{"error", R"({"id":"c1","expr":"1 / 0"})",
            R"({"id":"c1","error":"1:3: division of a whole number by zero...)"},
        Row{"syntax", R"({"id":"c1","expr":"1 +"})",
            R"({"id":"c1","error":"1:4: the expression ends too early, expected a value...)"},
        Row{"predicate", R"({"id":"c1","expr":"1","mode":"predicate"})",
            R"({"id":"c1","error":"a predicate is true or false...)"},
        Row{"blank_predicate", R"({"id":"c1","expr":"  ","mode":"predicate"})",
            R"({"id":"c1","value":true,"type":"Boolean"})"},
        Row{"validate", R"({"id":"c1","expr":"a","mode":"validate"})", R"({"id":"c1","value":true,"type":"Boolean"})"},
        Row{"names", R"({"id":"c1","expr":"b + a","mode":"vars"})", R"({"id":"c1","value":["a","b"],"type":"Set"})"},
        Row{"assign", R"({"id":"c1","expr":"x := 'a := b'","mode":"assign"})",
            R"({"id":"c1","value":["x","b'",true],"type":"List"})"},
        Row{"strict", R"({"id":"c1","expr":"a","resolver":"strict"})",
            R"({"id":"c1","error":"1:1: variable a is not defined...)"},
        Row{"unknown_mode", R"({"id":"c1","expr":"a","mode":"x"})", R"({"id":"c1","error":"there is no mode x"})"},
        Row{"no_expression", R"({"id":"c1"})", R"({"id":"c1","error":"\"expr\" is missing or not a text"})"},
        Row{"number_id", R"({"id":7,"expr":"1"})", R"({"id":7,"value":1,"type":"Integer"})"},
        Row{"no_id", R"({"expr":"1"})", R"({"value":1,"type":"Integer"})"},
        Row{"lone_surrogate", R"({"id":"c1","expr":"a","vars":{"a":"x\ud83d"}})",
            R"({"id":"c1","value":"x\ud83d","type":"String"})"},
        Row{"pair", R"~({"id":"c1","expr":"LENGTH(a)","vars":{"a":"\ud83d\ude00"}})~",
            R"~({"id":"c1","value":2,"type":"Integer"})~"},
        Row{"no_json", "nonsense", R"({"error":"this line is no JSON: line 1, column 1: expected a value"})"},
        Row{"empty", "", R"({"error":"this line is no JSON: line 1, column 1: expected a value"})"},
        Row{"no_object", "[1]", R"({"error":"this line is no JSON object"})"},
        Row{"no_utf8", "{\"id\":\"c1\",\"expr\":\"'\xff'\"}",
            R"({"error":"this line is no JSON: line 1, column 20: the text is not UTF-8"})"},
        Row{"deep", std::string(100000, '['),
            R"({"error":"this line is no JSON: line 1, column 501: nested deeper than 500 levels"})"}),
    [](const auto& row) { return row.param.name; });

TEST(BatchStream, AnswersInOrderAndAlsoALastLineWithoutItsEnd) {
  std::string input;
  for (int i = 0; i < 1000; ++i) input += "{\"id\":" + std::to_string(i) + ",\"expr\":\"" + std::to_string(i) + "\"}\n";
  input += "{\"id\":1000,\"expr\":\"1\"}";
  const std::string out = batch(input);
  const auto lines = split(std::string_view(out).substr(0, out.size() - 1), '\n');
  ASSERT_EQ(lines.size(), 1001u);
  for (size_t i = 0; i < lines.size(); ++i)
    EXPECT_TRUE(lines[i].starts_with("{\"id\":" + std::to_string(i) + ",")) << lines[i];
}

TEST(BatchStream, RefusesALineThatIsTooLongAndGoesOn) {
  const std::string out =
      batch("{\"expr\":\"" + std::string(5000, ' ') + "\"}\n{\"expr\":\"1\"}\n", {.line_bytes_max = 1000});
  EXPECT_EQ(out, "{\"error\":\"limit reached: line (longer than 1000 bytes)\"}\n{\"value\":1,\"type\":\"Integer\"}\n");
}

}  // namespace
}  // namespace modelyard::stellar
