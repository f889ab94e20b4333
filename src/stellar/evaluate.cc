// SPDX-License-Identifier: Apache-2.0
#include "stellar/evaluate.h"

#include <fmt/format.h>

#include "json/writer.h"
#include "stellar/batch.h"
#include "stellar/compile/program.h"
#include "stellar/eval/utf16.h"
#include "stellar/json_reader.h"
#include "stellar/json_value.h"

namespace modelyard::stellar {
namespace {

constexpr size_t kOneLine = 80;
constexpr int kDepthMax = 500;

void append_pretty(std::string& out, Value value, size_t indent, int depth) {
  if (depth > kDepthMax) throw BoundReached{"depth"};
  const bool container = value.is_collection() || value.is_map();
  if (!container) {
    if (value.is_floating() || value.is_lambda()) return append_text(out, value);
    return append_json(out, value);
  }
  std::string line;
  append_json(line, value);
  if (utf16_length(line) + indent <= kOneLine) {
    out += line;
    return;
  }
  const std::string pad(indent + 2, ' ');
  bool first = true;
  const auto separate = [&] {
    out += first ? "\n" : ",\n";
    first = false;
    out += pad;
  };
  out += value.is_map() ? '{' : '[';
  if (value.is_list()) {
    for (const Value item : value.list()) {
      separate();
      append_pretty(out, item, indent + 2, depth + 1);
    }
  } else {
    for (const auto& entry : entries_of(value.map())) {
      separate();
      if (value.is_map()) {
        std::string key;
        append_text(key, entry.key);
        json::append_string(out, key);
        out += ": ";
      }
      append_pretty(out, value.is_map() ? entry.value : entry.key, indent + 2, depth + 1);
    }
  }
  out += '\n';
  out.append(indent, ' ');
  out += value.is_map() ? '}' : ']';
}

}  // namespace

std::string pretty(Value value) {
  std::string out;
  try {
    append_pretty(out, value, 0, 0);
  } catch (const BoundReached& bound) {
    out = fmt::format("(limit reached: {})", bound.bound);
  }
  return out;
}

Result<std::string> evaluate_once(std::string_view expression, std::string_view variables,
                                  const FunctionRegistry& registry, Capabilities& capabilities, const Limits& limits,
                                  const Answerer& answer) {
  Arena arena;
  Value given = Value::map(make_map(arena, MapObject::Order::kInserted));
  if (!variables.empty()) {
    Result<Value> read = JsonReader(arena, variables, {.borrow = true}).read();
    if (!read) return fail(std::move(read.error()).with_context("variables"));
    if (!read->is_map())
      return fail(ErrorCode::kInvalidArgument, "variables: expected a JSON object such as {\"a\": 1}");
    given = untag(arena, *read);
    if (!given.is_map())
      return fail(ErrorCode::kInvalidArgument, "variables: expected a JSON object such as {\"a\": 1}");
  }
  const auto program = compile(expression, registry);
  if (!program) return fail(ErrorCode::kInvalidArgument, render(program.error(), expression));
  const MapObject* map = &given.map();
  MapVariables source({&map, 1});
  Frame frame(limits);
  Outcome outcome = frame.start(**program, source, capabilities);
  while (outcome.pending()) {
    outcome = answer ? frame.resume(answer(frame.call(), frame.arena()))
                     : frame.resume_with_error("no models or services can be called here");
  }
  if (outcome.failed()) {
    return fail(frame.error().is_limit ? ErrorCode::kResourceExhausted : ErrorCode::kFailed,
                frame.error().render(expression));
  }
  return pretty(outcome.value);
}

}  // namespace modelyard::stellar
