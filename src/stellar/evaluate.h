// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "stellar/capabilities.h"
#include "stellar/eval/frame.h"
#include "stellar/functions/registry.h"

namespace modelyard::stellar {

// How calls of models and services are carried out, blocking. The answer may be built in the arena.
using Answerer = std::function<Value(const CallRequest&, Arena&)>;

// One expression over variables given as a JSON object (empty = none; {"$long":"5"} and the other tags of batch.h are
// understood). The result is pretty JSON. kInvalidArgument where expression or variables do not read (with line, column
// and a caret), kFailed where the evaluation fails, kResourceExhausted where it reaches a bound.
Result<std::string> evaluate_once(std::string_view expression, std::string_view variables,
                                  const FunctionRegistry& registry, Capabilities& capabilities,
                                  const Limits& limits = {}, const Answerer& answer = nullptr);

// A value as a person reads it: JSON, indented where it is long; numbers with their own form (1.0, not 1), a set as a
// list.
std::string pretty(Value value);

}  // namespace modelyard::stellar
