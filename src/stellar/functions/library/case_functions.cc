// SPDX-License-Identifier: Apache-2.0
#include <unicode/locid.h>
#include <unicode/unistr.h>

#include <algorithm>

#include "stellar/functions/helpers.h"

namespace modelyard::stellar {
namespace {

template <typename Change>
Value change_ascii(Call& call, std::string_view text, Change change) {
  if (std::none_of(text.begin(), text.end(), [&](char c) { return change(c) != c; })) return Value::string(text);
  char* out = call.arena.allocate_array<char>(text.size());
  std::transform(text.begin(), text.end(), out, change);
  return Value::string({out, text.size()});
}

// Full case mapping of Unicode (ß becomes SS), in no language's way; halves of surrogate pairs stay.
Value change_unicode(Call& call, std::string_view text, bool upper) {
  const std::u16string units = to_utf16(text);
  icu::UnicodeString mapped(units.data(), static_cast<int32_t>(units.size()));
  upper ? mapped.toUpper(icu::Locale::getRoot()) : mapped.toLower(icu::Locale::getRoot());
  return call.string(from_utf16({mapped.getBuffer(), static_cast<size_t>(mapped.length())}));
}

Value to_upper(Call& call) {
  if (!has_arguments(call, 1)) return {};
  if (call[0].is_null()) return {};
  const std::string_view text = text_of(call.arena, call[0]);
  if (!is_ascii(text)) return change_unicode(call, text, true);
  return change_ascii(call, text, [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
}

Value to_lower(Call& call) {
  if (!has_arguments(call, 1)) return {};
  if (call[0].is_null()) return {};
  const std::string_view text = text_of(call.arena, call[0]);
  if (!is_ascii(text)) return change_unicode(call, text, false);
  return change_ascii(call, text, [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
}

}  // namespace

void register_case_functions(FunctionRegistry& registry) {
  registry.add({.name = "TO_UPPER",
                .category = "string",
                .description = "The text of a value in capitals.",
                .parameters = {{"input", "any", "the value; null gives null"}},
                .returns = "string",
                .examples = {{"TO_UPPER('metron')", "\"METRON\""},
                             {"TO_UPPER('stra\xc3\x9f"
                              "e')",
                              "\"STRASSE\""},
                             {"TO_UPPER(null)", "null"}},
                .run = to_upper,
                .reads_only = true});
  registry.add({.name = "TO_LOWER",
                .category = "string",
                .description = "The text of a value in small letters.",
                .parameters = {{"input", "any", "the value; null gives null"}},
                .returns = "string",
                .examples = {{"TO_LOWER('MeTron')", "\"metron\""}, {"TO_LOWER(5)", "\"5\""}},
                .run = to_lower,
                .reads_only = true});
}

}  // namespace modelyard::stellar
