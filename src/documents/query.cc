// SPDX-License-Identifier: Apache-2.0
#include "documents/query.h"

#include <optional>

#include "documents/tokens.h"
#include "documents/words.h"

namespace modelyard::documents {
namespace {

// One term as typed: what is before the quote (or all), and the quoted part.
struct Piece {
  std::string_view plain;
  std::optional<std::string_view> quoted;
  bool starred = false;
  bool negated = false;
};

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::optional<Piece> next() {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
    if (at_ >= text_.size()) return std::nullopt;
    Piece piece;
    if (text_[at_] == '-' && at_ + 1 < text_.size() && !is_blank(text_[at_ + 1])) {
      piece.negated = true;
      ++at_;
    }
    const size_t begin = at_;
    // A quote opens a phrase at the beginning of a term and after a colon; elsewhere it is a character like others.
    while (at_ < text_.size() && !is_blank(text_[at_])) {
      if (text_[at_] == '"' && (at_ == begin || text_[at_ - 1] == ':')) {
        piece.plain = text_.substr(begin, at_ - begin);
        take_quoted(piece);
        return piece;
      }
      ++at_;
    }
    piece.plain = text_.substr(begin, at_ - begin);
    if (piece.plain.ends_with('*')) {
      piece.starred = true;
      piece.plain.remove_suffix(1);
    }
    return piece;
  }

 private:
  void take_quoted(Piece& piece) {
    const size_t begin = ++at_;
    const size_t end = text_.find('"', begin);
    piece.quoted = text_.substr(begin, end == std::string_view::npos ? end : end - begin);
    at_ = end == std::string_view::npos ? text_.size() : end + 1;
    if (at_ < text_.size() && text_[at_] == '*') {
      piece.starred = true;
      ++at_;
    }
  }

  std::string_view text_;
  size_t at_ = 0;
};

// How many bytes of the text are a field's name; 0 = none.
size_t field_size(std::string_view text, const IsField& is_field) {
  for (size_t colon = text.rfind(':'); colon != std::string_view::npos && colon > 0;
       colon = text.rfind(':', colon - 1)) {
    if (is_field(text.substr(0, colon))) return colon;
  }
  return 0;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  WordCutter cutter;
  cutter.cut(text, [&](std::string_view word) { words.emplace_back(word); });
  return words;
}

// "10.1.2." before a star: the beginning of an address. One number alone is the beginning of any word.
bool is_beginning_of_address(std::string_view text) {
  int dots = 0;
  int digits = 0;
  for (const char c : text) {
    if (c == '.') {
      if (digits == 0) return false;
      ++dots;
      digits = 0;
    } else if (c < '0' || c > '9' || ++digits > 3) {
      return false;
    }
  }
  return dots >= 1 && dots <= 3;
}

// A term without a letter or digit gives none: it has nothing to search for.
std::optional<Term> term_of(const Piece& piece, const IsField& is_field) {
  Term term;
  term.negated = piece.negated;
  const size_t name = field_size(piece.plain, is_field);
  std::string_view rest = piece.plain;
  if (name > 0) {
    rest = piece.plain.substr(name + 1);
    if (is_indexed_by_field(piece.plain.substr(0, name))) term.field = piece.plain.substr(0, name);
  }
  if (piece.starred && !piece.quoted && is_beginning_of_address(rest)) {
    term.words = {std::string(rest)};
    term.is_prefix = true;
    return term;
  }
  term.words = words_of(rest);
  if (piece.quoted) {
    for (std::string& word : words_of(*piece.quoted)) term.words.push_back(std::move(word));
  }
  if (term.words.empty()) return std::nullopt;
  // "a/*": the star ends no word then, and says nothing.
  const std::string_view last = piece.quoted ? *piece.quoted : rest;
  const std::vector<std::string> tail = words_of(last.substr(last.size() - (last.empty() ? 0 : 1)));
  term.is_prefix = piece.starred && (!tail.empty() || (static_cast<unsigned char>(last.back()) & 0x80) != 0);
  return term;
}

void append_phrase(std::string& out, const Term& term) {
  std::string prefix;
  if (!term.field.empty()) append_field_prefix(prefix, term.field);
  out.push_back('"');
  for (size_t i = 0; i < term.words.size(); ++i) {
    if (i > 0) out.push_back(kTokenEnd);
    out += prefix;
    out += term.words[i];
  }
  out.push_back('"');
  if (term.is_prefix) out += " *";
}

void append_token(std::string& out, std::string_view token) {
  out.push_back('"');
  for (const char c : token) {
    if (c == '"') out.push_back('"');
    out.push_back(c);
  }
  out.push_back('"');
}

}  // namespace

bool is_indexed_by_field(std::string_view field) {
  return field != "original_string" && field != "raw_message" && field != "message" && field != "stack";
}

Result<std::vector<Term>> parse_query(std::string_view text, const IsField& is_field) {
  if (text.size() > kQueryBytesMax) {
    return fail(ErrorCode::kInvalidArgument,
                "the query is longer than " + std::to_string(kQueryBytesMax) + " bytes: shorten it");
  }
  std::vector<Term> terms;
  bool any = false;
  Reader reader(text);
  while (const auto piece = reader.next()) {
    any = true;
    auto term = term_of(*piece, is_field);
    if (!term) continue;
    if (terms.size() == kQueryTermsMax) {
      return fail(ErrorCode::kInvalidArgument,
                  "the query has more than " + std::to_string(kQueryTermsMax) + " terms: use fewer");
    }
    terms.push_back(std::move(*term));
  }
  if (any && terms.empty()) {
    return fail(ErrorCode::kInvalidArgument, "the query has no letter or digit to search for");
  }
  return terms;
}

std::string match_expression(const std::vector<Term>& terms, std::string_view sensor, int alert) {
  std::string positive;
  std::string negative;
  const auto both = [&] {
    if (!positive.empty()) positive += " AND ";
  };
  for (const Term& term : terms) {
    if (term.negated) {
      if (!negative.empty()) negative += " OR ";
      append_phrase(negative, term);
    } else {
      both();
      append_phrase(positive, term);
    }
  }
  if (!sensor.empty()) {
    both();
    append_token(positive, sensor_token(sensor));
  }
  if (alert >= 0) {
    both();
    append_token(positive, alert_token(alert > 0));
  }
  if (negative.empty()) return positive;
  // NOT needs something to take away from: every document is an alert or not.
  if (positive.empty()) {
    append_token(positive, alert_token(false));
    positive += " OR ";
    append_token(positive, alert_token(true));
  }
  return "(" + positive + ") NOT (" + negative + ")";
}

}  // namespace modelyard::documents
