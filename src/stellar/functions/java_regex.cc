// SPDX-License-Identifier: Apache-2.0
#include "stellar/functions/java_regex.h"

#include <fmt/format.h>

#include <vector>

#include "stellar/functions/java_regex_class.h"

namespace modelyard::stellar {
namespace {

constexpr std::string_view kWord = "[\\p{L}\\p{Nd}_]";
constexpr std::string_view kLineEnds = "\\n\\r\\x{85}\\x{2028}\\x{2029}";

struct Flags {
  bool dot_all = false;
  bool multiline = false;
  bool comments = false;
  bool unix_lines = false;
};

class Translator {
 public:
  explicit Translator(std::string_view pattern) : reader_(pattern), groups_(count_groups(pattern)) {}

  std::string run() {
    std::vector<Flags> open;
    while (!reader_.at_end()) {
      if (skip_comment()) continue;
      const char c = reader_.peek();
      switch (c) {
        case '\\': escape(); break;
        case '[': out_ += translate_class(reader_); break;
        case '(': {
          const Flags outer = flags_;
          if (open_group()) open.push_back(outer);
          if (open.size() > kNestingMax) fail("nested too deep");
          break;
        }
        case ')':
          if (open.empty()) fail("unmatched ')'");
          flags_ = open.back();
          open.pop_back();
          reader_.skip(1);
          out_ += ')';
          break;
        case '.':
          reader_.skip(1);
          out_ += flags_.dot_all ? "(?s:.)" : flags_.unix_lines ? "[^\\n]" : fmt::format("[^{}]", kLineEnds);
          break;
        case '^':
          reader_.skip(1);
          out_ += !flags_.multiline ? "\\A" : fmt::format("(?:\\A|(?<=[{}])(?<!\\r(?=\\n))(?!\\z))", kLineEnds);
          break;
        case '$':
          reader_.skip(1);
          out_ += flags_.multiline ? line_end() : last_line_end();
          break;
        case '{': repetition(); break;
        default: literal();
      }
    }
    if (!open.empty()) fail("a group is not closed");
    return std::move(out_);
  }

 private:
  static constexpr size_t kNestingMax = 200;

  [[noreturn]] static void fail(std::string message) {
    throw RegexProblem{ErrorCode::kInvalidArgument, std::move(message)};
  }

  static int count_groups(std::string_view pattern) {
    int groups = 0;
    bool quoted = false;
    int brackets = 0;
    for (size_t i = 0; i < pattern.size(); ++i) {
      if (quoted) {
        quoted = pattern.substr(i, 2) != "\\E";
        continue;
      }
      if (pattern[i] == '\\') {
        quoted = pattern.substr(i, 2) == "\\Q";
        ++i;
      } else if (pattern[i] == '[') {
        ++brackets;
      } else if (pattern[i] == ']' && brackets > 0) {
        --brackets;
      } else if (pattern[i] == '(' && brackets == 0) {
        const std::string_view rest = pattern.substr(i + 1, 3);
        if (!rest.starts_with('?') || (rest.starts_with("?<") && rest.size() == 3 && rest[2] != '=' && rest[2] != '!'))
          ++groups;
      }
    }
    return groups;
  }

  // In comments mode blanks and # … are nothing.
  bool skip_comment() {
    if (!flags_.comments) return false;
    const char c = reader_.peek();
    if (c == '#') {
      while (!reader_.at_end() && reader_.peek() != '\n') reader_.skip(1);
      return true;
    }
    if (c != ' ' && (c < '\t' || c > '\r')) return false;
    reader_.skip(1);
    return true;
  }

  std::string last_line_end() const {
    if (flags_.unix_lines) return "(?=\\n?\\z)";
    return "(?:(?=(?:\\r\\n|[\\r\\x{85}\\x{2028}\\x{2029}])?\\z)|(?<!\\r)(?=\\n\\z))";
  }
  std::string line_end() const {
    if (flags_.unix_lines) return "(?=\\n|\\z)";
    return "(?:(?=[\\r\\x{85}\\x{2028}\\x{2029}]|\\z)|(?<!\\r)(?=\\n))";
  }

  void literal() {
    const size_t before = reader_.position();
    reader_.next();
    out_ += reader_.slice(before);
  }

