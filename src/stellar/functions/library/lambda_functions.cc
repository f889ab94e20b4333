// SPDX-License-Identifier: Apache-2.0
#include "stellar/functions/helpers.h"

namespace modelyard::stellar {

// The evaluator runs these itself (eval/machine.cc), so that a call inside a lambda can suspend.
void register_lambda_functions(FunctionRegistry& registry) {
  registry.add({.name = "MAP",
                .category = "core",
                .description = "A list of what the lambda makes of each item.",
                .parameters = {{"list", "list", "a list, a set, or a string's characters; null gives null"},
                               {"fn", "lambda", "of one item"}},
                .returns = "list",
                .examples = {{"MAP([1, 2], x -> x * 2)", "[2,4]"}, {"MAP('ab', x -> TO_UPPER(x))", "[\"A\",\"B\"]"}},
                .intrinsic = Intrinsic::kMap});
  registry.add({.name = "FILTER",
                .category = "core",
                .description = "The items for which the lambda gives true.",
                .parameters = {{"list", "list", "a list, a set, or a string's characters; null gives null"},
                               {"pred", "lambda", "of one item"}},
                .returns = "list",
                .examples = {{"FILTER([1, 5, 9], x -> x > 3)", "[5,9]"}},
                .intrinsic = Intrinsic::kFilter});
  registry.add({.name = "REDUCE",
                .category = "core",
                .description = "Folds the items from the left into one value.",
                .parameters = {{"list", "list", "a list, a set, or a string's characters; null gives null"},
                               {"fn", "lambda", "of the value so far and an item"},
                               {"init", "any", "the first value; null gives null"}},
                .returns = "any",
                .examples = {{"REDUCE([1, 2, 3], (s, x) -> s + x, 0)", "6"}},
                .intrinsic = Intrinsic::kReduce});
}

}  // namespace modelyard::stellar
