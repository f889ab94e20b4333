// SPDX-License-Identifier: Apache-2.0
#include "grok/java_regex.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <utility>

namespace modelyard::grok {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

constexpr int kClassDepthMax = 50;

struct NamePair {
  std::string_view java;
  std::string_view pcre;
};
constexpr std::array<NamePair, 13> kPosix{{{"Lower", "lower"},
                                           {"Upper", "upper"},
                                           {"ASCII", "ascii"},
                                           {"Alpha", "alpha"},
                                           {"Digit", "digit"},
                                           {"Alnum", "alnum"},
                                           {"Punct", "punct"},
                                           {"Graph", "graph"},
                                           {"Print", "print"},
                                           {"Blank", "blank"},
                                           {"Cntrl", "cntrl"},
                                           {"XDigit", "xdigit"},
                                           {"Space", "space"}}};
constexpr std::array<NamePair, 12> kUnicode{{{"javaLowerCase", "Ll"},
                                             {"javaUpperCase", "Lu"},
                                             {"javaDigit", "Nd"},
                                             {"javaLetter", "L"},
                                             {"javaAlphabetic", "Alphabetic"},
                                             {"javaWhitespace", "White_Space"},
                                             {"IsLetter", "L"},
                                             {"IsDigit", "Nd"},
                                             {"IsPunctuation", "P"},
                                             {"IsControl", "Cc"},
                                             {"IsAlphabetic", "Alphabetic"},
                                             {"IsAssigned", "Any"}}};

// True for \1..\9 and \k outside \Q..\E.
bool has_back_reference(std::string_view text) {
  for (size_t at = 0; at + 1 < text.size(); ++at) {
    if (text[at] != '\\') continue;
    const char next = text[++at];
    if (next == 'Q') {
      at = text.find("\\E", at);
      if (at == std::string_view::npos) return false;
      ++at;
    } else if ((next >= '1' && next <= '9') || next == 'k') {
      return true;
    }
  }
  return false;
}

class Translator {
 public:
  Translator(std::string_view text, const JavaRegexOptions& options)
      : text_(text), options_(options), keep_all_(!options.keep_group || has_back_reference(text)) {}

  Result<PcreText> run() {
    while (at_ < text_.size()) {
      switch (text_[at_]) {
        case '\\': MY_TRY_VOID(escape(out_.pattern, false)); break;
        case '[': {
          ++at_;
          MY_TRY(std::string atom, char_class(0));
          out_.pattern += atom;
          break;
        }
        case '(': MY_TRY_VOID(group()); break;
        default: out_.pattern.push_back(text_[at_++]);
      }
    }
    return std::move(out_);
  }

 private:
  tl::unexpected<Error> refuse(size_t offset, std::string_view why) const {
    std::string_view near = text_.substr(offset, 24);
    if (const size_t mark = near.find("(?<\x01"); mark != std::string_view::npos)
      near = near.substr(0, mark);  // expand.h
    return fail(ErrorCode::kInvalidArgument, fmt::format("{} at \"{}\"", why, near));
  }
  bool looking_at(std::string_view what) const { return text_.substr(at_, what.size()) == what; }

  Status group() {
    const size_t start = at_;
    if (looking_at("(*")) return refuse(start, "\"(*\" has nothing to repeat");
    if (!looking_at("(?")) {
      ++at_;
      open_group("");
      return {};
    }
    if (looking_at("(?<") && !looking_at("(?<=") && !looking_at("(?<!")) {
      const size_t end = text_.find('>', at_);
      if (end == std::string_view::npos) return refuse(start, "a group name without \">\"");
      const std::string_view name = text_.substr(at_ + 3, end - at_ - 3);
      if (name.empty()) return refuse(start, "a group with an empty name");
      at_ = end + 1;
      open_group(name);
      return {};
    }
    return special_group();
  }

  // (?:X) (?=X) (?>X) … as they are; (?flags) and (?flags:X) without the flags that only Java has.
  Status special_group() {
    const size_t start = at_;
    at_ += 2;
    const char kind = at_ < text_.size() ? text_[at_] : '\0';
    if (kind == ':' || kind == '=' || kind == '!' || kind == '>' || kind == '<') {
      out_.pattern += "(?";
      if (kind == '<') out_.pattern.push_back(text_[at_++]);
      if (at_ < text_.size()) out_.pattern.push_back(text_[at_++]);
      return {};
    }
    std::string flags;
    while (at_ < text_.size() && text_[at_] != ')' && text_[at_] != ':') {
      const char flag = text_[at_++];
      if (flag == 'U') return refuse(start, "the flag U (Unicode classes) is not supported");
      if (std::string_view("imsx-").find(flag) != std::string_view::npos) {
        flags.push_back(flag);
      } else if (flag != 'd' && flag != 'u') {
        return refuse(start, "an unknown group");
      }
    }
    if (at_ >= text_.size()) return refuse(start, "a group without \")\"");
    const char end = text_[at_++];
    if (end == ')' && flags.find_first_not_of('-') == std::string::npos) return {};
    out_.pattern += "(?" + flags;
    out_.pattern.push_back(end);
    return {};
  }

