// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "stellar/compile/code.h"
#include "stellar/eval/frame.h"

namespace modelyard::stellar {

// The stack machine behind Frame: explicit stacks of values and of activations, so neither nesting nor waiting for an
// answer needs the thread's own stack.
class Machine {
 public:
  explicit Machine(const Limits& limits);

  Outcome start(const Program& program, VariableSource& variables, Capabilities& capabilities);
  Outcome resume(Value answer);
  Outcome fail(std::string_view message);

  const CallRequest& call() const { return outbox_.request; }
  const EvaluationError& error() const { return error_; }
  Arena& arena() { return arena_; }

 private:
  // One MAP, FILTER, REDUCE or called action in progress, with what to return to.
  struct Activation {
    enum class Kind : uint8_t { kMap, kFilter, kReduce, kAct };
    Kind kind;
    const Code* code;
    const Environment* environment;
    uint32_t pc;
    uint32_t base;
    LambdaObject lambda;
    const Value* items;
    uint32_t index;
    uint32_t count;
    const ListObject* watched;  // the list that must not change meanwhile; null where the items are a copy
    ListObject* results;
    Value accumulator;
    bool again;  // the lambda keeps nothing from item to item: it can go on where it stands
    uint32_t again_parameters;
    uint32_t again_entry;
  };
  static bool changed(const Activation& activation) {
    return activation.watched != nullptr && activation.watched->size != activation.count;
  }

  Outcome guarded_run();
  Outcome run();
  Outcome finish_error(std::string message, bool is_limit = false);

  // Each leaves the machine's registers as they are to be; false = error_text_ is set.
  bool call_function(const CallSite& site, bool& suspended);
  bool iterate(const CallSite& site);
  bool iterable(Value source, Activation& activation);
  bool enter_or_finish();
  static void take_result(Activation& activation, Value result);
  bool returned(Value result);
  void enter_lambda(const Activation& activation, Value first, Value second, uint32_t given);
  void push_map(uint32_t pairs);
  void reserve(uint32_t values);
  Value all_variables();
  void spend(uint64_t steps) {
    steps_ += steps;
    if (steps_ >= next_check_) [[unlikely]]
      check_bounds();
  }
  void check_bounds();

  Limits limits_;
  Arena arena_;
  std::vector<Value> stack_;
  std::vector<Activation> activations_;

  // Registers, kept here across a suspension and loaded into locals by run().
  const Code* code_ = nullptr;
  const Environment* environment_ = nullptr;
  uint32_t pc_ = 0;
  uint32_t base_ = 0;
  uint32_t top_ = 0;  // values on the stack

  VariableSource* variables_ = nullptr;
  Capabilities* capabilities_ = nullptr;
  bool strict_ = false;
  uint64_t steps_ = 0;
  uint64_t next_check_ = 0;
  bool timing_ = false;
  SteadyTime began_{};
  std::chrono::nanoseconds spent_{0};

  CallOutbox outbox_;
  std::string error_text_;
  EvaluationError error_;
};

}  // namespace modelyard::stellar
