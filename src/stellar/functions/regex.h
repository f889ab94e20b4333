// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace modelyard::stellar {

// A text made fit for matching, once for all matches on it: halves of surrogate pairs, which are no UTF-8, become
// U+FFFD, which is as long, so offsets mean the same in both.
class RegexSubject {
 public:
  explicit RegexSubject(std::string_view text);
  RegexSubject(const RegexSubject&) = delete;
  RegexSubject& operator=(const RegexSubject&) = delete;
  std::string_view text() const { return text_; }

 private:
  std::string copy_;
  std::string_view text_;
};

// A compiled java.util.regex pattern. Immutable; matching uses scratch memory of the calling thread.
class Regex {
 public:
  enum class Use { kWholeMatch, kFind };
  static Result<std::shared_ptr<const Regex>> compile(std::string_view pattern, Use use);
  // The same, kept for the thread's next call with an equal pattern (the 256 used last).
  static Result<std::shared_ptr<const Regex>> cached(std::string_view pattern, Use use);
  ~Regex();

  struct Group {
    size_t begin = std::string_view::npos;  // bytes; npos: took no part
    size_t end = std::string_view::npos;
    bool set() const { return begin != std::string_view::npos; }
  };
  // The match (group 0) and its groups from byte `from` on; nothing: no match. `effort` bounds the backtracking; beyond
  // it, and beyond 64 MiB of memory, BoundReached{"regex effort"} is thrown. The groups are the thread's, good until
  // its next match.
  const std::vector<Group>* match(const RegexSubject& subject, size_t from, uint32_t effort) const;
  // A single match on a text.
  const std::vector<Group>* match(std::string_view text, size_t from, uint32_t effort) const {
    return match(RegexSubject(text), from, effort);
  }

  int groups() const { return groups_; }
  int group_named(std::string_view name) const;  // -1: there is none

 private:
  Regex() = default;
  void* code_ = nullptr;  // pcre2_code
  int groups_ = 0;
};

}  // namespace modelyard::stellar
