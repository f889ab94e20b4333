// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "stellar/functions/helpers.h"
#include "stellar/json_value.h"

namespace modelyard::stellar {
namespace {

// Strings alone, none starting with half of a pair that could meet another: one allocation of the exact size.
bool join_strings(Call& call, const ListObject& list, std::string_view delimiter, Value& out) {
  size_t size = 0;
  for (const Value item : list) {
    if (item.is_null()) continue;
    if (!item.is_string() || (!item.text().empty() && static_cast<uint8_t>(item.text()[0]) == 0xED)) return false;
    size += item.text().size() + delimiter.size();
  }
  if (size > call.limits.result_bytes) throw BoundReached{"result"};
  char* const buffer = call.arena.allocate_array<char>(size);
  char* at = buffer;
  bool first = true;
  for (const Value item : list) {
    if (item.is_null()) continue;
    if (!first) at = std::copy(delimiter.begin(), delimiter.end(), at);
    first = false;
    at = std::copy(item.text().begin(), item.text().end(), at);
  }
  out = Value::string({buffer, static_cast<size_t>(at - buffer)});
  return true;
}

Value join(Call& call) {
  if (!has_arguments(call, 2)) return {};
  if (!call[0].is_collection()) return call.wrong_kind(0, "list");
  if (!call[1].is_string()) return call.wrong_kind(1, "string");
  const std::string_view delimiter = call[1].text();
  if (Value joined; call[0].is_list() && join_strings(call, call[0].list(), delimiter, joined)) return joined;
  std::string out;
  bool first = true;
  for_each_item(call[0], [&](Value item) {
    if (item.is_null()) return;
    if (!first) append_joined(out, delimiter);
    first = false;
    if (item.is_string()) {
      append_joined(out, item.text());
    } else {
      std::string text;
      append_text(text, item);
      append_joined(out, text);
    }
    if (out.size() > call.limits.result_bytes) throw BoundReached{"result"};
  });
  return call.string(out);
}

Value split(Call& call) {
  if (!has_arguments(call, 1)) return {};
  ListObject* pieces = make_list(call.arena);
  if (call[0].is_null()) return Value::list(pieces);
  if (!has_arguments(call, 2)) return {};
  if (!call[1].is_string()) return call.wrong_kind(1, "string");
  const std::string_view text = text_of(call.arena, call[0]);
  const std::string_view delimiter = call[1].text();
  if (delimiter.empty()) return call.fail("the delimiter is empty");
  size_t from = 0;
  for (size_t at = text.find(delimiter); at != std::string_view::npos; at = text.find(delimiter, from)) {
    append(*pieces, Value::string(text.substr(from, at - from)));
    from = at + delimiter.size();
  }
  append(*pieces, Value::string(text.substr(from)));
  return Value::list(pieces);
}

}  // namespace

void register_join_split_functions(FunctionRegistry& registry) {
  registry.add(
      {.name = "JOIN",
       .category = "string",
       .description = "The texts of a collection's items, nulls left out, with a delimiter between.",
       .parameters = {{"items", "list", "a list or set"}, {"delim", "string", "what goes between"}},
       .returns = "string",
       .examples = {{"JOIN(['hello', 'world'], ' ')", "\"hello world\""}, {"JOIN([1, null, 'a'], ',')", "\"1,a\""}},
       .run = join,
       .reads_only = true});
  registry.add({.name = "SPLIT",
                .category = "string",
                .description = "A text cut at each delimiter, empty pieces kept.",
                .parameters = {{"input", "any", "the value; null gives an empty list"},
                               {"delim", "string", "no regular expression"}},
                .returns = "list<string>",
                .examples = {{"SPLIT('a,b,,c', ',')", "[\"a\",\"b\",\"\",\"c\"]"}},
                .run = split,
                .reads_only = true});
}

}  // namespace modelyard::stellar
