// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "grok/grok.h"

namespace modelyard::grok {

// A grok expression with every token replaced. Groups that come from tokens are named kTokenMark + index into `labels`,
// which no pattern file can spell.
inline constexpr char kTokenMark = '\x01';
struct Expansion {
  std::string regex;                 // Java syntax
  std::vector<std::string> labels;   // field of each token's group
  std::vector<std::string> origins;  // "NAME (file:line)" of each, for messages
};
Result<Expansion> expand(const PatternSet& patterns, std::string_view expression, const GrokOptions& options);

}  // namespace modelyard::grok
