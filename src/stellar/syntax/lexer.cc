// SPDX-License-Identifier: Apache-2.0
#include "stellar/syntax/lexer.h"

#include <fmt/format.h>

#include <array>

namespace modelyard::stellar {
namespace {

enum CharClass : uint8_t { kStart = 1, kPart = 2, kDigit = 4, kBlank = 8 };

constexpr std::array<uint8_t, 256> make_classes() {
  std::array<uint8_t, 256> classes{};
  for (int c = 'a'; c <= 'z'; ++c) classes[c] = classes[c - 32] = kStart | kPart;
  for (int c = '0'; c <= '9'; ++c) classes[c] = kPart | kDigit;
  classes['_'] = kStart | kPart;
  classes['$'] = kStart;
  classes['.'] = classes[':'] = kPart;
  for (const char c : {' ', '\t', '\r', '\n', '\f'}) classes[static_cast<uint8_t>(c)] = kBlank;
  return classes;
}
constexpr auto kClasses = make_classes();
bool is(char c, uint8_t mask) { return (kClasses[static_cast<uint8_t>(c)] & mask) != 0; }

struct Word {
  std::string_view text;
  TokenKind kind;
};
constexpr Word kWords[] = {
    {"in", TokenKind::kIn},           {"IN", TokenKind::kIn},         {"and", TokenKind::kAnd},
    {"AND", TokenKind::kAnd},         {"or", TokenKind::kOr},         {"OR", TokenKind::kOr},
    {"not", TokenKind::kNot},         {"NOT", TokenKind::kNot},       {"true", TokenKind::kTrue},
    {"TRUE", TokenKind::kTrue},       {"false", TokenKind::kFalse},   {"FALSE", TokenKind::kFalse},
    {"if", TokenKind::kIf},           {"IF", TokenKind::kIf},         {"then", TokenKind::kThen},
    {"THEN", TokenKind::kThen},       {"else", TokenKind::kElse},     {"ELSE", TokenKind::kElse},
    {"null", TokenKind::kNull},       {"NULL", TokenKind::kNull},     {"NaN", TokenKind::kNaN},
    {"match", TokenKind::kMatch},     {"MATCH", TokenKind::kMatch},   {"default", TokenKind::kDefault},
    {"DEFAULT", TokenKind::kDefault}, {"exists", TokenKind::kExists}, {"EXISTS", TokenKind::kExists},
};

TokenKind word_kind(std::string_view text) {
  if (text.size() < 2 || text.size() > 7) return TokenKind::kIdentifier;
  for (const Word& word : kWords) {
    if (word.text == text) return word.kind;
  }
  return TokenKind::kIdentifier;
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  tl::expected<std::vector<Token>, Diagnostic> run() {
    tokens_.reserve(text_.size() / 4 + 8);
    while (skip_blanks_and_comments()) {
      if (!next()) return tl::unexpected(std::move(problem_));
    }
    tokens_.push_back({TokenKind::kEnd, static_cast<uint32_t>(text_.size()), 0});
    return std::move(tokens_);
  }

 private:
  char at(size_t index) const { return index < text_.size() ? text_[index] : '\0'; }

  // False at the end of the text.
  bool skip_blanks_and_comments() {
    while (pos_ < text_.size()) {
      if (is(text_[pos_], kBlank)) {
        ++pos_;
      } else if (text_[pos_] == '/' && at(pos_ + 1) == '/' && pos_ + 2 < text_.size()) {
        // At least one character, a line end too, then up to the line's end.
        const size_t end = text_.find('\n', pos_ + 3);
        pos_ = end == std::string_view::npos ? text_.size() : end + 1;
      } else {
        return true;
      }
    }
    return false;
  }

  bool next() {
    const char c = text_[pos_];
    if (is(c, kDigit) || c == '.' || c == '-') {
      if (const size_t length = number(); length > 0) return emit(number_kind_, length);
    }
    if (is(c, kStart)) return identifier();
    if (c == '\'' || c == '"') return string(c);
    return punctuation(c);
  }

  bool emit(TokenKind kind, size_t length) {
    tokens_.push_back({kind, static_cast<uint32_t>(pos_), static_cast<uint32_t>(length)});
    pos_ += length;
    return true;
  }

  // Past the digits and sign of an exponent that starts at `from`, or `from` when there is none.
  size_t exponent(size_t from) const {
    if (at(from) != 'e' && at(from) != 'E') return from;
    size_t p = from + 1;
    if (at(p) == '+' || at(p) == '-') ++p;
    if (!is(at(p), kDigit)) return from;
    while (is(at(p), kDigit)) ++p;
    return p;
  }

  // Length of the number here, 0 if there is none; its kind in number_kind_.
  size_t number() {
    size_t p = pos_;
    const bool negative = text_[p] == '-';
    if (negative) ++p;
    if (at(p) == '.') {
      size_t end = p + 1;
      while (is(at(end), kDigit)) ++end;
      if (end == p + 1) return 0;
      end = exponent(end);
      if (at(end) == 'f' || at(end) == 'F') return number_kind_ = TokenKind::kFloat, end + 1 - pos_;
      if (negative) return 0;
      if (at(end) == 'd' || at(end) == 'D') ++end;
      return number_kind_ = TokenKind::kDouble, end - pos_;
    }
    if (!is(at(p), kDigit)) return 0;
    if (at(p) == '0') {
      ++p;
    } else {
      while (is(at(p), kDigit)) ++p;
    }
    number_kind_ = TokenKind::kInteger;
    if (at(p) == 'l' || at(p) == 'L') return number_kind_ = TokenKind::kLong, p + 1 - pos_;
    size_t end = p;
    if (at(end) == '.') {
      ++end;
      while (is(at(end), kDigit)) ++end;
    }
    end = exponent(end);
    if (end > p) number_kind_ = TokenKind::kDouble;
    if (at(end) == 'd' || at(end) == 'D') return number_kind_ = TokenKind::kDouble, end + 1 - pos_;
    if (at(end) == 'f' || at(end) == 'F') return number_kind_ = TokenKind::kFloat, end + 1 - pos_;
    return end - pos_;
  }

  bool identifier() {
    size_t end = pos_ + 1;
    while (end < text_.size() && is(text_[end], kPart)) ++end;
    while (end > pos_ + 1 && text_[end - 1] == ':') --end;
    const std::string_view word = text_.substr(pos_, end - pos_);
    // As long as a name and earlier in the list of words: e1 is an exponent, and e-1 is longer than the name e.
    if (const size_t past = exponent(pos_); past >= end) return emit(TokenKind::kExponent, past - pos_);
    if ((word == "not" && text_.substr(end, 3) == " in") || (word == "NOT" && text_.substr(end, 3) == " IN")) {
      return emit(TokenKind::kNotIn, 6);
    }
    return emit(word_kind(word), word.size());
  }

  bool string(char quote) {
    for (size_t p = pos_ + 1; p < text_.size(); ++p) {
      if (text_[p] == quote) return emit(TokenKind::kString, p + 1 - pos_);
      if (text_[p] != '\\') continue;
      const char escaped = at(p + 1);
      if (escaped != '\\' && escaped != 'n' && escaped != 'r' && escaped != 't' && escaped != quote)
        return bad_escape(p, quote);
      ++p;
    }
    problem_.offset = pos_;
    problem_.message = "this text has no closing quote";
    problem_.expected = quote == '"' ? "\"" : "'";
    return false;
  }

  bool bad_escape(size_t offset, char quote) {
    problem_.offset = offset;
    problem_.length = offset + 1 < text_.size() && static_cast<uint8_t>(text_[offset + 1]) < 0x80 ? 2 : 1;
    problem_.message = "no such escape in a text";
    problem_.expected = fmt::format("\\\\ \\n \\r \\t or \\{}", quote);
    problem_.hint = "write two backslashes for one: '\\\\d' is the regular expression \\d";
    return false;
  }

  bool punctuation(char c) {
    const char after = at(pos_ + 1);
    switch (c) {
      case ',': return emit(TokenKind::kComma, 1);
      case '?': return emit(TokenKind::kQuestion, 1);
      case ':': return emit(TokenKind::kColon, 1);
      case '+': return emit(TokenKind::kPlus, 1);
      case '/': return emit(TokenKind::kSlash, 1);
      case '*': return emit(TokenKind::kStar, 1);
      case '{': return emit(TokenKind::kOpenBrace, 1);
      case '}': return emit(TokenKind::kCloseBrace, 1);
      case '[': return emit(TokenKind::kOpenBracket, 1);
      case ']': return emit(TokenKind::kCloseBracket, 1);
      case '(': return emit(TokenKind::kOpenParen, 1);
      case ')': return emit(TokenKind::kCloseParen, 1);
      case '-': return after == '>' ? emit(TokenKind::kArrow, 2) : emit(TokenKind::kMinus, 1);
      case '<': return after == '=' ? emit(TokenKind::kLessEqual, 2) : emit(TokenKind::kLess, 1);
      case '>': return after == '=' ? emit(TokenKind::kGreaterEqual, 2) : emit(TokenKind::kGreater, 1);
      case '=':
        if (after == '=') return emit(TokenKind::kEqual, 2);
        if (after == '>') return emit(TokenKind::kActs, 2);
        break;
      case '!':
        if (after == '=') return emit(TokenKind::kNotEqual, 2);
        break;
      case '&':
        if (after == '&') return emit(TokenKind::kAnd, 2);
        break;
      case '|':
        if (after == '|') return emit(TokenKind::kOr, 2);
        break;
      default: break;
    }
    return bad_character(c);
  }

  bool bad_character(char c) {
    problem_.offset = pos_;
    size_t length = 1;
    while (pos_ + length < text_.size() && (static_cast<uint8_t>(text_[pos_ + length]) & 0xC0) == 0x80 && length < 4)
      ++length;
    problem_.length = static_cast<uint8_t>(c) < 0x80 ? 1 : length;
    problem_.message = fmt::format("unexpected '{}'", text_.substr(pos_, problem_.length));
    switch (c) {
      case '!': problem_.hint = "negation is written not(x)"; break;
      case '=': problem_.hint = "equality is written =="; break;
      case '%': problem_.hint = "there is no remainder operator"; break;
      case '&': problem_.hint = "conjunction is written and"; break;
      case '|': problem_.hint = "disjunction is written or"; break;
      case '.': problem_.hint = "a name may hold dots, but there is no member access: use MAP_GET('key', map)"; break;
      case '#': problem_.hint = "comments are written // like this"; break;
      case '\\': problem_.hint = "a backslash belongs inside a text"; break;
      default:
        if (static_cast<uint8_t>(c) >= 0x80)
          problem_.hint = "names are made of ASCII letters, digits, '_', '.' and ':'";
    }
    return false;
  }

  std::string_view text_;
  size_t pos_ = 0;
  TokenKind number_kind_ = TokenKind::kInteger;
  std::vector<Token> tokens_;
  Diagnostic problem_;
};

}  // namespace

tl::expected<std::vector<Token>, Diagnostic> tokenize(std::string_view text) { return Lexer(text).run(); }

bool is_identifier_start(char c) { return is(c, kStart); }
bool is_identifier_part(char c) { return is(c, kPart); }

}  // namespace modelyard::stellar
