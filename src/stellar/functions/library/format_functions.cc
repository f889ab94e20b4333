// SPDX-License-Identifier: Apache-2.0
#include "stellar/functions/helpers.h"
#include "stellar/functions/java_formatter.h"

namespace modelyard::stellar {
namespace {

Value format(Call& call) {
  if (!has_arguments(call, 1)) return {};
  if (!call[0].is_string()) return call.wrong_kind(0, "string");
  const Result<std::string> text = java_format(call[0].text(), call.arguments.subspan(1), call.limits.result_bytes);
  return text ? call.string(*text) : call.fail(text.error().message());
}

}  // namespace

void register_format_functions(FunctionRegistry& registry) {
  registry.add({.name = "FORMAT",
                .category = "string",
                .description = "A text made of a format and arguments, as Java's String.format does. A conversion that "
                               "does not fit its argument is an error.",
                .parameters = {{"format", "string", "with %s %d %x %f %e %tY and so on"},
                               {"args", "any", "the arguments", true, true}},
                .returns = "string",
                .examples = {{"FORMAT('%s has %d', 'a', 5)", "\"a has 5\""},
                             {"FORMAT('%05.1f|%-4s|', 2.25, 'x')", "\"002.3|x   |\""},
                             {"FORMAT('%d', 1.5)", "error"}},
                .run = format,
                .reads_only = true});
}

}  // namespace modelyard::stellar
