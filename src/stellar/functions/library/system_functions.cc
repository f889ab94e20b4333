// SPDX-License-Identifier: Apache-2.0
#include "stellar/functions/helpers.h"

namespace modelyard::stellar {
namespace {

Value environment(Call& call) {
  if (!has_arguments(call, 1) || !is_string_or_null(call, 0)) return {};
  if (call[0].is_null()) return {};
  const auto value = call.capabilities.environment(call[0].text());
  return value ? call.string(*value) : Value::null();
}

Value property(Call& call) {
  if (!has_arguments(call, 1) || !is_string_or_null(call, 0)) return {};
  if (call[0].is_null()) return {};
  const auto value = call.capabilities.system_property(call[0].text());
  return value ? call.string(*value) : Value::null();
}

}  // namespace

void register_system_functions(FunctionRegistry& registry) {
  registry.add({.name = "SYSTEM_ENV_GET",
                .category = "other",
                .description = "A variable of the process's environment; null when it is not set.",
                .parameters = {{"name", "string", "the variable"}},
                .returns = "string",
                .examples = {{"SYSTEM_ENV_GET('surely_not_set')", "null"}},
                .run = environment});
  registry.add({.name = "SYSTEM_PROPERTY_GET",
                .category = "other",
                .description = "A property that whoever runs the expression provides; null when there is none.",
                .parameters = {{"name", "string", "the property"}},
                .returns = "string",
                .examples = {{"SYSTEM_PROPERTY_GET('surely.not.set')", "null"}},
                .run = property});
}

}  // namespace modelyard::stellar
