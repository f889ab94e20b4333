// SPDX-License-Identifier: Apache-2.0
#include "stellar/functions/helpers.h"

namespace modelyard::stellar {
namespace {

Value length(Call& call) {
  const Value input = call.at(0);
  if (input.is_string()) return Value::integer(static_cast<int32_t>(utf16_length(input.text())));
  if (input.is_list()) return Value::integer(static_cast<int32_t>(input.list().size));
  if (input.is_map() || input.is_set()) return Value::integer(static_cast<int32_t>(input.map().count));
  return Value::integer(0);
}

Value is_empty(Call& call) {
  const Value input = call.at(0);
  if (input.is_null()) return Value::boolean(true);
  if (input.is_string()) return Value::boolean(input.text().empty());
  if (input.is_list()) return Value::boolean(input.list().size == 0);
  if (input.is_map() || input.is_set()) return Value::boolean(input.map().count == 0);
  return Value::boolean(false);
}

Value get_item(Call& call) {
  if (!has_arguments(call, 2) || !is_list(call, 0)) return {};
  if (call[1].kind() != Kind::kInteger) return call.wrong_kind(1, "Integer");
  const int64_t index = call[1].as_integral();
  if (index < 0) return call.fail(fmt::format("the index {} is negative", index));
  const ListObject& list = call[0].list();
  return index < list.size ? list.items[index] : Value::null();
}

Value get_first(Call& call) {
  if (!has_arguments(call, 1) || !is_list(call, 0)) return {};
  const ListObject& list = call[0].list();
  return list.size > 0 ? list.items[0] : Value::null();
}

Value get_last(Call& call) {
  if (!has_arguments(call, 1) || !is_list(call, 0)) return {};
  const ListObject& list = call[0].list();
  return list.size > 0 ? list.items[list.size - 1] : Value::null();
}

Value list_add(Call& call) {
  if (!has_arguments(call, 2)) return {};
  if (!call[0].is_list()) return call[0];
  ListObject& list = changeable(call.arena, call[0].list());
  append(list, kept_by(list.arena, call.arena, call[1]));
  return Value::list(&list);
}

// Rows of the lists' items; arguments that are no lists are left out.
Value zip_lists(Call& call, bool longest) {
  std::vector<const ListObject*> lists;
  for (const Value argument : call.arguments) {
    if (argument.is_list()) lists.push_back(&argument.list());
  }
  uint32_t rows = lists.empty() ? 0 : lists.front()->size;
  for (const ListObject* list : lists) rows = longest ? std::max(rows, list->size) : std::min(rows, list->size);
  ListObject* out = make_list(call.arena, rows);
  for (uint32_t row = 0; row < rows; ++row) {
    ListObject* items = make_list(call.arena, lists.size());
    for (const ListObject* list : lists) append(*items, row < list->size ? list->items[row] : Value::null());
    append(*out, Value::list(items));
  }
  return Value::list(out);
}
Value zip(Call& call) { return zip_lists(call, false); }
Value zip_longest(Call& call) { return zip_lists(call, true); }

}  // namespace

void register_collection_functions(FunctionRegistry& registry) {
  registry.add({.name = "LENGTH",
                .category = "core",
                .description = "Characters of a text (UTF-16 units) or items of a collection; 0 for anything else.",
                .parameters = {{"input", "any", "the value", true}},
                .returns = "int",
                .examples = {{"LENGTH('abc')", "3"}, {"LENGTH([1, 2])", "2"}, {"LENGTH(5)", "0"}},
                .run = length,
                .reads_only = true});
  registry.add({.name = "IS_EMPTY",
                .category = "core",
                .description = "Whether a value is null, an empty text or an empty collection.",
                .parameters = {{"input", "any", "the value", true}},
                .returns = "bool",
                .examples = {{"IS_EMPTY('')", "true"}, {"IS_EMPTY([1])", "false"}, {"IS_EMPTY(missing)", "true"}},
                .run = is_empty,
                .reads_only = true});
  registry.add({.name = "GET",
                .category = "core",
                .description = "An item of a list; null past its end.",
                .parameters = {{"list", "list", "the list"}, {"i", "int", "the index, from 0"}},
                .returns = "any",
                .examples = {{"GET(['a', 'b'], 1)", "\"b\""}, {"GET(['a'], 7)", "null"}, {"GET(['a'], -1)", "error"}},
                .run = get_item});
  registry.add({.name = "GET_FIRST",
                .category = "core",
                .description = "The first item of a list; null when it is empty.",
                .parameters = {{"list", "list", "the list"}},
                .returns = "any",
                .examples = {{"GET_FIRST([1, 2])", "1"}},
                .run = get_first});
  registry.add({.name = "GET_LAST",
                .category = "core",
                .description = "The last item of a list; null when it is empty.",
                .parameters = {{"list", "list", "the list"}},
                .returns = "any",
                .examples = {{"GET_LAST([1, 2])", "2"}},
                .run = get_last});
  registry.add({.name = "LIST_ADD",
                .category = "core",
                .description = "Appends to a list, which is changed and returned.",
                .parameters = {{"list", "list", "the list"}, {"element", "any", "what is appended"}},
                .returns = "list",
                .examples = {{"LIST_ADD([1], 2)", "[1,2]"}},
                .run = list_add});
  registry.add({.name = "ZIP",
                .category = "core",
                .description = "Rows of the lists' items, as many as the shortest has.",
                .parameters = {{"lists", "list", "the lists; anything else is left out", false, true}},
                .returns = "list<list>",
                .examples = {{"ZIP([1, 2], ['a', 'b', 'c'])", "[[1,\"a\"],[2,\"b\"]]"}},
                .run = zip});
  registry.add({.name = "ZIP_LONGEST",
                .category = "core",
                .description = "Rows of the lists' items, as many as the longest has, with nulls.",
                .parameters = {{"lists", "list", "the lists; anything else is left out", false, true}},
                .returns = "list<list>",
                .examples = {{"ZIP_LONGEST([1, 2], ['a'])", "[[1,\"a\"],[2,null]]"}},
                .run = zip_longest});
}

}  // namespace modelyard::stellar
