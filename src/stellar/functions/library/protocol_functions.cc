// SPDX-License-Identifier: Apache-2.0
#include "stellar/functions/helpers.h"
#include "stellar/functions/protocols.h"

namespace modelyard::stellar {
namespace {

// What is no assigned number comes back as it is.
Value protocol_to_name(Call& call) {
  if (!has_arguments(call, 1)) return {};
  const std::optional<int32_t> number = to_integer(call[0]);
  if (!number) return call[0];
  const std::string_view name = protocol_name(*number);
  return name.empty() ? call[0] : Value::string(name);
}

}  // namespace

void register_protocol_functions(FunctionRegistry& registry) {
  registry.add({.name = "PROTOCOL_TO_NAME",
                .category = "network",
                .description = "The name of an IP protocol number; anything else comes back as it is.",
                .parameters = {{"number", "int", "0 to 142"}},
                .returns = "string",
                .examples = {{"PROTOCOL_TO_NAME(6)", "\"TCP\""}, {"PROTOCOL_TO_NAME(255)", "255"}},
                .run = protocol_to_name});
}

}  // namespace modelyard::stellar