  void open_group(std::string_view name) {
    if (!keep_all_ && !options_.keep_group(name)) {
      out_.pattern += "(?:";
      return;
    }
    out_.pattern += "(";
    out_.groups.emplace_back(name);
  }

  // One escape, at_ on the backslash.
  Status escape(std::string& out, bool in_class) {
    const size_t start = at_++;
    if (at_ >= text_.size()) return refuse(start, "a backslash at the end");
    const char kind = text_[at_++];
    switch (kind) {
      case 'p':
      case 'P': return property(out, in_class, kind == 'P');
      case 'u': return unicode(out, start);
      case 'x': out += "\\x"; return {};
      case '0': return octal(out, start);
      case 'Q': return quoted(out);
      case 'c':
        if (at_ >= text_.size()) return refuse(start, "\\c without its character");
        out += fmt::format("\\x{{{:x}}}", static_cast<unsigned char>(text_[at_++]) ^ 0x40u);
        return {};
      default: break;
    }
    if (!in_class && kind >= '1' && kind <= '9') return back_reference(out, start);
    if (!in_class && kind == 'k') return named_reference(out, start);
    const std::string_view known = in_class ? "dDwWsShHvVtnrfae" : "dDwWsShHvVtnrfaebBAGZzRX";
    if ((is_alpha(kind) || is_digit(kind)) && known.find(kind) == std::string_view::npos) {
      return refuse(start, fmt::format("the unknown escape \\{}", kind));
    }
    out.push_back('\\');
    out.push_back(kind);
    return {};
  }

  Status property(std::string& out, bool in_class, bool negated) {
    const size_t start = at_;
    std::string_view name;
    if (at_ < text_.size() && text_[at_] == '{') {
      const size_t end = text_.find('}', at_);
      if (end == std::string_view::npos) return refuse(start, "\\p{ without \"}\"");
      name = text_.substr(at_ + 1, end - at_ - 1);
      at_ = end + 1;
    } else if (at_ < text_.size()) {
      name = text_.substr(at_++, 1);
    }
    for (const NamePair& pair : kPosix) {
      if (pair.java != name) continue;
      out += fmt::format("{}[:{}{}:]{}", in_class ? "" : "[", negated ? "^" : "", pair.pcre, in_class ? "" : "]");
      return {};
    }
    for (const NamePair& pair : kUnicode) {
      if (pair.java == name) name = pair.pcre;
    }
    if (const size_t equals = name.find('='); equals != std::string_view::npos) name.remove_prefix(equals + 1);
    if (name.substr(0, 2) == "Is") name.remove_prefix(2);
    const auto odd = [](char c) { return !is_alpha(c) && !is_digit(c) && c != '_'; };
    if (name.empty() || std::any_of(name.begin(), name.end(), odd)) return refuse(start, "a bad property name");
    out += fmt::format("\\{}{{{}}}", negated ? 'P' : 'p', name);
    return {};
  }

