// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pcre2.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace modelyard::grok {

struct PcreFree {
  void operator()(pcre2_code* p) const { pcre2_code_free(p); }
  void operator()(pcre2_match_data* p) const { pcre2_match_data_free(p); }
  void operator()(pcre2_match_context* p) const { pcre2_match_context_free(p); }
  void operator()(pcre2_compile_context* p) const { pcre2_compile_context_free(p); }
  void operator()(pcre2_jit_stack* p) const { pcre2_jit_stack_free(p); }
};
template <typename T>
using PcrePtr = std::unique_ptr<T, PcreFree>;

// A compiled expression, with just-in-time code where the machine allows it. Immutable, shared by threads.
struct PcreCode {
  PcrePtr<pcre2_code> code;
  bool jit = false;
};

// Java's line terminators as far as they matter (CR, LF, CRLF), no Unicode classes, `utf` for subjects that are not
// ASCII alone.
Result<PcreCode> compile_pcre(std::string_view pattern, bool utf);

}  // namespace modelyard::grok
