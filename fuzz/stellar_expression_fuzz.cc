// fuzz: DEPS stellar
// SPDX-License-Identifier: Apache-2.0
// Any text: it compiles and evaluates to a value or to an error, within small bounds.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "stellar/check.h"
#include "stellar/compile/program.h"
#include "stellar/eval/frame.h"
#include "stellar/functions/registry.h"
#include "stellar/json_value.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace modelyard::stellar;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const Diagnostic& diagnostic : check(text, FunctionRegistry::standard())) (void)diagnostic.render(text);
  const auto program = compile(text, FunctionRegistry::standard());
  if (!program) {
    (void)render(program.error(), text);
    return 0;
  }
  Arena arena;
  MapObject* map = make_map(arena, MapObject::Order::kInserted);
  put(*map, "a", Value::integer(5));
  put(*map, "s", Value::string("metron"));
  ListObject* list = make_list(arena);
  for (int i = 0; i < 4; ++i) append(*list, Value::integer(i));
  put(*map, "l", Value::list(list));
  const MapObject* maps[] = {map};
  MapVariables variables(maps);
  Capabilities capabilities;
  Frame frame({.memory_bytes = 4 << 20,
               .steps = 20'000,
               .result_bytes = 1 << 20,
               .regex_effort = 10'000,
               .own_time = modelyard::milliseconds(500)});
  Outcome outcome = frame.start(**program, variables, capabilities);
  while (outcome.pending()) outcome = frame.resume(Value::null());
  if (outcome.failed()) {
    (void)frame.error().render(text);
    return 0;
  }
  try {
    std::string out;
    append_json(out, outcome.value);
    append_text(out, outcome.value);
  } catch (const BoundReached&) {
  }
  return 0;
}
