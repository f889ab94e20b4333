// SPDX-License-Identifier: Apache-2.0
#include "grok/grok.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

namespace modelyard::grok {
namespace {

std::string read_text(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// "a=1 b='text' c=null"; "no match"; "error: …".
std::string fields_of(const PatternSet& patterns, std::string_view expression, std::string_view line) {
  const Result<Grok> grok = Grok::compile(patterns, expression);
  if (!grok) return "refused: " + grok.error().message();
  Scratch scratch;
  std::vector<Capture> captures;
  const Result<bool> matched = grok->match(line, scratch, captures);
  if (!matched) return "error: " + matched.error().message();
  if (!*matched) return "no match";
  std::string out;
  for (const Capture& capture : captures) {
    out += (out.empty() ? "" : " ") + std::string(capture.name) + "=";
    switch (capture.kind) {
      case Capture::Kind::kNull: out += "null"; break;
      case Capture::Kind::kInteger: out += std::to_string(capture.integer); break;
      case Capture::Kind::kText: out += "'" + std::string(capture.text) + "'"; break;
    }
  }
  return out;
}

struct Row {
  std::string name;
  std::string definitions;  // on top of the built-in ones
  std::string expression;
  std::string line;
  std::string expected;
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

class GrokTable : public testing::TestWithParam<Row> {};

TEST_P(GrokTable, gives) {
  PatternSet patterns = PatternSet::common();
  patterns.add(GetParam().definitions, "own");
  EXPECT_EQ(fields_of(patterns, GetParam().expression, GetParam().line), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Tokens, GrokTable,
    testing::Values(
        Row{"label_names_the_field", "", "%{WORD:verb}", "GET", "verb='GET'"},
        Row{"a_token_without_label_is_a_field_of_its_pattern", "", "%{YEAR}-%{MONTHNUM}", "2016-04",
            "YEAR=2016 MONTHNUM=4"},
        Row{"unwanted_gives_no_field", "", "%{WORD:UNWANTED} %{WORD:b}", "x y", "b='y'"},
        Row{"there_is_no_type_suffix", "", "%{NUMBER:x:int}", "12", "x:int=12"},
        Row{"definition_inside_the_token", "", "%{STATUS:code=[0-9]+}", "status 404", "code=404"},
        Row{"definition_inside_the_token_without_label", "", "%{STATUS=[0-9]+}", "status 404", "STATUS=404"},
        Row{"same_token_text_shares_the_first_group", "", "%{WORD:a} %{WORD:a}", "one two", "a='one'"},
        Row{"last_group_of_a_name_wins", "", "%{WORD:a} %{NUMBER:a}", "one 2", "a=2"},
        Row{"last_group_of_a_name_wins_even_when_null", "", "%{WORD:a}(?: %{NUMBER:a})?", "one", "a=null"},
        Row{"a_token_expanded_later_is_another_group", "LATE (?:x%{HOUR})", "%{HOUR}(?:%{LATE})?", "12",
            "HOUR=null LATE=null"},
        Row{"group_that_took_no_part_is_null", "", "%{WORD:a}(?: %{WORD:b})?", "one", "a='one' b=null"},
        Row{"explicit_group_is_a_field", "", "(?<first_part>\\w+)-%{INT:n}", "abc-5", "first_part='abc' n=5"},
        Row{"found_anywhere_in_the_line", "", "[^0-9]*%{INT:n}", "-1", "n=1"},
        Row{"trailing_junk_is_tolerated", "", "%{IPV4:ip}", "from 10.0.0.1 to", "ip='10.0.0.1'"},
        Row{"later_definition_wins", "WORD [0-9]+", "%{WORD:a}", "abc 12", "a=12"},
        Row{"comment_lines_are_no_definitions", "# WORD x\nNOT-A-NAME y\n  INDENTED z\nMINE q+\n", "%{MINE:m}", "qq",
            "m='qq'"},
        Row{"windows_line_ends", "A x+\r\nB y+\r\n", "%{A:a}%{B:b}", "xxyy", "a='xx' b='yy'"},
        Row{"no_match", "", "%{INT:a}", "none", "no match"},
        Row{"empty_line_does_not_match", "", "%{WORD:a}", "", "no match"},
        Row{"empty_line_may_match", "", "%{DATA:a}", "", "a=''"}),
    [](const auto& info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(Values, GrokTable,
                         testing::Values(Row{"leading_zeros", "", "%{NOTSPACE:x}", "007", "x=7"},
                                         Row{"plus_sign", "", "%{NOTSPACE:x}", "+200", "x=200"},
                                         Row{"zeros", "", "%{NOTSPACE:x}", "00000000", "x=0"},
                                         Row{"minus", "", "%{NOTSPACE:x}", "-5", "x=-5"},
                                         Row{"greatest_int", "", "%{NOTSPACE:x}", "2147483647", "x=2147483647"},
                                         Row{"beyond_int_is_text", "", "%{NOTSPACE:x}", "2147483648", "x='2147483648'"},
                                         Row{"least_int", "", "%{NOTSPACE:x}", "-2147483648", "x=-2147483648"},
                                         Row{"decimal_is_text", "", "%{NOTSPACE:x}", "0.000", "x='0.000'"},
                                         Row{"two_signs_are_text", "", "%{NOTSPACE:x}", "+-5", "x='+-5'"},
                                         Row{"sign_alone_is_text", "", "%{NOTSPACE:x}", "+", "x='+'"},
                                         Row{"hexadecimal_is_text", "", "%{NOTSPACE:x}", "0x10", "x='0x10'"},
                                         Row{"double_quotes_are_taken_off_once", "", "%{NOTSPACE:x}", "\"\"a\"\"",
                                             "x='\"a\"'"},
                                         Row{"single_quotes_are_taken_off", "", "%{NOTSPACE:x}", "'a'", "x='a'"},
                                         Row{"unequal_quotes_stay", "", "%{NOTSPACE:x}", "'a\"", "x=''a\"'"},
                                         Row{"one_quote_is_nothing", "", "%{NOTSPACE:x}", "\"", "x=''"},
                                         Row{"quoted_number_is_text", "", "%{NOTSPACE:x}", "\"12\"", "x='12'"}),
                         [](const auto& info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Regexes, GrokTable,
    testing::Values(Row{"possessive", "", "(?<a>x++)(?<b>x?)", "xxx", "a='xxx' b=''"},
                    Row{"classes_are_ascii", "", "(?<a>\\w+)", "caf\xc3\xa9", "a='caf'"},
                    Row{"digits_are_ascii", "", "(?<a>\\d+)", "\xd9\xa1 7", "a=7"},
                    Row{"posix_name", "", "(?<a>\\p{Upper}\\p{Alnum}*)", "xAb1-", "a='Ab1'"},
                    Row{"posix_name_in_class", "", "(?<a>[\\p{Lower}_]+)", "Aab_C", "a='ab_'"},
                    Row{"negated_posix_name_in_class", "", "(?<a>[\\P{Digit}]+)", "12ab", "a='ab'"},
                    Row{"unicode_property", "", "(?<a>\\p{L}+)", "1caf\xc3\xa9 ", "a='caf\xc3\xa9'"},
                    Row{"unicode_escape", "", "(?<a>\\u00e9+)", "caf\xc3\xa9", "a='\xc3\xa9'"},
                    Row{"intersection", "", "(?<a>[a-z&&[^bc]]+)", "bcdefb", "a='def'"},
                    Row{"nested_union", "", "(?<a>[a[xy]]+)", "bxayb", "a='xay'"},
                    Row{"negated_intersection", "", "(?<a>[^a-z&&[^bc]]+)", "abcB1a", "a='bcB1'"},
                    Row{"quoted_text", "", "(?<a>\\Qa.b(\\E\\d)", "axb( a.b(7", "a='a.b(7'"},
                    Row{"numbered_back_reference", "", "(?<a>(\\w)\\2)", "abba", "a='bb'"},
                    Row{"named_back_reference", "", "(?<a>\\w)-\\k<a>", "a-b-b", "a='b'"},
                    Row{"control_flag_of_java_is_dropped", "", "(?du)(?<a>x)", "x", "a='x'"},
                    Row{"case_flag", "", "(?i)(?<a>x+)", "xX", "a='xX'"},
                    Row{"multibyte_dot", "", "a(?<a>.)b",
                        "a\xe2\x82\xac"
                        "b",
                        "a='\xe2\x82\xac'"},
                    Row{"dot_stops_at_line_end", "", "(?<a>.*)", "ab\r\ncd", "a='ab'"}),
    [](const auto& info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Refused, GrokTable,
    testing::Values(Row{"unknown_pattern", "", "%{NOPE:x}", "", "refused: no pattern is named NOPE"},
                    Row{"unknown_pattern_inside", "A %{B}\nB %{NOPE}", "%{A}", "",
                        "refused: no pattern is named NOPE, used by A (own:1) or what it contains"},
                    Row{"not_a_token", "", "%{WORD-X}", "",
                        "refused: \"%{WORD-X}\" is no token: write %{NAME}, %{NAME:field} or %{NAME=regex}, names of "
                        "letters, digits and _"},
                    Row{"endless_recursion", "A x%{A}", "%{A}", "",
                        "refused: %{A} is not expanded after 1000 steps: does %{A} contain itself?"},
                    Row{"exploding_recursion", "A %{A}%{A}", "%{A}", "",
                        "refused: %{A} is longer than 1048576 bytes when expanded, at %{A}"},
                    Row{"bad_regex_names_file_and_line", "\nGOOD x\nBAD (a", "%{BAD}", "",
                        "refused: %{BAD}: BAD (own:3): missing closing parenthesis after \"((a)\""},
                    Row{"the_deepest_bad_one_is_named", "OUTER %{INNER}y\nINNER [a", "%{OUTER}", "",
                        "refused: %{OUTER}: INNER (own:2): a class without \"]\" at \"[a)\""},
                    Row{"verbs_of_pcre", "", "(*ACCEPT)%{WORD}", "",
                        "refused: (*ACCEPT)%{WORD}: \"(*\" has nothing to repeat at \"(*ACCEPT)\""},
                    Row{"escapes_of_pcre", "", "\\K%{WORD}", "",
                        "refused: \\K%{WORD}: the unknown escape \\K at \"\\K\""},
                    Row{"line_that_is_no_utf8", "", "%{WORD:a}", "abc\xff", "error: the line is not UTF-8"}),
    [](const auto& info) { return info.param.name; });

TEST(Grok, effort_is_bounded) {
  const Result<Grok> grok = Grok::compile(PatternSet(), "^(?<a>(x+x+)+[yz])", {.match_limit = 10'000});
  ASSERT_TRUE(grok) << grok.error().message();
  Scratch scratch;
  std::vector<Capture> captures;
  const Result<bool> matched = grok->match(std::string(200, 'x'), scratch, captures);
  ASSERT_FALSE(matched);
  EXPECT_EQ(matched.error().code(), ErrorCode::kResourceExhausted);
}

TEST(Grok, line_of_ten_megabytes) {
  const Result<Grok> grok = Grok::compile(PatternSet::common(), "%{WORD:a} %{GREEDYDATA:rest}");
  ASSERT_TRUE(grok);
  Scratch scratch;
  std::vector<Capture> captures;
  const std::string line = "first " + std::string(10 << 20, 'x');
  const Result<bool> matched = grok->match(line, scratch, captures);
  ASSERT_TRUE(matched) << matched.error().message();
  EXPECT_EQ(captures[1].text.size(), size_t{10} << 20);
}

TEST(Grok, ignored_fields_are_not_captured) {
  const Result<Grok> grok = Grok::compile(PatternSet::common(), "%{WORD} %{WORD:b}", {.ignored_fields = {"WORD"}});
  ASSERT_TRUE(grok);
  ASSERT_EQ(grok->fields().size(), 1u);
  EXPECT_EQ(grok->fields()[0], "b");
}

TEST(Grok, one_object_serves_many_threads) {
  const Result<Grok> grok = Grok::compile(PatternSet::common(), "%{WORD:a} %{INT:n}");
  ASSERT_TRUE(grok);
  const auto work = [&grok](int n) {
    Scratch scratch;
    std::vector<Capture> captures;
    for (int i = 0; i < 1000; ++i) {
      const Result<bool> matched = grok->match("word " + std::to_string(n), scratch, captures);
      ASSERT_TRUE(matched && *matched);
      ASSERT_EQ(captures[1].integer, n);
    }
  };
  std::thread other(work, 1);
  work(2);
  other.join();
}

// Every built-in name compiles by itself and with the label of a field.
TEST(CommonPatterns, all_compile) {
  for (const std::string& name : PatternSet::common().names()) {
    const Result<Grok> grok = Grok::compile(PatternSet::common(), "%{" + name + ":x}");
    EXPECT_TRUE(grok) << grok.error().message();
  }
}

// Where recorded definitions of other origin lie beside the sources, ours mean the same on lines of many kinds.
std::string recorded_common() {
  const char* shared = std::getenv("MODELYARD_SHARED");
  return read_text((shared != nullptr ? std::string(shared) : MODELYARD_SOURCE_DIR "/../shared") +
                   "/pipeline/golden/patterns/common");
}
TEST(CommonPatterns, agree_with_recorded_definitions) {
  PatternSet recorded;
  recorded.add(recorded_common(), "recorded");
  const std::vector<std::string> words{"12",
                                       "-7",
                                       "+3.5",
                                       ".25",
                                       "1.2.3",
                                       "007",
                                       "0xBEEF",
                                       "a.b-c_d",
                                       "www.example.org",
                                       "10.1.2.3",
                                       "300.1.1.1",
                                       "1:2:3:4:5:6:7:8",
                                       "2001:db8::9",
                                       "::1",
                                       "fe80::",
                                       "00:1B:44:11:3A:B7",
                                       "001B.4411.3AB7",
                                       "/var/log/x.log",
                                       "C:\\Temp\\a b",
                                       "/dev/pts/3",
                                       "http://u:p@h.org:81/x?y=1&z=[2]",
                                       "git+ssh://h/x",
                                       "\"a b\"",
                                       "'c'",
                                       "`d`",
                                       "\"\"",
                                       "\"x\\\"y\"",
                                       "March",
                                       "Jan",
                                       "Janu",
                                       "2016-04-25T09:26:22.123+01:00",
                                       "Mon, 15 Aug 2005 15:52:01 +0000",
                                       "Tuesday Jun 3 2005 15:52:01 EST",
                                       "Thu Jan 15 12:00:00 UTC 2004",
                                       "20050815155201",
                                       "12/31/2016 23:59:60",
                                       "31.12.16-1:02:03",
                                       "Jan  5 14:38:41",
                                       "sshd[123]:",
                                       "<4.6>",
                                       "25/Apr/2016:09:26:22 -0700",
                                       "123e4567-e89b-12d3-a456-426655440000",
                                       "host:8080",
                                       "caf\xc3\xa9",
                                       ""};
  for (const std::string& name : recorded.names()) {
    ASSERT_NE(PatternSet::common().find(name), nullptr) << name;
    for (const std::string& word : words) {
      for (const std::string& line : {word, "x " + word + " 9", word + word}) {
        EXPECT_EQ(fields_of(PatternSet::common(), "%{" + name + ":x}", line),
                  fields_of(recorded, "%{" + name + ":x}", line))
            << line;
      }
    }
  }
}

struct CommonRow {
  std::string pattern;
  std::string line;
  std::string expected;  // the whole match's text or number; "-" = no match
};
void PrintTo(const CommonRow& row, std::ostream* out) { *out << row.pattern << " in " << row.line; }
class CommonTable : public testing::TestWithParam<CommonRow> {};
TEST_P(CommonTable, finds) {
  const CommonRow& row = GetParam();
  const Result<Grok> grok = Grok::compile(PatternSet::common(), "%{" + row.pattern + ":found_it}");
  ASSERT_TRUE(grok) << grok.error().message();
  Scratch scratch;
  std::vector<Capture> captures;
  const Result<bool> matched = grok->match(row.line, scratch, captures);
  ASSERT_TRUE(matched);
  std::string found = "-";
  if (*matched) {
    for (const Capture& capture : captures) {
      if (capture.name != "found_it") continue;
      found = capture.kind == Capture::Kind::kInteger ? std::to_string(capture.integer) : std::string(capture.text);
    }
  }
  EXPECT_EQ(found, row.expected) << row.pattern << " in " << row.line;
}
INSTANTIATE_TEST_SUITE_P(
    Names, CommonTable,
    testing::Values(
        CommonRow{"INT", "a-12b", "-12"}, CommonRow{"NUMBER", "x 1461576382.642 y", "1461576382.642"},
        CommonRow{"NUMBER", ".5", ".5"}, CommonRow{"BASE16NUM", "0xBEEF", "0xBEEF"},
        CommonRow{"POSINT", "007 42", "42"}, CommonRow{"WORD", "--tcp_miss/", "tcp_miss"},
        CommonRow{"QUOTEDSTRING", "a \"b \\\" c\" d", "b \\\" c"}, CommonRow{"QS", "say ''", ""},
        CommonRow{"UUID", "x 123e4567-e89b-12d3-a456-426655440000", "123e4567-e89b-12d3-a456-426655440000"},
        CommonRow{"MAC", "at 00:1B:44:11:3A:B7", "00:1B:44:11:3A:B7"},
        CommonRow{"MAC", "at 001B.4411.3AB7", "001B.4411.3AB7"},
        CommonRow{"MAC", "at 00-1B-44-11-3A-B7", "00-1B-44-11-3A-B7"}, CommonRow{"IP", "10.0.0.256", "-"},
        CommonRow{"IP", "a 10.0.0.25 b", "10.0.0.25"},
        CommonRow{"IP", "2001:db8::8a2e:370:7334", "2001:db8::8a2e:370:7334"},
        CommonRow{"IPV6", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"}, CommonRow{"IPV6", "::", "::"},
        CommonRow{"IPV6", "::1", "::1"}, CommonRow{"IPV6", "1::", "1::"},
        CommonRow{"IPV6", "::ffff:10.1.2.3", "::ffff:10.1.2.3"},
        CommonRow{"IPV6", "1:2:3:4:5:6:10.1.2.3", "1:2:3:4:5:6:10.1.2.3"},
        CommonRow{"IPV6", "1:2:3::7:8", "1:2:3::7:8"}, CommonRow{"IPV6", "64:ff9b::1.2.3.4", "64:ff9b::1.2.3.4"},
        CommonRow{"IPV6", "fe80::1%eth0", "fe80::1%eth0"}, CommonRow{"IPV6", "12:30", "-"},
        CommonRow{"HOSTNAME", "(www.example.org)", "www.example.org"}, CommonRow{"IPORHOST", "10.0.0.1:80", "10.0.0.1"},
        CommonRow{"HOSTPORT", "example.org:8080", "example.org:8080"},
        CommonRow{"UNIXPATH", "in /var/log/x.log ok", "/var/log/x.log"},
        CommonRow{"WINPATH", "C:\\Temp\\a", "C:\\Temp\\a"}, CommonRow{"TTY", "on /dev/pts/3", "/dev/pts/3"},
        CommonRow{"URIPATHPARAM", "GET /a/b?c=d HTTP", "/a/b?c=d"},
        CommonRow{"URI", "see http://u:p@h.org:81/x?y=1 now", "http://u:p@h.org:81/x?y=1"},
        CommonRow{"MONTH", "on March 3", "March"}, CommonRow{"MONTH", "on Jan 3", "Jan"},
        CommonRow{"MONTHNUM", "in 08", "8"}, CommonRow{"MONTHDAY", "31", "31"},
        CommonRow{"DAY", "Wednesday", "Wednesday"}, CommonRow{"YEAR", "in 2016", "2016"},
        CommonRow{"TIME", "at 23:59:60", "23:59:60"}, CommonRow{"DATE_US", "12/31/2016", "12/31/2016"},
        CommonRow{"DATE_EU", "31.12.2016", "31.12.2016"},
        CommonRow{"TIMESTAMP_ISO8601", "2018-08-30T21:02:32.047266Z", "2018-08-30T21:02:32.047266Z"},
        CommonRow{"DATESTAMP_RFC2822", "Mon, 15 Aug 2005 15:52:01 +0000", "Mon, 15 Aug 2005 15:52:01 +0000"},
        CommonRow{"HTTPDATE", "[25/Apr/2016:09:26:22 +0000]", "25/Apr/2016:09:26:22 +0000"},
        CommonRow{"SYSLOGTIMESTAMP", "Jan  5 14:38:41", "Jan  5 14:38:41"},
        CommonRow{"SYSLOGPROG", "sshd[123]:", "sshd[123]"}, CommonRow{"SYSLOGFACILITY", "<4.6>", "<4.6>"},
        CommonRow{"SYSLOGHOST", "host-1", "host-1"}),
    [](const auto& info) { return info.param.pattern + "_" + std::to_string(info.index); });

struct SquidRow {
  std::string name;
  std::string line;
  std::string expected;
};
void PrintTo(const SquidRow& row, std::ostream* out) { *out << row.name; }
class SquidTable : public testing::TestWithParam<SquidRow> {};
TEST_P(SquidTable, parses) {
  PatternSet patterns = PatternSet::common();
  patterns.add(read_text(MODELYARD_SOURCE_DIR "/config/patterns/squid"), "squid");
  EXPECT_EQ(fields_of(patterns, "%{SQUID_DELIMITED:UNWANTED}", GetParam().line), GetParam().expected);
}
INSTANTIATE_TEST_SUITE_P(
    Lines, SquidTable,
    testing::Values(
        SquidRow{"get",
                 "1467011157.401    415 127.0.0.1 TCP_MISS/200 337891 GET http://www.example.com/ - "
                 "HIER_DIRECT/93.184.216.34 text/html",
                 "timestamp='1467011157.401' elapsed=415 ip_src_addr='127.0.0.1' action='TCP_MISS' code=200 "
                 "bytes=337891 method='GET' "
                 "url='http://www.example.com/' ip_dst_addr='93.184.216.34'"},
        SquidRow{
            "connect",
            "1467011158.083     91 10.1.2.3 TCP_TUNNEL/200 4000 CONNECT example.com:443 - HIER_DIRECT/93.184.216.34 -",
            "timestamp='1467011158.083' elapsed=91 ip_src_addr='10.1.2.3' action='TCP_TUNNEL' code=200 bytes=4000 "
            "method='CONNECT' "
            "url='example.com:443' ip_dst_addr='93.184.216.34'"},
        SquidRow{"no_peer",
                 "1467011158.083      0 10.1.2.3 TCP_DENIED/403 3900 GET http://x.org/ - HIER_NONE/- text/html",
                 "timestamp='1467011158.083' elapsed=0 ip_src_addr='10.1.2.3' action='TCP_DENIED' code=403 bytes=3900 "
                 "method='GET' "
                 "url='http://x.org/' ip_dst_addr=null"},
        SquidRow{"digit_in_user_hides_the_peer",
                 "1467011158.083      0 10.1.2.3 TCP_MISS/200 3900 GET http://x.org/ user7 HIER_DIRECT/93.184.216.34 "
                 "text/html",
                 "timestamp='1467011158.083' elapsed=0 ip_src_addr='10.1.2.3' action='TCP_MISS' code=200 bytes=3900 "
                 "method='GET' "
                 "url='http://x.org/' ip_dst_addr=null"},
        SquidRow{
            "ipv6_peer",
            "1467011158.083      0 2001:db8::5 TCP_MISS/200 3900 GET http://x.org/ - HIER_DIRECT/2001:db8::9 text/html",
            "timestamp='1467011158.083' elapsed=0 ip_src_addr='2001:db8::5' action='TCP_MISS' code=200 bytes=3900 "
            "method='GET' "
            "url='http://x.org/' ip_dst_addr='2001:db8::9'"},
        SquidRow{"host_name_client", "1467011158.083      0 client TCP_MISS/200 3900 GET http://x.org/ - HIER_NONE/- -",
                 "no match"},
        SquidRow{"action_with_dash",
                 "1467011158.083      0 10.1.2.3 TCP-MISS/200 3900 GET http://x.org/ - HIER_NONE/- -", "no match"},
        SquidRow{"url_of_digits", "1467011158.083 0 10.1.2.3 TCP_MISS/200 3900 GET 12345 - HIER_NONE/- -",
                 "timestamp='1467011158.083' elapsed=0 ip_src_addr='10.1.2.3' action='TCP_MISS' code=200 bytes=3900 "
                 "method='GET' "
                 "url=12345 ip_dst_addr=null"}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace modelyard::grok
