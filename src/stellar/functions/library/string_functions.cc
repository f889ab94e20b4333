// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <unordered_map>

#include "stellar/functions/helpers.h"

namespace modelyard::stellar {
namespace {

Value trim(Call& call) {
  if (!has_arguments(call, 1)) return {};
  if (call[0].is_null()) return {};
  std::string_view text = text_of(call.arena, call[0]);
  while (!text.empty() && static_cast<uint8_t>(text.front()) <= ' ') text.remove_prefix(1);
  while (!text.empty() && static_cast<uint8_t>(text.back()) <= ' ') text.remove_suffix(1);
  return Value::string(text);
}

bool two_strings(Call& call) {
  return has_arguments(call, 2) && is_string_or_null(call, 0) && is_string_or_null(call, 1);
}

Value starts_with(Call& call) {
  if (!two_strings(call)) return {};
  if (call[0].is_null() || call[1].is_null()) return Value::boolean(false);
  return Value::boolean(call[0].text().starts_with(call[1].text()));
}

Value ends_with(Call& call) {
  if (!two_strings(call)) return {};
  if (call[0].is_null() || call[1].is_null()) return Value::boolean(false);
  return Value::boolean(call[0].text().ends_with(call[1].text()));
}

Value chop(Call& call) {
  if (!has_arguments(call, 1) || !is_string_or_null(call, 0)) return {};
  if (call[0].is_null()) return {};
  const std::string_view text = call[0].text();
  if (text.empty()) return call[0];
  if (text.ends_with("\r\n")) return Value::string(text.substr(0, text.size() - 2));
  if (static_cast<uint8_t>(text.back()) < 0x80) return Value::string(text.substr(0, text.size() - 1));
  return call.string(utf16_substring(text, 0, utf16_length(text) - 1));
}

Value chomp(Call& call) {
  if (!has_arguments(call, 1) || !is_string_or_null(call, 0)) return {};
  if (call[0].is_null()) return {};
  std::string_view text = call[0].text();
  if (text.ends_with("\r\n")) {
    text.remove_suffix(2);
  } else if (text.ends_with('\n') || text.ends_with('\r')) {
    text.remove_suffix(1);
  }
  return Value::string(text);
}

// Whether the text needs nothing added: it has the affix or the alternative already.
bool affix_arguments(Call& call) {
  if (call.size() != 2 && call.size() != 3) {
    call.fail(fmt::format("takes 2 or 3 arguments, not {}", call.size()));
    return false;
  }
  return is_string_or_null(call, 0) && is_string_or_null(call, 1) && is_string_or_null(call, 2);
}

Value prepend_if_missing(Call& call) {
  if (!affix_arguments(call)) return {};
  if (call[0].is_null() || call[1].is_null()) return call[0];
  const std::string_view text = call[0].text();
  const Value alternative = call.at(2);
  if (text.starts_with(call[1].text()) || (alternative.is_string() && text.starts_with(alternative.text())))
    return call[0];
  std::string out(call[1].text());
  append_joined(out, text);
  return call.string(out);
}

Value append_if_missing(Call& call) {
  if (!affix_arguments(call)) return {};
  if (call[0].is_null() || call[1].is_null()) return call[0];
  const std::string_view text = call[0].text();
  const Value alternative = call.at(2);
  if (text.ends_with(call[1].text()) || (alternative.is_string() && text.ends_with(alternative.text()))) return call[0];
  std::string out(text);
  append_joined(out, call[1].text());
  return call.string(out);
}

Value count_matches(Call& call) {
  if (call.size() != 2) return call.fail(fmt::format("takes 2 arguments, not {}", call.size()));
  if (!is_string_or_null(call, 0) || !is_string_or_null(call, 1)) return {};
  if (call[0].is_null() || call[1].is_null() || call[0].text().empty() || call[1].text().empty())
    return Value::integer(0);
  const std::string_view text = call[0].text();
  const std::string_view wanted = call[1].text();
  int32_t count = 0;
  for (size_t at = text.find(wanted); at != std::string_view::npos; at = text.find(wanted, at + wanted.size())) ++count;
  return Value::integer(count);
}

// Pads to a length in UTF-16 units with the first unit of the fill.
Value fill(Call& call, bool left) {
  if (!has_arguments(call, 3)) return {};
  if (call[0].is_null()) return {};
  const std::string_view text = text_of(call.arena, call[0]);
  const std::string_view filler = call[1].is_null() ? std::string_view() : text_of(call.arena, call[1]);
  const std::optional<int32_t> wanted = to_integer(call[2]);
  if (filler.empty()) return call.fail("the fill is empty");
  if (!wanted) return call.fail("the length is no number");
  const size_t length = utf16_length(text);
  if (*wanted < 0 || length >= static_cast<size_t>(*wanted)) return Value::string(text);
  const size_t missing = static_cast<size_t>(*wanted) - length;
  if (missing > call.limits.result_bytes / 3) throw BoundReached{"result"};
  const char16_t unit = to_utf16(filler.substr(0, 4))[0];
  std::string padding;
  for (size_t i = 0; i < missing; ++i) append_unit(padding, unit);
  std::string out(left ? std::string_view(padding) : text);
  append_joined(out, left ? text : std::string_view(padding));
  return call.string(out);
}
Value fill_left(Call& call) { return fill(call, true); }
Value fill_right(Call& call) { return fill(call, false); }

Value substring(Call& call) {
  if (!has_arguments(call, 2) || !is_string_or_null(call, 0) || !is_number_or_null(call, 1) ||
      !is_number_or_null(call, 2))
    return {};
  if (call[0].is_null() || call[1].is_null()) return {};
  const std::string_view text = call[0].text();
  if (text.empty()) return call[0];
  const auto index = [](Value v) {
    return v.is_floating() ? to_int32_saturating(v.as_double()) : static_cast<int32_t>(v.as_integral());
  };
  const bool ascii = is_ascii(text);
  const auto length = static_cast<int64_t>(ascii ? text.size() : utf16_length(text));
  const int64_t begin = index(call[1]);
  const int64_t end = call.at(2).is_null() ? length : index(call[2]);
  if (begin < 0 || end > length || begin > end) {
    return call.fail(fmt::format("from {} to {} is outside of a text of {} characters", begin, end, length));
  }
  if (ascii) return Value::string(text.substr(static_cast<size_t>(begin), static_cast<size_t>(end - begin)));
  return call.string(utf16_substring(text, static_cast<size_t>(begin), static_cast<size_t>(end)));
}

Value string_entropy(Call& call) {
  if (call.at(0).is_null()) return Value::double_number(0);
  if (!is_string_or_null(call, 0)) return {};
  std::unordered_map<char16_t, uint32_t> counts;
  double total = 0;
  for_each_unit(call[0].text(), [&](char16_t unit) {
    ++counts[unit];
    ++total;
  });
  double entropy = 0;
  for (const auto& [unit, count] : counts) entropy -= count / total * std::log2(count / total);
  return Value::double_number(counts.size() <= 1 ? 0.0 : entropy);
}

}  // namespace

void register_string_functions(FunctionRegistry& registry) {
  registry.add({.name = "TRIM",
                .category = "string",
                .description = "The text of a value without blanks and control characters at both ends.",
                .parameters = {{"input", "any", "the value; null gives null"}},
                .returns = "string",
                .examples = {{"TRIM('  a b ')", "\"a b\""}},
                .run = trim,
                .reads_only = true});
  registry.add(
      {.name = "STARTS_WITH",
       .category = "string",
       .description = "Whether a text starts with another.",
       .parameters = {{"str", "string", "the text; null gives false"}, {"prefix", "string", "what it may start with"}},
       .returns = "bool",
       .examples = {{"STARTS_WITH('casablanca', 'casa')", "true"}, {"STARTS_WITH(null, 'a')", "false"}},
       .run = starts_with});
  registry.add(
      {.name = "ENDS_WITH",
       .category = "string",
       .description = "Whether a text ends with another.",
       .parameters = {{"str", "string", "the text; null gives false"}, {"suffix", "string", "what it may end with"}},
       .returns = "bool",
       .examples = {{"ENDS_WITH('casablanca', 'blanca')", "true"}},
       .run = ends_with});
  registry.add({.name = "CHOP",
                .category = "string",
                .description = "A text without its last character, or without a final CR LF.",
                .parameters = {{"str", "string", "the text"}},
                .returns = "string",
                .examples = {{"CHOP('abc')", "\"ab\""}},
                .run = chop});
  registry.add({.name = "CHOMP",
                .category = "string",
                .description = "A text without one line end at its end.",
                .parameters = {{"str", "string", "the text"}},
                .returns = "string",
                .examples = {{"CHOMP('abc\\n')", "\"abc\""}},
                .run = chomp});
  registry.add({.name = "PREPEND_IF_MISSING",
                .category = "string",
                .description = "Puts a prefix before a text that does not start with it.",
                .parameters = {{"str", "string", "the text"},
                               {"prefix", "string", "what goes before it"},
                               {"alternative", "string", "a prefix that is good as well", true}},
                .returns = "string",
                .examples = {{"PREPEND_IF_MISSING('abc', 'xyz')", "\"xyzabc\""},
                             {"PREPEND_IF_MISSING('xyzabc', 'xyz')", "\"xyzabc\""}},
                .run = prepend_if_missing});
  registry.add({.name = "APPEND_IF_MISSING",
                .category = "string",
                .description = "Puts a suffix after a text that does not end with it.",
                .parameters = {{"str", "string", "the text"},
                               {"suffix", "string", "what goes after it"},
                               {"alternative", "string", "a suffix that is good as well", true}},
                .returns = "string",
                .examples = {{"APPEND_IF_MISSING('apache', '.com')", "\"apache.com\""}},
                .run = append_if_missing});
  registry.add({.name = "COUNT_MATCHES",
                .category = "string",
                .description = "How often a text holds another, without overlaps.",
                .parameters = {{"str", "string", "the text"}, {"sub", "string", "what is counted"}},
                .returns = "int",
                .examples = {{"COUNT_MATCHES('apachemetron', 'e')", "2"}},
                .run = count_matches});
  registry.add({.name = "FILL_LEFT",
                .category = "string",
                .description = "Pads a text on its left to a length.",
                .parameters = {{"input", "any", "the value; null gives null"},
                               {"fill", "any", "its first character is the padding"},
                               {"len", "int", "the wanted length in characters"}},
                .returns = "string",
                .examples = {{"FILL_LEFT('foo', 'X', 5)", "\"XXfoo\""}},
                .run = fill_left,
                .reads_only = true});
  registry.add({.name = "FILL_RIGHT",
                .category = "string",
                .description = "Pads a text on its right to a length.",
                .parameters = {{"input", "any", "the value; null gives null"},
                               {"fill", "any", "its first character is the padding"},
                               {"len", "int", "the wanted length in characters"}},
                .returns = "string",
                .examples = {{"FILL_RIGHT('foo', 'X', 5)", "\"fooXX\""}},
                .run = fill_right,
                .reads_only = true});
  registry.add({.name = "SUBSTRING",
                .category = "string",
                .description = "A part of a text; indices outside of it are an error.",
                .parameters = {{"input", "string", "the text"},
                               {"start", "number", "the first character, from 0"},
                               {"end", "number", "the character after the last; default the end", true}},
                .returns = "string",
                .examples = {{"SUBSTRING('metron', 0, 3)", "\"met\""}, {"SUBSTRING('metron', 9)", "error"}},
                .run = substring});
  registry.add({.name = "STRING_ENTROPY",
                .category = "string",
                .description = "Shannon entropy of a text's characters in bits.",
                .parameters = {{"input", "string", "the text; null and empty give 0.0"}},
                .returns = "double",
                .examples = {{"STRING_ENTROPY('aaaa')", "0.0"}, {"STRING_ENTROPY('ab')", "1.0"}},
                .run = string_entropy});
}

}  // namespace modelyard::stellar
