// SPDX-License-Identifier: Apache-2.0
#include "stellar/functions/java_regex_class.h"

#include <fmt/format.h>
#include <unicode/uniset.h>

#include <charconv>
#include <optional>
#include <vector>

#include "stellar/eval/utf16.h"

namespace modelyard::stellar {
namespace {

constexpr int kNestingMax = 50;

[[noreturn]] void refuse(std::string message) { throw RegexProblem{ErrorCode::kInvalidArgument, std::move(message)}; }

struct Named {
  std::string_view name;
  std::string_view inside;  // as it stands in brackets
};
constexpr Named kPosix[] = {
    {"Lower", "a-z"},
    {"Upper", "A-Z"},
    {"ASCII", "\\x00-\\x7F"},
    {"Alpha", "a-zA-Z"},
    {"Digit", "0-9"},
    {"Alnum", "a-zA-Z0-9"},
    {"Punct", "!-\\/:-@\\[-`{-~"},
    {"Graph", "!-~"},
    {"Print", " -~"},
    {"Blank", " \\t"},
    {"Cntrl", "\\x00-\\x1F\\x7F"},
    {"XDigit", "0-9a-fA-F"},
    {"Space", "\\x09-\\x0D "},
    {"javaLowerCase", "\\p{Ll}"},
    {"javaUpperCase", "\\p{Lu}"},
    {"javaWhitespace", "\\x09-\\x0D\\x1C-\\x20\\p{Z}"},
    {"javaLetter", "\\p{L}"},
    {"javaDigit", "\\p{Nd}"},
    {"javaLetterOrDigit", "\\p{L}\\p{Nd}"},
    {"javaAlphabetic", "\\p{L}\\p{Nl}"},
};

std::string code_point(char32_t c) { return fmt::format("\\x{{{:X}}}", static_cast<uint32_t>(c)); }

// The ranges of any property that ICU knows: blocks and the like, which PCRE2 does not.
std::string ranges_of(const std::string& expression) {
  UErrorCode error = U_ZERO_ERROR;
  const icu::UnicodeSet set(icu::UnicodeString::fromUTF8(expression), error);
  if (U_FAILURE(error)) return {};
  std::string out;
  for (int32_t i = 0; i < set.getRangeCount(); ++i) {
    const auto from = static_cast<char32_t>(set.getRangeStart(i));
    const auto to = static_cast<char32_t>(set.getRangeEnd(i));
    if (from >= 0xD800 && to <= 0xDFFF) continue;
    out += code_point(from) + "-" + code_point(to);
  }
  return out;
}

// The content of brackets for \p{name}.
std::string property(std::string name) {
  for (const Named& posix : kPosix) {
    if (posix.name == name) return std::string(posix.inside);
  }
  std::string key;
  if (const size_t equals = name.find('='); equals != std::string::npos) {
    key = name.substr(0, equals);
    name = name.substr(equals + 1);
  }
  const bool category = name.size() <= 2 && (key.empty() || key == "gc" || key == "general_category");
  if (category) {
    static constexpr std::string_view kCategories =
        " L Lu Ll Lt Lm Lo LC M Mn Mc Me N Nd Nl No P Pc Pd Ps Pe Pi Pf Po S Sm Sc Sk So Z Zs Zl Zp C Cc Cf Co Cn Cs ";
    if (kCategories.find(" " + name + " ") == std::string_view::npos) refuse(fmt::format("unknown category {}", name));
    return name == "LC" ? "\\p{Lu}\\p{Ll}\\p{Lt}" : fmt::format("\\p{{{}}}", name);
  }
  std::string made;
  if (name.starts_with("In") || key == "blk" || key == "block") {
    made = ranges_of(fmt::format("[\\p{{Block={}}}]", name.starts_with("In") && key.empty() ? name.substr(2) : name));
  } else if (name.starts_with("Is") || !key.empty()) {
    const std::string bare = key.empty() ? name.substr(2) : name;
    if (bare.size() <= 2) return property(bare);
    made = ranges_of(fmt::format("[\\p{{{}}}]", bare));
  }
  if (made.empty()) refuse(fmt::format("unknown character property {}", name));
  return made;
}

uint32_t hexadecimal(std::string_view digits) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size() || value > 0x10FFFF)
    refuse("illegal hexadecimal escape");
  return value;
}

