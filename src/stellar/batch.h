// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <istream>
#include <ostream>
#include <string>
#include <string_view>

#include "stellar/capabilities.h"
#include "stellar/eval/frame.h"
#include "stellar/functions/registry.h"

namespace modelyard::stellar {

// The batch form: one JSON object a line in, one answer a line out, in order:
//   {"id":"c1","expr":"a + b","vars":{"a":7,"b":{"$long":"7"}},"mode":"predicate","resolver":"strict"}
//   {"id":"c1","value":14,"type":"Long"}   or   {"id":"c1","error":"text for people"}
// mode: absent, predicate, validate, vars, assign. resolver: absent = a missing variable is null, strict = an error.
// Integers, Doubles, texts, Booleans, null, lists and maps are plain JSON; other kinds are tagged ({"$long":"5"},
// {"$set":[..]} …).
struct BatchOptions {
  Limits limits;
  size_t line_bytes_max =
      size_t{32} << 20;  // a longer line is answered with an error, and so is one whose answer would be longer
};

// Reads to the end of `in`. Model and service calls are answered by `answer`; without one they are errors. Returns the
// lines answered.
size_t run_batch(std::istream& in, std::ostream& out, const FunctionRegistry& registry, Capabilities& capabilities,
                 const BatchOptions& options = {},
                 const std::function<Value(const CallRequest&, Arena&)>& answer = nullptr);

// One line's answer, without the line end. `frame` is reused.
std::string answer_line(std::string_view line, Frame& frame, const FunctionRegistry& registry,
                        Capabilities& capabilities,
                        const std::function<Value(const CallRequest&, Arena&)>& answer = nullptr);

// {"a":{"$long":"7"}} -> the kinds that the tags name, in `arena`. The value may be changed in place.
Value untag(Arena& arena, Value value);
// A value as it stands in the answer: plain or tagged.
void append_tagged(std::string& out, Value value);

}  // namespace modelyard::stellar
