// SPDX-License-Identifier: Apache-2.0
#include "documents/query.h"

#include <gmock/gmock.h>

#include "documents/words.h"

namespace modelyard::documents {
namespace {

bool is_field(std::string_view name) {
  return name == "source:type" || name == "url" || name == "ip_src_addr" || name == "source" || name == "raw_message";
}

// A term in one line: [-][field=]word+word[*]
std::string describe(const std::vector<Term>& terms) {
  std::string out;
  for (const Term& term : terms) {
    if (!out.empty()) out += " | ";
    if (term.negated) out += "-";
    if (!term.field.empty()) out += term.field + "=";
    for (size_t i = 0; i < term.words.size(); ++i) out += (i > 0 ? "+" : "") + term.words[i];
    if (term.is_prefix) out += "*";
  }
  return out;
}

struct Row {
  std::string name;
  std::string text;
  std::string terms;
};
class QueryText : public testing::TestWithParam<Row> {};

TEST_P(QueryText, IsReadAs) {
  const auto terms = parse_query(GetParam().text, is_field);
  ASSERT_TRUE(terms) << terms.error().message();
  EXPECT_EQ(describe(*terms), GetParam().terms);
}

INSTANTIATE_TEST_SUITE_P(Table, QueryText,
                         testing::ValuesIn(std::vector<Row>{
                             {"empty", "", ""},
                             {"blanks", " \t ", ""},
                             {"word", "Yahoo", "yahoo"},
                             {"words", "yahoo squid", "yahoo | squid"},
                             {"host", "yahoo.com", "yahoo+com"},
                             {"address", "10.0.0.1", "10.0.0.1"},
                             {"addresses", "10.0.0.1:80,10.0.0.2", "10.0.0.1+80+10.0.0.2"},
                             {"net", "10.1.*", "10.1.*"},
                             {"net_in_field", "ip_src_addr:10.1.2.*", "ip_src_addr=10.1.2.*"},
                             {"number_prefix", "10*", "10*"},
                             {"part_of_address", "10.0.0", "10+0+0"},
                             {"time", "1461576382.642", "1461576382+642"},
                             {"version", "1.2.3.4.5", "1+2+3+4+5"},
                             {"not_an_address", "1.2.3.4a", "1+2+3+4a"},
                             {"uuid", "EFD3C97F-d2e2-4a2b-ba54-72bb93b625ff", "efd3c97f-d2e2-4a2b-ba54-72bb93b625ff"},
                             {"not_a_uuid", "efd3c97f-d2e2-4a2b-ba54-72bb93b625ff0",
                              "efd3c97f+d2e2+4a2b+ba54+72bb93b625ff0"},
                             {"uuid_prefix", "efd3c97f*", "efd3c97f*"},
                             {"url", "http://yahoo.com/", "http+yahoo+com"},
                             {"phrase", "\"GET http\"", "get+http"},
                             {"open_quote", "\"GET http", "get+http"},
                             {"prefix", "yah*", "yah*"},
                             {"prefix_of_host", "yahoo.c*", "yahoo+c*"},
                             {"star_after_separator", "a/*", "a"},
                             {"prefix_phrase", "\"get ht\"*", "get+ht*"},
                             {"prefix_beyond_ascii", "\xC3\xBC*", "\xC3\xBC*"},
                             {"field", "url:yahoo.com", "url=yahoo+com"},
                             {"field_with_colon", "source:type:squid", "source:type=squid"},
                             {"longest_known_field", "source:type:squid:x", "source:type=squid+x"},
                             {"shorter_field", "source:other", "source=other"},
                             {"field_phrase", "url:\"a b\"", "url=a+b"},
                             {"field_url", "url:http://yahoo.com/", "url=http+yahoo+com"},
                             {"unknown_field", "nosuch:x", "nosuch+x"},
                             {"text_fields_are_all_values", "raw_message:x", "x"},
                             {"negated", "-yahoo squid", "-yahoo | squid"},
                             {"negated_field", "-url:yahoo.com", "-url=yahoo+com"},
                             {"ipv6", "fe80::1", "fe80+1"},
                             {"sql", "'; DROP TABLE docs; --x", "drop | table | docs | -x"},
                             {"fts_syntax", "a NEAR(b c) OR {x}: ^d", "a | near+b | c | or | x | d"},
                             {"wordless_terms_beside_words", "* yahoo !!", "yahoo"},
                             {"not_utf8", "\xff\xfeword", "word"},
                             {"ideographs", "\xE6\x9D\xB1\xE4\xBA\xAC", "\xE6\x9D\xB1+\xE4\xBA\xAC"},
                             {"folded",
                              "\xC3\x9C"
                              "BER",
                              "\xC3\xBC"
                              "ber"},
                             {"quote_inside", "a\"b", "a+b"},
                         }),
                         [](const auto& info) { return info.param.name; });

struct RefusedRow {
  std::string name;
  std::string text;
  std::string says;
};
class RefusedQuery : public testing::TestWithParam<RefusedRow> {};

TEST_P(RefusedQuery, SaysWhy) {
  const auto terms = parse_query(GetParam().text, is_field);
  ASSERT_FALSE(terms);
  EXPECT_EQ(terms.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(terms.error().message(), testing::HasSubstr(GetParam().says));
}

std::string many_terms() {
  std::string text;
  for (int i = 0; i < 65; ++i) text += "t" + std::to_string(i) + " ";
  return text;
}

INSTANTIATE_TEST_SUITE_P(Table, RefusedQuery,
                         testing::ValuesIn(std::vector<RefusedRow>{
                             {"star", "*", "no letter or digit"},
                             {"quotes", "\"\"", "no letter or digit"},
                             {"field_without_value", "url:", "no letter or digit"},
                             {"punctuation", "/ -- ;", "no letter or digit"},
                             {"too_long", std::string(4097, 'a'), "4096"},
                             {"too_many", many_terms(), "64 terms"},
                         }),
                         [](const auto& info) { return info.param.name; });

TEST(Words, LongOnesAreKnownByTheirBeginning) {
  WordCutter cutter;
  std::vector<std::string> words;
  cutter.cut(std::string(1000, 'x') + " y", [&](std::string_view word) { words.emplace_back(word); });
  EXPECT_THAT(words, testing::ElementsAre(std::string(kWordBytesMax, 'x'), "y"));
}

}  // namespace
}  // namespace modelyard::documents
