// SPDX-License-Identifier: Apache-2.0
// How MAP, FILTER, REDUCE and called actions begin, go on and end.
#include <fmt/format.h>

#include "stellar/eval/machine.h"
#include "stellar/eval/utf16.h"

namespace modelyard::stellar {

// The items of what a lambda runs over: a list, a set, or a string's units.
bool Machine::iterable(Value source, Activation& activation) {
  activation.watched = nullptr;
  if (source.is_list()) {
    activation.items = source.list().items;
    activation.count = source.list().size;
    activation.watched = &source.list();
    return true;
  }
  if (source.is_set()) {
    Value* items = arena_.allocate_array<Value>(source.map().count);
    uint32_t count = 0;
    for (const auto& entry : entries_of(source.map())) items[count++] = entry.key;
    activation.items = items;
    activation.count = count;
    return true;
  }
  if (!source.is_string()) return false;
  ListObject* units = make_list(arena_, source.text().size());
  for_each_unit(source.text(), [&](char16_t unit) { units->items[units->size++] = Value::character(unit); });
  activation.items = units->items;
  activation.count = units->size;
  activation.watched = units;
  return true;
}

bool Machine::iterate(const CallSite& site) {
  const Intrinsic intrinsic = site.function->intrinsic;
  const uint32_t needed = intrinsic == Intrinsic::kReduce ? 3 : 2;
  const uint32_t first = top_ - site.arguments;
  const auto fail = [&](std::string text) {
    error_text_ = fmt::format("{}: {}", site.name, text);
    return false;
  };
  if (site.arguments < needed) return fail(fmt::format("takes {} arguments, not {}", needed, site.arguments));
  const Value source = stack_[first];
  const Value lambda = stack_[first + 1];
  Activation activation{};
  if (!source.is_null() && !iterable(source, activation)) {
    return fail(fmt::format("argument 1 is a {}, not a list, set or string", to_string(source.kind())));
  }
  if (!lambda.is_null() && !lambda.is_lambda())
    return fail(fmt::format("argument 2 is a {}, not a lambda", to_string(lambda.kind())));
  const Value initial = needed == 3 ? stack_[first + 2] : Value::null();
  top_ = first;
  if (source.is_null() || lambda.is_null() || (needed == 3 && initial.is_null())) {
    // A string without a lambda is the list of its units.
    const bool gives_source = intrinsic != Intrinsic::kReduce;
    Value unchanged = gives_source ? source : Value::null();
    if (gives_source && source.is_string()) unchanged = Value::list(const_cast<ListObject*>(activation.watched));
    stack_[top_++] = unchanged;
    return true;
  }
  activation.kind = intrinsic == Intrinsic::kMap      ? Activation::Kind::kMap
                    : intrinsic == Intrinsic::kFilter ? Activation::Kind::kFilter
                                                      : Activation::Kind::kReduce;
  activation.lambda = lambda.lambda();
  activation.accumulator = initial;
  if (intrinsic == Intrinsic::kMap) activation.results = make_list(arena_, activation.count);
  if (intrinsic == Intrinsic::kFilter) activation.results = make_list(arena_, activation.count);
  activation.code = code_;
  activation.environment = environment_;
  activation.pc = pc_;
  activation.base = base_;
  const LambdaCode& body = activation.lambda.code->lambdas[activation.lambda.lambda];
  activation.again = !body.keeps_environment;
  activation.again_parameters = body.parameters;
  activation.again_entry = body.entry;
  if (activations_.size() >= limits_.call_depth) throw BoundReached{"depth"};
  activations_.push_back(activation);
  return enter_or_finish();
}

void Machine::enter_lambda(const Activation& activation, Value first, Value second, uint32_t given) {
  code_ = activation.lambda.code;
  const LambdaCode& lambda = code_->lambdas[activation.lambda.lambda];
  reserve(lambda.parameters + code_->stack_max);
  base_ = top_;
  environment_ = activation.lambda.environment;
  pc_ = lambda.entry;
  const Value arguments[2] = {first, second};
  Value* to = stack_.data() + top_;
  if (lambda.keeps_environment) {
    to = arena_.allocate_array<Value>(lambda.parameters);
    auto* made = static_cast<Environment*>(arena_.allocate(sizeof(Environment)));
    *made = {environment_, to};
    environment_ = made;
  } else {
    top_ += lambda.parameters;
  }
  for (uint32_t i = 0; i < lambda.parameters; ++i) to[i] = i < given ? arguments[i] : Value::null();
}

// Calls the lambda of the innermost activation for its next item, or ends the activation with its result on the stack.
bool Machine::enter_or_finish() {
  Activation& activation = activations_.back();
  if (changed(activation)) {
    error_text_ = "the list was changed while a lambda ran over it";
    return false;
  }
  if (activation.index < activation.count) {
    const Value item = activation.items[activation.index];
    spend(1);
    if (activation.kind == Activation::Kind::kReduce) {
      enter_lambda(activation, activation.accumulator, item, 2);
    } else {
      enter_lambda(activation, item, {}, 1);
    }
    return true;
  }
  code_ = activation.code;
  environment_ = activation.environment;
  pc_ = activation.pc;
  base_ = activation.base;
  const Value result =
      activation.kind == Activation::Kind::kReduce ? activation.accumulator : Value::list(activation.results);
  activations_.pop_back();
  stack_[top_++] = result;
  return true;
}

// A lambda ended with `result`; its values are off the stack.
bool Machine::returned(Value result) {
  Activation& activation = activations_.back();
  if (activation.kind == Activation::Kind::kAct) {
    code_ = activation.code;
    environment_ = activation.environment;
    pc_ = activation.pc;
    base_ = activation.base;
    activations_.pop_back();
    stack_[top_++] = result;
    return true;
  }
  take_result(activation, result);
  ++activation.index;
  return enter_or_finish();
}

}  // namespace modelyard::stellar
