// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "stellar/eval/variables.h"
#include "stellar/functions/function.h"
#include "stellar/value.h"

namespace modelyard::stellar {

// Instructions of the stack machine (eval/machine.cc). "a", "b": operands; top: the topmost value.
enum class Op : uint8_t {
  kConstant,       // push constants[a]
  kVariable,       // push variable a
  kOuterVariable,  // the same inside a lambda, where every variable counts as existing
  kAllVariables,   // push the map of all variables
  kParameter,      // push parameter a of this lambda
  kCaptured,       // push parameter a of the lambda b levels out (0 = this one), kept in an environment
  kExists,         // push whether variable a is not null
  kExistsTop,      // top = top is not null
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kVariableEqualConstant,  // push variable a == constants[b]
  kIn,
  kNotIn,
  kInConstant,  // top = top in constants[a] (a list or set); b: negated
  kNot,         // top = not top, as a boolean
  kAndJump,     // condition rules on top; false: jump to a, keeping false; else top becomes a boolean
  kOrJump,
  kAnd,
  kOr,           // two booleans-by-conversion -> one; the left one is a boolean already
  kJump,         // to a
  kJumpIfFalse,  // pop the condition; false: jump to a; no boolean: error
  kFixCheck,     // a lone literal or null as a match's check counts as false: replaces top
  kList,         // a items -> list
  kMap,          // 2a items -> map
  kCall,         // calls[a] with its arguments on the stack
  kIterate,      // calls[a] is MAP, FILTER or REDUCE
  kLambda,       // push lambda a with this environment
  kAct,          // top is a lambda: call it without arguments
  kReturn,
};

struct Instruction {
  Op op;
  uint8_t flags = 0;
  uint16_t b = 0;
  uint32_t a = 0;
};
static_assert(sizeof(Instruction) == 8);

// Where an instruction came from.
struct Place {
  uint32_t offset;
  uint32_t length;
};

struct CallSite {
  std::string_view name;
  const Function* function;  // null: unknown, an error when reached
  uint32_t arguments;
  std::unique_ptr<const Prepared> prepared;
};

struct LambdaCode {
  uint32_t entry;
  uint32_t parameters;
  bool keeps_environment;  // a lambda inside reads its parameters: they live in the arena instead of on the stack
};

struct Code {
  std::string text;
  Arena arena;  // of constants and names
  std::vector<Instruction> instructions;
  std::vector<Place> places;  // one per instruction
  std::vector<Value> constants;
  std::vector<Variable> variables;
  std::vector<CallSite> calls;
  std::vector<LambdaCode> lambdas;
  std::vector<std::string> function_names;
  uint32_t stack_max = 0;  // values that one activation needs at most
  bool blank = false;
};

// Parameters of a lambda that outlive its activation, for the lambdas inside it.
struct Environment {
  const Environment* outer;
  Value* values;
};

struct LambdaObject {
  const Code* code;
  uint32_t lambda;
  const Environment* environment;
};

}  // namespace modelyard::stellar