  // "{" begins a repetition and nothing else.
  void repetition() {
    const std::string_view rest = reader_.rest();
    size_t i = 1;
    while (i < rest.size() && rest[i] >= '0' && rest[i] <= '9') ++i;
    if (i == 1) fail("illegal repetition: '{' needs a number");
    if (i < rest.size() && rest[i] == ',') ++i;
    while (i < rest.size() && rest[i] >= '0' && rest[i] <= '9') ++i;
    if (i >= rest.size() || rest[i] != '}') fail("a repetition is not closed");
    out_ += rest.substr(0, i + 1);
    reader_.skip(i + 1);
  }

  // True when a group was opened whose ')' ends the flags set in it.
  bool open_group() {
    const std::string_view rest = reader_.rest();
    if (!rest.starts_with("(?")) {
      reader_.skip(1);
      out_ += '(';
      return true;
    }
    for (const std::string_view start : {"(?:", "(?=", "(?!", "(?>", "(?<=", "(?<!"}) {
      if (!rest.starts_with(start)) continue;
      reader_.skip(start.size());
      out_ += start;
      return true;
    }
    if (rest.starts_with("(?<")) {
      const size_t close = rest.find('>');
      if (close == std::string_view::npos) fail("the name of a group is not closed");
      out_ += rest.substr(0, close + 1);
      reader_.skip(close + 1);
      return true;
    }
    return inline_flags();
  }

  bool inline_flags() {
    reader_.skip(2);
    bool on = true;
    std::string kept_on;
    std::string kept_off;
    while (true) {
      if (reader_.at_end()) fail("inline flags are not closed");
      const char c = reader_.peek();
      reader_.skip(1);
      switch (c) {
        case '-': on = false; continue;
        case 'i': (on ? kept_on : kept_off) += 'i'; continue;
        case 's': flags_.dot_all = on; continue;
        case 'm': flags_.multiline = on; continue;
        case 'x': flags_.comments = on; continue;
        case 'd': flags_.unix_lines = on; continue;
        case 'u':
        case 'U': continue;
        case ')':
        case ':': break;
        default: fail(fmt::format("unknown inline flag '{}'", c));
      }
      const std::string text = kept_on + (kept_off.empty() ? "" : "-" + kept_off);
      if (c == ')') {
        if (!text.empty()) out_ += fmt::format("(?{})", text);
        return false;
      }
      out_ += fmt::format("(?{}:", text);
      return true;
    }
  }

  void escape() {
    const char c = reader_.peek(1);
    if (c == '\0' && reader_.rest().size() < 2) fail("a backslash at the end");
    switch (c) {
      case 'Q': out_ += quoted(reader_); return;
      case 'b':
        reader_.skip(2);
        out_ += fmt::format("(?:(?<={0})(?!{0})|(?<!{0})(?={0}))", kWord);
        return;
      case 'B':
        reader_.skip(2);
        out_ += fmt::format("(?:(?<={0})(?={0})|(?<!{0})(?!{0}))", kWord);
        return;
      case 'Z':
        reader_.skip(2);
        out_ += last_line_end();
        return;
      case 'A':
      case 'z':
      case 'G':
      case 'R':
        out_ += reader_.rest().substr(0, 2);
        reader_.skip(2);
        return;
      case 'k': {
        const size_t close = reader_.rest().find('>');
        if (reader_.peek(2) != '<' || close == std::string_view::npos) fail("\\k takes a group's name: \\k<name>");
        out_ += reader_.rest().substr(0, close + 1);
        reader_.skip(close + 1);
        return;
      }
      default: break;
    }
    if (c >= '1' && c <= '9') return reference();
    out_ += translate_class_escape(reader_, false);
  }

  // \11 is group 11 where there are so many, else group 1 and the digit.
  void reference() {
    int group = reader_.peek(1) - '0';
    reader_.skip(2);
    while (reader_.peek() >= '0' && reader_.peek() <= '9') {
      const int longer = group * 10 + (reader_.peek() - '0');
      if (longer > groups_) break;
      group = longer;
      reader_.skip(1);
    }
    out_ += group > groups_ ? std::string("(?!)") : fmt::format("\\g{{{}}}", group);
  }

  RegexReader reader_;
  int groups_;
  Flags flags_;
  std::string out_;
};

}  // namespace

Result<std::string> translate_java_regex(std::string_view pattern) {
  try {
    return Translator(pattern).run();
  } catch (RegexProblem& problem) {
    return modelyard::fail(problem.code, std::move(problem.message));
  }
}

}  // namespace modelyard::stellar
