// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stellar/capabilities.h"
#include "stellar/eval/frame.h"
#include "stellar/value.h"

namespace modelyard::stellar {

// What a function made of its constant arguments when the expression was compiled: a regular expression, a subnet.
// Immutable, read by several threads.
class Prepared {
 public:
  virtual ~Prepared() = default;
};

// What a call leaves behind beside its value. Kept by the evaluator from call to call, so that most calls build
// nothing.
struct CallOutbox {
  std::string error;
  CallRequest request;
};

// One call of a function: its arguments and what it may use. Lives for the call alone.
class Call {
 public:
  std::span<const Value> arguments;
  Arena& arena;
  Capabilities& capabilities;
  const Limits& limits;
  const Prepared* prepared;
  std::string_view name;
  CallOutbox& outbox;
  bool failed = false;
  bool suspended = false;
  uint32_t effort = 0;  // added by functions that work long on little data; counted as steps

  size_t size() const { return arguments.size(); }
  Value operator[](size_t index) const { return arguments[index]; }
  // The argument, null where it was not given.
  Value at(size_t index) const { return index < arguments.size() ? arguments[index] : Value::null(); }

  // The call is an error. Return what it returns.
  Value fail(std::string message);
  // The call waits for an answer that the frame's driver brings; the answer becomes the call's value.
  Value suspend(CallRequest wanted);
  // Copies the text into the arena; BoundReached{"result"} when it is longer than limits.result_bytes.
  Value string(std::string_view text) const;
  // The error for too few arguments.
  Value too_few(size_t least);
  // The error for an argument of a wrong kind: "TRIM: argument 1 is a List, not a string".
  Value wrong_kind(size_t index, std::string_view wanted);
};

struct Parameter {
  std::string_view name;
  std::string_view type;  // "string", "list<string>", "number", "any" …
  std::string_view description;
  bool optional = false;
  bool repeated = false;
};

// Executed by a test: `expression` with `variables` (a JSON object, or empty) gives `result`, as append_json() writes
// it; a result that starts with "error" is any error.
struct Example {
  std::string_view expression;
  std::string_view result;
  std::string_view variables = "";
};

// MAP, FILTER and REDUCE call lambdas, which the evaluator does itself so that a call inside one can suspend.
enum class Intrinsic : uint8_t { kNone, kMap, kFilter, kReduce };

// A function and its page of the reference, in one. One file per function or close family registers them.
struct Function {
  std::string_view name;
  std::string_view category;  // "string", "network" …
  std::string_view description;
  std::vector<Parameter> parameters;
  std::string_view returns;
  std::vector<Example> examples;
  Value (*run)(Call&) = nullptr;
  // Called once per call site with the constant arguments (null pointers where an argument is not constant). May return
  // nothing.
  std::unique_ptr<const Prepared> (*prepare)(std::span<const Value* const> arguments) = nullptr;
  Intrinsic intrinsic = Intrinsic::kNone;
  // Neither changes its arguments nor keeps them in what it returns: constant lists need not be copied for it.
  bool reads_only = false;
};

}  // namespace modelyard::stellar
