// SPDX-License-Identifier: Apache-2.0
#include "grok/pcre.h"

#include <fmt/format.h>

#include <algorithm>

namespace modelyard::grok {

Result<PcreCode> compile_pcre(std::string_view pattern, bool utf) {
  const PcrePtr<pcre2_compile_context> context(pcre2_compile_context_create(nullptr));
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_ANYCRLF);
  int error = 0;
  PCRE2_SIZE offset = 0;
  PcreCode out;
  const uint32_t options = PCRE2_NEVER_BACKSLASH_C | PCRE2_NEVER_UCP | (utf ? PCRE2_UTF : PCRE2_NEVER_UTF);
  out.code.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), options, &error, &offset,
                               context.get()));
  if (!out.code) {
    PCRE2_UCHAR text[160];
    pcre2_get_error_message(error, text, sizeof text);
    offset = std::min(offset, pattern.size());
    const size_t from = offset > 30 ? offset - 30 : 0;
    return fail(ErrorCode::kInvalidArgument, fmt::format("{} after \"{}\"", reinterpret_cast<const char*>(text),
                                                         pattern.substr(from, offset - from)));
  }
  out.jit = pcre2_jit_compile(out.code.get(), PCRE2_JIT_COMPLETE) == 0;
  return out;
}

}  // namespace modelyard::grok