// \uXXXX, two of them for a pair.
char32_t unicode_escape(RegexReader& reader) {
  const auto unit = [&] {
    if (reader.rest().size() < 6) refuse("illegal Unicode escape");
    const uint32_t value = hexadecimal(reader.rest().substr(2, 4));
    reader.skip(6);
    return value;
  };
  const uint32_t first = unit();
  if (first < 0xD800 || first > 0xDBFF || reader.peek() != '\\' || reader.peek(1) != 'u') return first;
  RegexReader ahead = reader;
  if (ahead.rest().size() < 6) return first;
  const uint32_t second = hexadecimal(ahead.rest().substr(2, 4));
  if (second < 0xDC00 || second > 0xDFFF) return first;
  reader.skip(6);
  return 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
}

// An escape that stands for one character; nothing where it stands for a class.
std::optional<char32_t> character_escape(RegexReader& reader) {
  const char c = reader.peek(1);
  const auto simple = [&](char32_t value) {
    reader.skip(2);
    return value;
  };
  switch (c) {
    case 't': return simple('\t');
    case 'n': return simple('\n');
    case 'r': return simple('\r');
    case 'f': return simple('\f');
    case 'a': return simple(7);
    case 'e': return simple(27);
    case 'u': return unicode_escape(reader);
    case 'c': {
      if (reader.rest().size() < 3) refuse("\\c takes a character");
      const auto value = static_cast<char32_t>(static_cast<uint8_t>(reader.peek(2)) ^ 64);
      reader.skip(3);
      return value;
    }
    case '0': {
      size_t digits = 0;
      uint32_t value = 0;
      while (digits < 3 && reader.peek(2 + digits) >= '0' && reader.peek(2 + digits) <= '7' && value * 8 + 7 < 0x800) {
        const uint32_t next = value * 8 + static_cast<uint32_t>(reader.peek(2 + digits) - '0');
        if (next > 0377) break;
        value = next;
        ++digits;
      }
      if (digits == 0) refuse("illegal octal escape");
      reader.skip(2 + digits);
      return value;
    }
    case 'x': {
      const bool braced = reader.peek(2) == '{';
      const size_t close = braced ? reader.rest().find('}') : 4;
      if (close == std::string_view::npos || reader.rest().size() < 4) refuse("illegal hexadecimal escape");
      const uint32_t value = hexadecimal(reader.rest().substr(braced ? 3 : 2, braced ? close - 3 : 2));
      reader.skip(braced ? close + 1 : 4);
      return value;
    }
    default: break;
  }
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return std::nullopt;
  if (c >= '1' && c <= '9') refuse("a group reference cannot stand in brackets");
  reader.skip(1);
  if (reader.at_end()) refuse("a backslash at the end");
  return reader.next();
}

bool is_surrogate(char32_t c) { return c >= 0xD800 && c <= 0xDFFF; }

// A union of characters: the content of one bracket and further atoms beside it.
struct Union {
  std::string items;
  std::vector<std::string> atoms;
  bool negated = false;

  bool empty() const { return items.empty() && atoms.empty(); }
  std::string atom() const {
    std::vector<std::string> all = atoms;
    if (!items.empty()) all.insert(all.begin(), fmt::format("[{}{}]", negated ? "^" : "", items));
    if (all.empty()) return negated ? "(?s:.)" : "(?!)";
    if (all.size() == 1) return all.front();
    return fmt::format("(?:{})", fmt::join(all, "|"));
  }
};

std::string class_at(RegexReader& reader, int depth);

// One end of a range, or a whole class where `whole` is set.
struct Item {
  std::optional<char32_t> character;
  std::string whole;
};
Item read_item(RegexReader& reader) {
  if (reader.peek() == '\\') {
    RegexReader at = reader;
    if (const auto c = character_escape(reader)) return {c, {}};
    reader = at;
    return {std::nullopt, translate_class_escape(reader, true)};
  }
  return {reader.next(), {}};
}

