// SPDX-License-Identifier: Apache-2.0
#include "stellar/functions/domain_names.h"

#include <libpsl.h>

#include <functional>
#include <vector>

#include "base/strings.h"
#include "stellar/eval/utf16.h"

namespace modelyard::stellar {
namespace {

const psl_ctx_t* list() {
  static const psl_ctx_t* const psl = psl_builtin();
  return psl;
}

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

bool good_label(std::string_view label, bool last) {
  if (label.empty() || label.size() > 4 * 63 || (label.size() > 63 && utf16_length(label) > 63)) return false;
  const char first = label.front();
  const char final = label.back();
  if (first == '-' || first == '_' || final == '-' || final == '_') return false;
  if (last && first >= '0' && first <= '9') return false;
  for (const char c : label) {
    if (static_cast<uint8_t>(c) < 0x80 && !is_letter_or_digit(c) && c != '-' && c != '_') return false;
  }
  return true;
}

// Ideographic and full-width dots separate labels too.
std::string plain_dots(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const std::string_view three = text.substr(i, 3);
    if (three == "\xe3\x80\x82" || three == "\xef\xbc\x8e" || three == "\xef\xbd\xa1") {
      out += '.';
      i += 3;
    } else {
      out += text[i++];
    }
  }
  return out;
}

}  // namespace

bool is_domain_name(std::string_view text) {
  std::string replaced;
  if (!is_ascii(text)) {
    replaced = plain_dots(text);
    text = replaced;
  }
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.size() > 253 && utf16_length(text) > 253) return false;
  size_t labels = 0;
  while (true) {
    const size_t dot = text.find('.');
    const bool last = dot == std::string_view::npos;
    if (++labels > 127 || !good_label(text.substr(0, dot), last)) return false;
    if (last) return true;
    text.remove_prefix(dot + 1);
  }
}

namespace {

// A look-up costs half a microsecond and streams repeat their names: each thread remembers the sizes of the suffixes it
// saw last.
struct Remembered {
  std::string name;
  uint32_t suffix_size = 0;
};
Remembered& remembered(std::string_view name) {
  constexpr size_t kEntries = 2048;
  thread_local std::vector<Remembered> entries(kEntries);
  return entries[std::hash<std::string_view>()(name) % kEntries];
}

}  // namespace

std::string_view public_suffix(std::string_view name, std::string& buffer) {
  buffer.assign(name);
  bool ascii = true;
  for (char& c : buffer) {
    ascii = ascii && static_cast<uint8_t>(c) < 0x80;
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  if (!ascii) buffer = plain_dots(buffer);
  if (buffer.ends_with('.')) buffer.pop_back();
  Remembered& known = remembered(buffer);
  if (known.name != buffer) {
    const char* suffix = list() == nullptr ? nullptr : psl_unregistrable_domain(list(), buffer.c_str());
    const size_t dot = buffer.rfind('.');
    known.suffix_size = static_cast<uint32_t>(suffix != nullptr          ? std::string_view(suffix).size()
                                              : dot == std::string::npos ? buffer.size()
                                                                         : buffer.size() - dot - 1);
    known.name = buffer;
  }
  return std::string_view(buffer).substr(buffer.size() - known.suffix_size);
}

bool is_top_level_domain(std::string_view label) {
  const std::string lower = to_lower_ascii(label);
  return list() != nullptr && lower.find('.') == std::string::npos &&
         psl_is_public_suffix2(list(), lower.c_str(), PSL_TYPE_ICANN | PSL_TYPE_NO_STAR_RULE) == 1;
}

}  // namespace modelyard::stellar
