// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "grok/pattern_set.h"

namespace modelyard::grok {

// One named field of a match. Texts borrow from the line (or are empty).
struct Capture {
  enum class Kind : uint8_t {
    kNull,     // the group took no part
    kInteger,  // what Java's Integer.parseInt reads: "007" is 7, "+200" is 200, 2147483648 is text
    kText,     // anything else, one pair of equal outer quotes taken off
  };
  std::string_view name;  // lives as long as the Grok
  Kind kind = Kind::kNull;
  int32_t integer = 0;
  std::string_view text;
};

// What one thread needs while it matches: match data and the stack of the just-in-time code (32 KiB, growing to 1 MiB).
// Reused from line to line and from Grok to Grok; confined to one thread.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(Scratch&&) noexcept;
  Scratch& operator=(Scratch&&) noexcept;

 private:
  friend class Grok;
  struct State;
  std::unique_ptr<State> state_;
};

struct GrokOptions {
  size_t expanded_bytes_max = size_t{1} << 20;  // of the expression when every token is replaced
  uint32_t steps_max = 1000;                    // replaced tokens; also what ends a definition that contains itself
  uint32_t match_limit = 1'000'000;             // PCRE2's effort for one line
  std::vector<std::string> ignored_fields;      // treated as UNWANTED is
};

// A compiled grok expression: java-grok 0.1.0's tokens and naming on PCRE2 with just-in-time code. Immutable, shared by
// threads.
//
// %{NAME}, %{NAME:label}, %{NAME=regex}: every token becomes a group whose field is its label, or NAME; the label
// UNWANTED gives no field. A token text that stands twice at the time it is replaced shares one group, the first
// occurrence's. Of several groups with one field name the last in the expression wins, also when it took no part.
// Explicit (?<name>…) groups are fields too.
class Grok {
 public:
  // kInvalidArgument names the token or regex, and its file:line where it comes from one.
  static Result<Grok> compile(const PatternSet& patterns, std::string_view expression, const GrokOptions& options = {});
  ~Grok();
  Grok(Grok&&) noexcept;
  Grok& operator=(Grok&&) noexcept;

  // Finds the expression anywhere in the line (not anchored). True: `out` holds every field in the order of fields().
  // False: no match. Lines that are not UTF-8: kInvalidArgument. Effort or stack used up: kResourceExhausted.
  Result<bool> match(std::string_view line, Scratch& scratch, std::vector<Capture>& out) const;

  // Field names in the order of the expression.
  std::span<const std::string> fields() const;
  const std::string& expression() const;

 private:
  struct State;
  explicit Grok(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Java's Integer.parseInt for ASCII digits, and the quotes taken off otherwise.
Capture type_text(std::string_view name, std::string_view text);

}  // namespace modelyard::grok
