// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "stellar/check.h"
#include "stellar/compile/program.h"

namespace modelyard::stellar {
namespace {

struct Row {
  const char* name;
  std::string text;
  std::string rendered;
};
class Diagnostics : public ::testing::TestWithParam<Row> {};

TEST_P(Diagnostics, NameThePlaceAndWhatToWrite) {
  const auto program = compile(GetParam().text, FunctionRegistry::standard());
  ASSERT_FALSE(program) << "compiled";
  EXPECT_EQ(render(program.error(), GetParam().text), GetParam().rendered);
}

INSTANTIATE_TEST_SUITE_P(
    Texts, Diagnostics,
    ::testing::Values(
        Row{"minus", "2-1",
            "1:2: unexpected '-1', expected an operator or the end of the expression\n  2-1\n   ^~\n"
            "  hint: the minus belongs to the number: write - 1 with a blank between for a difference"},
        Row{"ternary", "a?b:c",
            "1:6: the expression ends too early, expected ':'\n  a?b:c\n       ^\n  hint: 'b:c' is one name: write b : "
            "c with blanks"},
        Row{"keyword", "If a then b",
            "1:4: unexpected 'a', expected an operator or the end of the expression\n  If a then b\n     ^\n"
            "  hint: words of the language are all lower or all upper case: if"},
        Row{"comment", "1 //",
            "1:4: unexpected '/', expected a value\n  1 //\n     ^\n  hint: a comment needs at least one character "
            "after its //"},
        Row{"comment_alone", "//\n'a'",
            "2:4: there is nothing to evaluate, expected a value\n  'a'\n     ^\n"
            "  hint: a comment takes at least one character after its //, a line end too"},
        Row{"bang", "!a", "1:1: unexpected '!'\n  !a\n  ^\n  hint: negation is written not(x)"},
        Row{"equals", "a = 1", "1:3: unexpected '='\n  a = 1\n    ^\n  hint: equality is written =="},
        Row{"percent", "a % 2", "1:3: unexpected '%'\n  a % 2\n    ^\n  hint: there is no remainder operator"},
        Row{"escape", "'\\d'",
            "1:2: no such escape in a text, expected \\\\ \\n \\r \\t or \\'\n  '\\d'\n   ^~\n"
            "  hint: write two backslashes for one: '\\\\d' is the regular expression \\d"},
        Row{"open_quote", "'abc", "1:1: this text has no closing quote, expected '\n  'abc\n  ^"},
        Row{"exponent", "e1 + 2",
            "1:1: unexpected 'e1', expected a value\n  e1 + 2\n  ^~\n  hint: 'e1' is the exponent of a number and "
            "cannot be a name"},
        Row{"integer", "2147483648",
            "1:1: this Integer does not fit 32 bits\n  2147483648\n  ^~~~~~~~~~\n  hint: write 2147483648L for a Long"},
        Row{"text_sum", "'a' + 'b'",
            "1:1: arithmetic takes numbers, names, calls and parentheses around those\n  'a' + 'b'\n  ^~~\n  hint: "
            "texts are joined with JOIN([a, b], '')"},
        Row{"bare_and", "[true and false]",
            "1:7: a bare and/or cannot be an argument\n  [true and false]\n        ^~~\n  hint: put it in parentheses"},
        Row{"bare_in", "F(1 in [1])",
            "1:5: a bare 'in' cannot be an argument\n  F(1 in [1])\n      ^~\n  hint: put it in parentheses"},
        Row{"not", "not true",
            "1:5: unexpected 'true', expected '('\n  not true\n      ^~~~\n  hint: negation is written not(x)"},
        Row{"match_default", "match{ a => 1 }",
            "1:15: unexpected '}', expected ','\n  match{ a => 1 }\n                ^\n  hint: a match ends with a "
            "default: , default => …"},
        Row{"second_line", "a and\n  b c",
            "2:5: unexpected 'c', expected an operator or the end of the expression\n    b c\n      ^"},
        Row{"umlaut", "'ä' == ä",
            "1:8: unexpected 'ä'\n  'ä' == ä\n         ^\n  hint: names are made of ASCII letters, digits, '_', '.' "
            "and ':'"},
        Row{"call", "TO_UPPER('a'",
            "1:13: the expression ends too early, expected ',' or ')'\n  TO_UPPER('a'\n              ^"}),
    [](const auto& row) { return row.param.name; });

TEST(Check, FindsWhatWouldOnlyShowWhenItRuns) {
  const auto found = check("TO_UPER(a) == True and GET(b) == LENGTH(c, d)", FunctionRegistry::standard());
  ASSERT_EQ(found.size(), 4u);
  EXPECT_EQ(found[0].message, "there is no function TO_UPER");
  EXPECT_EQ(found[0].hint, "did you mean TO_UPPER?");
  EXPECT_TRUE(found[1].warning);
  EXPECT_EQ(found[1].message, "True is the name of a variable here");
  EXPECT_EQ(found[2].message, "GET takes 2 arguments, not 1");
  EXPECT_TRUE(found[3].warning);
  EXPECT_EQ(found[3].column, 34u);
  EXPECT_TRUE(check("TO_UPPER(a)", FunctionRegistry::standard()).empty());
  EXPECT_TRUE(check("", FunctionRegistry::standard()).empty());
}

}  // namespace
}  // namespace modelyard::stellar
