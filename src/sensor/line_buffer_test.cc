// SPDX-License-Identifier: Apache-2.0
#include "sensor/line_buffer.h"

#include <gmock/gmock.h>

#include <cstring>

#include "base/random.h"

namespace modelyard::sensor {
namespace {

// Feeds the text in pieces of that size; "text|" per line, bytes in brackets where text was left out.
std::string cut(std::string_view text, size_t piece, size_t line_bytes_max, bool rest) {
  LineBuffer buffer(line_bytes_max);
  std::string out;
  size_t total = 0;
  const auto take = [&](const LineBuffer::Line& line) {
    out += std::string(line.text) + "|";
    total += line.bytes;
  };
  for (size_t at = 0; at < text.size(); at += piece) {
    const std::string_view part = text.substr(at, piece);
    std::memcpy(buffer.prepare(part.size()), part.data(), part.size());
    buffer.commit(part.size());
    while (const auto line = buffer.next()) take(*line);
  }
  if (rest) {
    if (const auto line = buffer.take_rest()) take(*line);
    EXPECT_EQ(total, text.size()) << "every byte belongs to a line";
  }
  return out;
}

struct Row {
  std::string name;
  std::string text;
  std::string lines;
  size_t max = 100;
};
class Lines : public testing::TestWithParam<Row> {};

TEST_P(Lines, AreTheSameHoweverTheyCome) {
  for (const size_t piece : {1, 2, 3, 5, 1000}) {
    EXPECT_EQ(cut(GetParam().text, piece, GetParam().max, true), GetParam().lines) << "in pieces of " << piece;
  }
}

INSTANTIATE_TEST_SUITE_P(Table, Lines,
                         testing::ValuesIn(std::vector<Row>{
                             {"nothing", "", ""},
                             {"one", "a\n", "a|"},
                             {"without_end", "a\nb", "a|b|"},
                             {"empty_lines", "\n\na\n", "||a|"},
                             {"crlf", "a\r\nb\r\n", "a|b|"},
                             {"cr_inside", "a\rb\n", "a\rb|"},
                             {"cr_at_the_end", "a\r", "a\r|"},
                             {"nul", std::string("a\0b\n", 4), std::string("a\0b|", 4)},
                             {"not_utf8", "\xff\xfe\n", "\xff\xfe|"},
                             {"at_the_bound", "abcd\ne\n", "abcd|e|", 4},
                             {"over_the_bound_shows_one_more", "abcdefghij\nk\n", "abcde|k|", 4},
                             {"over_the_bound_without_end", "abcdefghij", "abcde|", 4},
                             {"far_over", std::string(5000, 'x') + "\ny\n", "xxxxx|y|", 4},
                         }),
                         [](const auto& info) { return info.param.name; });

TEST(LineBuffer, IncompleteLineWaits) { EXPECT_EQ(cut("a\nbc", 2, 100, false), "a|"); }

TEST(LineBuffer, AnyPiecesGiveTheSameLines) {
  Random random(7);
  for (int round = 0; round < 200; ++round) {
    std::string text;
    std::string expected;
    for (int line = 0; line < 20; ++line) {
      const std::string body(random.below(40), static_cast<char>('a' + line));
      text += body + "\n";
      expected += body.substr(0, 31) + "|";
    }
    EXPECT_EQ(cut(text, 1 + random.below(64), 30, true), expected);
  }
}

}  // namespace
}  // namespace modelyard::sensor
