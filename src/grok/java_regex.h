// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace modelyard::grok {

// A java.util.regex expression spelled for PCRE2 (compile it without PCRE2_UCP; PCRE2_UTF as the subject needs).
struct PcreText {
  std::string pattern;
  // Name of the capture group i + 1; "" for one without a name. Names are gone from `pattern`: they may be any text.
  std::vector<std::string> groups;
};

struct JavaRegexOptions {
  // Asked once for each capturing group in the order of the expression, with its name ("" = none): false makes the
  // group non-capturing, which matches faster. Not asked, and all groups kept, when the expression has back references.
  // Empty = keep.
  std::function<bool(std::string_view name)> keep_group;
};

// What is translated: named groups with any name, \p{..} of POSIX and java… names (ASCII as in Java), \uXXXX and \0n,
// \Q..\E, unions, intersections and nested negations of classes ([a-z&&[^bc]]), flags that only Java has, back
// references. What PCRE2 would understand otherwise than Java ((*VERB), \K, \C …) is refused. kInvalidArgument names
// the cause and shows the place.
Result<PcreText> to_pcre(std::string_view java, const JavaRegexOptions& options = {});

}  // namespace modelyard::grok
