// SPDX-License-Identifier: Apache-2.0
#include <unicode/locid.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <set>

#include "stellar/functions/helpers.h"

namespace modelyard::stellar {
namespace {

// Language tags, as the reference's platform lists them ("en", "pt-BR").
const std::set<std::string, std::less<>>& languages() {
  static const std::set<std::string, std::less<>> tags = [] {
    std::set<std::string, std::less<>> found;
    int32_t count = 0;
    const icu::Locale* all = icu::Locale::getAvailableLocales(count);
    for (int32_t i = 0; i < count; ++i) {
      std::string tag = all[i].getName();
      std::replace(tag.begin(), tag.end(), '_', '-');
      found.insert(std::move(tag));
    }
    return found;
  }();
  return tags;
}

std::u16string lower(std::string_view text, const icu::Locale& locale) {
  const std::u16string units = to_utf16(text);
  icu::UnicodeString mapped(units.data(), static_cast<int32_t>(units.size()));
  mapped.toLower(locale);
  return {mapped.getBuffer(), static_cast<size_t>(mapped.length())};
}

// One point for each character of the query found in order in the term, two more where it follows the one before.
Value fuzzy_score(Call& call) {
  if (!has_arguments(call, 3)) return {};
  if (!call[0].is_string() || !call[1].is_string() || !call[2].is_string()) return Value::integer(0);
  if (!languages().contains(call[2].text()))
    return call.fail(fmt::format("there is no language '{}'; FUZZY_LANGS lists them", call[2].text()));
  const icu::Locale locale = icu::Locale::createFromName(std::string(call[2].text()).c_str());
  const std::u16string term = lower(call[0].text(), locale);
  const std::u16string query = lower(call[1].text(), locale);
  int32_t score = 0;
  size_t at = 0;
  size_t previous = std::u16string::npos - 1;
  for (const char16_t wanted : query) {
    const size_t found = term.find(wanted, at);
    if (found == std::u16string::npos) {
      at = term.size();
      continue;
    }
    score += previous + 1 == found ? 3 : 1;
    previous = found;
    at = found + 1;
  }
  return Value::integer(score);
}

Value fuzzy_langs(Call& call) {
  ListObject* tags = make_list(call.arena, languages().size());
  for (const std::string& tag : languages()) append(*tags, Value::string(tag));
  return Value::list(tags);
}

}  // namespace

void register_fuzzy_functions(FunctionRegistry& registry) {
  registry.add(
      {.name = "FUZZY_SCORE",
       .category = "string",
       .description =
           "How well a query's characters are found in a term, in order: one point each, two more where they adjoin.",
       .parameters = {{"term", "string", "where to look"},
                      {"query", "string", "what to look for"},
                      {"lang", "string", "whose lower case counts"}},
       .returns = "int",
       .examples = {{"FUZZY_SCORE('metron', 'met', 'en')", "7"}, {"FUZZY_SCORE('metron', 5, 'en')", "0"}},
       .run = fuzzy_score});
  registry.add({.name = "FUZZY_LANGS",
                .category = "string",
                .description = "The languages that FUZZY_SCORE knows.",
                .parameters = {},
                .returns = "list<string>",
                .examples = {{"'en' in FUZZY_LANGS()", "true"}},
                .run = fuzzy_langs});
}

}  // namespace modelyard::stellar
