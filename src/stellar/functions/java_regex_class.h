// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "base/result.h"

namespace modelyard::stellar {

// Why a pattern cannot be translated. Caught in translate_java_regex().
struct RegexProblem {
  ErrorCode code;
  std::string message;
};

// Where the translator stands in a Java pattern.
class RegexReader {
 public:
  explicit RegexReader(std::string_view text) : text_(text) {}
  bool at_end() const { return pos_ >= text_.size(); }
  char peek(size_t ahead = 0) const { return pos_ + ahead < text_.size() ? text_[pos_ + ahead] : '\0'; }
  void skip(size_t count) { pos_ = std::min(pos_ + count, text_.size()); }
  char32_t next();
  std::string_view rest() const { return text_.substr(pos_); }
  size_t position() const { return pos_; }
  std::string_view slice(size_t from) const { return text_.substr(from, pos_ - from); }

 private:
  std::string_view text_;
  size_t pos_ = 0;
};

// [...] with Java's unions, intersections and negations, as one PCRE2 atom. The reader stands at the '['.
std::string translate_class(RegexReader& reader);

// An escape for one character or a class of them. The reader stands at the backslash; `inside` a bracket the result is
// fit to stand there.
std::string translate_class_escape(RegexReader& reader, bool inside);

// \Q...\E as escaped characters. The reader stands at the backslash.
std::string quoted(RegexReader& reader);

}  // namespace modelyard::stellar
