// SPDX-License-Identifier: Apache-2.0
#include "cli/reference_options.h"

#include <gmock/gmock.h>

namespace modelyard::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<ReferenceOption> kOptions{
    {"h", "help", false, "help"}, {"zq", "zk_quorum", true, "quorum"},        {"zr", "zk_root", true, "root"},
    {"n", "name", true, "name"},  {"ni", "num_instances", true, "instances"}, {"e", "shell_env", true, "environment"}};

struct Line {
  std::string name;
  std::vector<std::string> words;
  std::string option;
  std::string value;
};
class Lines : public testing::TestWithParam<Line> {};
TEST_P(Lines, AreUnderstood) {
  const auto given = parse_reference_options(kOptions, GetParam().words);
  ASSERT_TRUE(given) << given.error().message();
  EXPECT_TRUE(given->has(GetParam().option));
  EXPECT_EQ(given->text(GetParam().option), GetParam().value);
}
INSTANTIATE_TEST_SUITE_P(Table, Lines,
                         testing::Values(Line{"two_letters", {"-zq", "a:1,b:2"}, "zq", "a:1,b:2"},
                                         Line{"long", {"--zk_quorum", "a:1"}, "zq", "a:1"},
                                         Line{"long_with_equals", {"--zk_quorum=a:1"}, "zq", "a:1"},
                                         Line{"long_with_one_dash", {"-zk_quorum", "a:1"}, "zq", "a:1"},
                                         Line{"short_with_equals", {"-zq=a:1"}, "zq", "a:1"},
                                         Line{"letter_with_equals", {"-n=dga"}, "n", "dga"},
                                         Line{"shortened_long", {"--zk_q", "a:1"}, "zq", "a:1"},
                                         Line{"shortened_long_with_equals", {"--zk_q=a:1"}, "zq", "a:1"},
                                         Line{"value_behind_a_letter", {"-ndga"}, "n", "dga"},
                                         Line{"ni_is_no_n_with_a_value", {"-ni", "3"}, "ni", "3"},
                                         Line{"a_value_may_look_like_an_option", {"-e", "-Xmx=1"}, "e", "-Xmx=1"},
                                         Line{"an_equals_in_the_value", {"-e", "K=V=W"}, "e", "K=V=W"},
                                         Line{"quotes_are_dropped", {"-n", "\"dga\""}, "n", "dga"},
                                         Line{"an_empty_value", {"-n", ""}, "n", ""}, Line{"a_flag", {"-h"}, "h", ""},
                                         Line{"the_first_of_several", {"-n", "a", "-n", "b"}, "n", "a"},
                                         Line{"the_end_of_options", {"-n", "a", "--"}, "n", "a"}),
                         [](const auto& row) { return row.param.name; });

struct Wrong {
  std::string name;
  std::vector<std::string> words;
  std::string says;
};
class WrongLines : public testing::TestWithParam<Wrong> {};
TEST_P(WrongLines, NameTheWord) {
  const auto given = parse_reference_options(kOptions, GetParam().words);
  ASSERT_FALSE(given);
  EXPECT_EQ(given.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(given.error().message(), GetParam().says);
}
INSTANTIATE_TEST_SUITE_P(
    Table, WrongLines,
    testing::Values(Wrong{"unknown", {"-zz", "a"}, "'-zz' is no option"},
                    Wrong{"unknown_long", {"--quorum=a"}, "'--quorum=a' is no option"},
                    Wrong{"no_value", {"-zq"}, "'-zq' needs a value"},
                    Wrong{"an_option_is_no_value", {"-zq", "-n", "a"}, "'-zq' needs a value"},
                    Wrong{"ambiguous", {"--zk", "a"}, "'--zk' is short for --zk_quorum and --zk_root"},
                    Wrong{"a_word_alone", {"-n", "a", "b"}, "'b' belongs to no option"},
                    Wrong{"a_dash_alone", {"-"}, "'-' belongs to no option"},
                    Wrong{"behind_the_end", {"--", "b"}, "'b' belongs to no option"}),
    [](const auto& row) { return row.param.name; });

TEST(ReferenceOptions, AllValuesOfARepeatedOne) {
  const auto given = parse_reference_options(kOptions, {"-e", "A=1", "--shell_env", "B=2", "--shell_env=C=3"});
  ASSERT_TRUE(given) << given.error().message();
  EXPECT_THAT(given->all("e"), ElementsAre("A=1", "B=2", "C=3"));
}

TEST(ReferenceOptions, UsageHasTheReferencesLayout) {
  const std::string usage = reference_usage(
      "MaaSClient", {{"zq", "zk_quorum", true, "Quorum"},
                     {"nle", "node_label_expression", true, "Nodes that may be used, given as an expression of labels"},
                     {"c", "create", false, "Makes it"}});
  EXPECT_EQ(usage,
            "usage: MaaSClient\n"
            " -c,--create                          Makes it\n"
            " -nle,--node_label_expression <arg>   Nodes that may be used, given as an\n"
            "                                      expression of labels\n"
            " -zq,--zk_quorum <arg>                Quorum\n");
}

}  // namespace
}  // namespace modelyard::cli
