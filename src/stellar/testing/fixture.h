// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "stellar/batch.h"
#include "stellar/evaluate.h"
#include "stellar/functions/registry.h"
#include "stellar/json_value.h"

namespace modelyard::stellar::testing {

// The compact JSON of an expression's value, or "error: …" with the message alone.
inline std::string run(std::string_view expression, std::string_view variables = "{}", const Limits& limits = {}) {
  Capabilities capabilities;
  Arena arena;
  const auto program = compile(expression, FunctionRegistry::standard());
  if (!program) return "error: " + program.error().front().message;
  const auto given = value_from_json(arena, variables);
  if (!given) return "error: " + given.error().message();
  const Value untagged = untag(arena, *given);
  const MapObject* map = &untagged.map();
  MapVariables source({&map, 1});
  Frame frame(limits);
  const Outcome outcome = frame.start(**program, source, capabilities);
  if (outcome.failed()) return "error: " + frame.error().message;
  std::string out;
  append_json(out, outcome.value);
  return out;
}

}  // namespace modelyard::stellar::testing