void add_item(RegexReader& reader, Union& into) {
  if (reader.peek() == '\\' && reader.peek(1) == 'Q') {
    into.items += quoted(reader);
    return;
  }
  const Item first = read_item(reader);
  if (!first.character) {
    into.items += first.whole;
    return;
  }
  const bool range = reader.peek() == '-' && reader.peek(1) != ']' && reader.peek(1) != '[' && reader.peek(1) != '\0';
  if (!range) {
    if (!is_surrogate(*first.character)) into.items += code_point(*first.character);
    return;
  }
  reader.skip(1);
  const Item last = read_item(reader);
  if (!last.character) {
    into.items += code_point(*first.character) + "\\-" + last.whole;
    return;
  }
  if (*last.character < *first.character) refuse("illegal range of characters");
  into.items += code_point(*first.character) + "-" + code_point(*last.character);
}

std::string intersect(const std::vector<Union>& parts) {
  if (parts.size() == 1) return parts.front().atom();
  std::string out = "(?:";
  for (size_t i = 0; i + 1 < parts.size(); ++i) out += fmt::format("(?={})", parts[i].atom());
  return out + parts.back().atom() + ")";
}

std::string class_at(RegexReader& reader, int depth) {
  if (depth > kNestingMax) refuse("classes are nested too deep");
  reader.skip(1);
  const bool negated = reader.peek() == '^';
  if (negated) reader.skip(1);
  std::vector<Union> parts(1);
  bool first = true;
  while (true) {
    if (reader.at_end()) refuse("a class is not closed: ']' is missing");
    const char c = reader.peek();
    if (c == ']' && !first) {
      reader.skip(1);
      break;
    }
    first = false;
    if (c == '[') {
      parts.back().atoms.push_back(class_at(reader, depth + 1));
    } else if (c == '&' && reader.peek(1) == '&') {
      while (reader.peek() == '&') reader.skip(1);
      if (!parts.back().empty()) parts.emplace_back();
    } else {
      add_item(reader, parts.back());
    }
  }
  if (parts.size() > 1 && parts.back().empty()) parts.pop_back();
  if (!negated) return intersect(parts);
  if (parts.size() == 1) {
    parts.front().negated = true;  // what is nested in it is added, not negated, as Java 8 does
    if (parts.front().items.empty() && !parts.front().atoms.empty())
      return fmt::format("(?:(?!{})(?s:.))", fmt::join(parts.front().atoms, "|"));
    return parts.front().atom();
  }
  return fmt::format("(?:(?!{})(?s:.))", intersect(parts));
}

}  // namespace

char32_t RegexReader::next() { return next_character(text_, pos_); }

std::string translate_class(RegexReader& reader) { return class_at(reader, 0); }

std::string quoted(RegexReader& reader) {
  reader.skip(2);
  std::string out;
  while (!reader.at_end()) {
    if (reader.peek() == '\\' && reader.peek(1) == 'E') {
      reader.skip(2);
      break;
    }
    out += code_point(reader.next());
  }
  return out;
}

std::string translate_class_escape(RegexReader& reader, bool inside) {
  const char c = reader.peek(1);
  switch (c) {
    case 'd':
    case 'D':
    case 'w':
    case 'W':
    case 's':
    case 'S':
    case 'h':
    case 'H':
    case 'v':
    case 'V': {
      const std::string out(reader.rest().substr(0, 2));
      reader.skip(2);
      return out;
    }
    case 'E': reader.skip(2); return {};
    case 'p':
    case 'P': {
      const bool braced = reader.peek(2) == '{';
      const size_t close = reader.rest().find('}');
      if ((braced && close == std::string_view::npos) || reader.rest().size() < 3)
        refuse("a character property is not closed");
      std::string content =
          property(std::string(braced ? reader.rest().substr(3, close - 3) : reader.rest().substr(2, 1)));
      reader.skip(braced ? close + 1 : 3);
      if (!inside) return fmt::format("[{}{}]", c == 'P' ? "^" : "", content);
      if (c == 'p') return content;
      if (content.starts_with("\\p{") && content.find('\\', 1) == std::string::npos) return "\\P" + content.substr(2);
      throw RegexProblem{ErrorCode::kUnsupported, "this negated property cannot stand in brackets"};
    }
    default: break;
  }
  const auto character = character_escape(reader);
  if (!character) refuse(fmt::format("illegal escape \\{}", c));
  if (is_surrogate(*character)) return inside ? "" : "(?!)";
  return code_point(*character);
}

}  // namespace modelyard::stellar
