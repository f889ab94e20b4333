// SPDX-License-Identifier: Apache-2.0
#include "stellar/functions/helpers.h"

namespace modelyard::stellar {
namespace {

Value to_string_function(Call& call) {
  if (!has_arguments(call, 1)) return {};
  if (call[0].is_null()) return {};
  return Value::string(text_of(call.arena, call[0]));
}

Value to_integer_function(Call& call) {
  if (!has_arguments(call, 1)) return {};
  return integer_or_null(to_integer(call[0]));
}

Value to_long_function(Call& call) {
  if (!has_arguments(call, 1)) return {};
  const auto value = to_long(call[0]);
  return value ? Value::long_integer(*value) : Value::null();
}

Value to_double_function(Call& call) {
  if (!has_arguments(call, 1)) return {};
  const auto value = to_double(call[0]);
  return value ? Value::double_number(*value) : Value::null();
}

Value to_float_function(Call& call) {
  if (!has_arguments(call, 1)) return {};
  const auto value = to_float(call[0]);
  return value ? Value::float_number(*value) : Value::null();
}

}  // namespace

void register_conversion_functions(FunctionRegistry& registry) {
  registry.add({.name = "TO_STRING",
                .category = "core",
                .description = "The text of a value; null stays null.",
                .parameters = {{"input", "any", "the value"}},
                .returns = "string",
                .examples = {{"TO_STRING(1.0)", "\"1.0\""},
                             {"TO_STRING([1, 'a', null])", "\"[1, a, null]\""},
                             {"TO_STRING(null)", "null"}},
                .run = to_string_function,
                .reads_only = true});
  registry.add({.name = "TO_INTEGER",
                .category = "core",
                .description = "A 32-bit whole number: numbers are truncated, text is decimal digits, true is 1; null "
                               "where that is not possible.",
                .parameters = {{"input", "any", "the value; a list counts by its first element"}},
                .returns = "int",
                .examples = {{"TO_INTEGER('7')", "7"},
                             {"TO_INTEGER(2.9)", "2"},
                             {"TO_INTEGER('1.0')", "null"},
                             {"TO_INTEGER(3000000000L)", "null"}},
                .run = to_integer_function});
  registry.add({.name = "TO_LONG",
                .category = "core",
                .description = "A 64-bit whole number, by the rules of TO_INTEGER.",
                .parameters = {{"input", "any", "the value; a list counts by its first element"}},
                .returns = "long",
                .examples = {{"TO_LONG('3000000000')", "3000000000"}, {"TO_LONG('x')", "null"}},
                .run = to_long_function});
  registry.add({.name = "TO_DOUBLE",
                .category = "core",
                .description = "A Double; null where the text is no number.",
                .parameters = {{"input", "any", "the value; a list counts by its first element"}},
                .returns = "double",
                .examples = {{"TO_DOUBLE('1e3')", "1000.0"}, {"TO_DOUBLE(' .5 ')", "0.5"}, {"TO_DOUBLE('x')", "null"}},
                .run = to_double_function});
  registry.add({.name = "TO_FLOAT",
                .category = "core",
                .description = "A Float; null where the text is no number or a number is out of a Float's range.",
                .parameters = {{"input", "any", "the value; a list counts by its first element"}},
                .returns = "float",
                .examples = {{"TO_FLOAT('1.5')", "1.5"}, {"TO_FLOAT(1e300)", "null"}},
                .run = to_float_function});
}

}  // namespace modelyard::stellar
