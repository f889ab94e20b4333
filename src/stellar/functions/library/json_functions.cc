// SPDX-License-Identifier: Apache-2.0
#include "stellar/functions/helpers.h"
#include "stellar/json_reader.h"

namespace modelyard::stellar {
namespace {

// null gives null, an empty text gives itself.
bool parsed(Call& call, Value& out) {
  if (!has_arguments(call, 1) || !is_string_or_null(call, 0)) return false;
  out = call[0];
  if (out.is_null() || out.text().empty()) return false;
  Result<Value> value = JsonReader(call.arena, call[0].text(), {.borrow = true, .trailing = true}).read();
  if (value) {
    out = *value;
    return true;
  }
  out = call.fail("this is no JSON: " + value.error().message());
  return false;
}

Value to_json_object(Call& call) {
  Value out;
  parsed(call, out);
  return call.failed ? Value::null() : out;
}

Value to_json_map(Call& call) {
  Value out;
  if (parsed(call, out) && !out.is_map() && !out.is_null()) return call.fail("the JSON is no object");
  return call.failed ? Value::null() : out;
}

Value to_json_list(Call& call) {
  Value out;
  if (parsed(call, out) && !out.is_list() && !out.is_null()) return call.fail("the JSON is no array");
  return call.failed ? Value::null() : out;
}

void add(FunctionRegistry& registry, std::string_view name, std::string_view description, std::string_view returns,
         Value (*run)(Call&), std::vector<Example> examples) {
  registry.add({.name = name,
                .category = "string",
                .description = description,
                .parameters = {{"str", "string", "JSON; null gives null, an empty text itself"}},
                .returns = returns,
                .examples = std::move(examples),
                .run = run});
}

}  // namespace

void register_json_functions(FunctionRegistry& registry) {
  add(registry, "TO_JSON_OBJECT", "The value of a JSON text.", "any", to_json_object,
      {{"TO_JSON_OBJECT('[1, 2.5]')", "[1,2.5]"}});
  add(registry, "TO_JSON_MAP", "The map of a JSON object.", "map", to_json_map,
      {{"TO_JSON_MAP('{\"a\": 1}')", "{\"a\":1}"}, {"TO_JSON_MAP('[]')", "error"}});
  add(registry, "TO_JSON_LIST", "The list of a JSON array.", "list", to_json_list, {{"TO_JSON_LIST('[1]')", "[1]"}});
}

}  // namespace modelyard::stellar