  std::optional<unsigned> hex4() {
    if (at_ + 4 > text_.size()) return std::nullopt;
    unsigned value = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = text_[at_ + static_cast<size_t>(i)];
      if (std::isxdigit(static_cast<unsigned char>(c)) == 0) return std::nullopt;
      value = value * 16 + static_cast<unsigned>(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    at_ += 4;
    return value;
  }

  Status unicode(std::string& out, size_t start) {
    std::optional<unsigned> unit = hex4();
    if (!unit) return refuse(start, "\\u needs four hexadecimal digits");
    if (*unit >= 0xd800 && *unit < 0xdc00 && looking_at("\\u")) {
      at_ += 2;
      const std::optional<unsigned> low = hex4();
      if (!low || *low < 0xdc00 || *low > 0xdfff) return refuse(start, "half a surrogate pair");
      unit = 0x10000 + ((*unit - 0xd800) << 10) + (*low - 0xdc00);
    } else if (*unit >= 0xd800 && *unit <= 0xdfff) {
      return refuse(start, "half a surrogate pair");
    }
    out += fmt::format("\\x{{{:x}}}", *unit);
    return {};
  }

  Status octal(std::string& out, size_t start) {
    unsigned value = 0;
    int digits = 0;
    while (digits < 3 && at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '7' && value * 8 < 256) {
      value = value * 8 + static_cast<unsigned>(text_[at_++] - '0');
      ++digits;
    }
    if (digits == 0) return refuse(start, "\\0 needs octal digits");
    out += fmt::format("\\x{{{:x}}}", value);
    return {};
  }

  Status quoted(std::string& out) {
    const size_t end = std::min(text_.find("\\E", at_), text_.size());
    for (; at_ < end; ++at_) {
      const auto byte = static_cast<unsigned char>(text_[at_]);
      if (byte < 0x80 && std::isalnum(byte) == 0) out.push_back('\\');
      out.push_back(text_[at_]);
    }
    at_ = std::min(end + 2, text_.size());
    return {};
  }

  // Java takes a further digit only while a group of that number has been opened.
  Status back_reference(std::string& out, size_t start) {
    size_t number = static_cast<size_t>(text_[at_ - 1] - '0');
    while (at_ < text_.size() && is_digit(text_[at_])) {
      const size_t longer = number * 10 + static_cast<size_t>(text_[at_] - '0');
      if (longer > out_.groups.size()) break;
      number = longer;
      ++at_;
    }
    if (number > out_.groups.size())
      return refuse(start, fmt::format("a reference to group {}, which is not open yet", number));
    out += fmt::format("\\g{{{}}}", number);
    return {};
  }

  Status named_reference(std::string& out, size_t start) {
    const size_t end = text_.find('>', at_);
    if (!looking_at("<") || end == std::string_view::npos) return refuse(start, "\\k needs <name>");
    const std::string_view name = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    const auto found = std::find(out_.groups.begin(), out_.groups.end(), name);
    if (found == out_.groups.end()) return refuse(start, fmt::format("a reference to the unknown group \"{}\"", name));
    out += fmt::format("\\g{{{}}}", found - out_.groups.begin() + 1);
    return {};
  }

  // The operands of one side of &&: what fits between brackets, and nested classes as atoms of their own.
  struct Union {
    std::string items;
    std::vector<std::string> nested;
    bool empty() const { return items.empty() && nested.empty(); }
    std::string atom(bool negated) const {
      if (nested.empty()) return fmt::format("[{}{}]", negated ? "^" : "", items);
      std::string all = items.empty() ? "" : "[" + items + "]";
      for (const std::string& one : nested) all += (all.empty() ? "" : "|") + one;
      return negated ? "(?:(?!" + all + ")(?s:.))" : "(?:" + all + ")";
    }
  };

  // A class as an atom of PCRE2, at_ behind its bracket.
  Result<std::string> char_class(int depth) {
    const size_t start = at_ - 1;
    if (depth > kClassDepthMax) return refuse(start, "classes nested too deep");
    const bool negated = looking_at("^");
    if (negated) ++at_;
    std::string left;  // the intersection so far
    Union current;
    bool first = true;
    while (at_ < text_.size()) {
      if (text_[at_] == ']' && !first) {
        ++at_;
        if (left.empty()) return current.atom(negated);
        const std::string both = current.empty() ? left : "(?=" + left + ")" + current.atom(false);
        return negated ? "(?:(?!" + both + ")(?s:.))" : "(?:" + both + ")";
      }
      first = false;
      if (looking_at("&&")) {
        at_ += 2;
        if (current.empty()) return refuse(start, "&& with nothing before it");
        left = left.empty() ? current.atom(false) : "(?:(?=" + left + ")" + current.atom(false) + ")";
        current = Union{};
      } else if (text_[at_] == '[') {
        ++at_;
        MY_TRY(std::string atom, char_class(depth + 1));
        current.nested.push_back(std::move(atom));
      } else if (text_[at_] == '\\') {
        MY_TRY_VOID(escape(current.items, true));
      } else {
        if (text_[at_] == ']' || text_[at_] == '^') current.items.push_back('\\');
        current.items.push_back(text_[at_++]);
      }
    }
    return refuse(start, "a class without \"]\"");
  }

  std::string_view text_;
  const JavaRegexOptions& options_;
  const bool keep_all_;
  size_t at_ = 0;
  PcreText out_;
};

}  // namespace

Result<PcreText> to_pcre(std::string_view java, const JavaRegexOptions& options) {
  return Translator(java, options).run();
}

}  // namespace modelyard::grok
