// SPDX-License-Identifier: Apache-2.0
#include "stellar/eval/machine.h"

#include <fmt/format.h>

#include "stellar/eval/conversions.h"
#include "stellar/eval/operators.h"
#include "stellar/eval/utf16.h"

namespace modelyard::stellar {
namespace {
constexpr uint64_t kStepsBetweenChecks = 256;
constexpr size_t kBytesPerStep = 1024;

// Both Integers: the common case, without a call. Overflow wraps.
bool integers(Value a, Value b) { return a.kind() == Kind::kInteger && b.kind() == Kind::kInteger; }
// Steps for looking through a value once.
uint64_t steps_of(Value value) {
  switch (value.kind()) {
    case Kind::kString: return value.text().size() / 1024;
    case Kind::kList: return value.list().size / 16;
    case Kind::kMap:
    case Kind::kSet: return value.map().used / 16;
    default: return 0;
  }
}
Value wrapped(int64_t value) { return Value::integer(static_cast<int32_t>(static_cast<uint32_t>(value))); }
}  // namespace

Machine::Machine(const Limits& limits) : limits_(limits), arena_(limits.memory_bytes) { stack_.resize(32); }

Outcome Machine::start(const Program& program, VariableSource& variables, Capabilities& capabilities) {
  arena_.reset();
  activations_.clear();
  code_ = &program.code();
  if (code_->blank) return {};
  environment_ = nullptr;
  pc_ = base_ = top_ = 0;
  variables_ = &variables;
  capabilities_ = &capabilities;
  strict_ = variables.is_strict();
  steps_ = 0;
  next_check_ = kStepsBetweenChecks;
  timing_ = false;
  spent_ = {};
  return guarded_run();
}

Outcome Machine::resume(Value answer) {
  try {
    stack_[top_++] = copy_value(arena_, answer);
  } catch (const BoundReached& bound) {
    return finish_error(bound.bound, true);
  }
  return guarded_run();
}

Outcome Machine::fail(std::string_view message) { return finish_error(std::string(message)); }

Outcome Machine::guarded_run() {
  try {
    reserve(code_->stack_max);
    return run();
  } catch (const BoundReached& bound) {
    return finish_error(bound.bound, true);
  } catch (const std::bad_alloc&) {
    return finish_error("memory", true);
  }
}

Outcome Machine::finish_error(std::string message, bool is_limit) {
  error_ = {};
  error_.is_limit = is_limit;
  error_.message = !is_limit                ? std::move(message)
                   : message == "cancelled" ? "cancelled"
                                            : fmt::format("limit reached: {}", message);
  const Place place = code_->places.empty() ? Place{0, 0} : code_->places[pc_ > 0 ? pc_ - 1 : 0];
  error_.place.offset = place.offset;
  error_.place.length = place.length;
  error_.place.message = error_.message;
  locate(error_.place, code_->text);
  activations_.clear();
  return {Outcome::State::kError, {}};
}

void Machine::check_bounds() {
  if (steps_ > limits_.steps) throw BoundReached{"steps"};
  next_check_ = steps_ + kStepsBetweenChecks;
  if (limits_.cancelled != nullptr && limits_.cancelled->load(std::memory_order_relaxed))
    throw BoundReached{"cancelled"};
  const SteadyTime now = capabilities_->clock().now();
  if (!timing_) {
    timing_ = true;
    began_ = now;
  }
  if (spent_ + (now - began_) > limits_.own_time) throw BoundReached{"time"};
}

void Machine::reserve(uint32_t values) {
  if (top_ + values + 1 > stack_.size()) stack_.resize(std::max<size_t>(stack_.size() * 2, top_ + values + 1));
}

Value Machine::all_variables() {
  const Value all = variables_->all(arena_);
  return all;
}

void Machine::push_map(uint32_t pairs) {
  // The reference takes the pairs from its stack, last first: of equal keys the first written wins.
  MapObject* map = make_map(arena_, MapObject::Order::kHashed, pairs);
  const uint32_t first = top_ - 2 * pairs;
  for (uint32_t i = pairs; i-- > 0;) put(*map, stack_[first + 2 * i], stack_[first + 2 * i + 1]);
  top_ = first;
  stack_[top_++] = Value::map(map);
}

bool Machine::call_function(const CallSite& site, bool& suspended) {
  if (site.function == nullptr) {
    error_text_ = fmt::format("there is no function {}", site.name);
    return false;
  }
  const uint32_t first = top_ - site.arguments;
  const size_t used = arena_.used();
  Call call{{stack_.data() + first, site.arguments},
            arena_,
            *capabilities_,
            limits_,
            site.prepared.get(),
            site.name,
            outbox_};
  uint64_t steps = 1;
  for (const Value argument : call.arguments) steps += steps_of(argument);
  const Value result = site.function->run(call);
  spend(steps + call.effort + (arena_.used() - used) / kBytesPerStep);
  if (call.failed) [[unlikely]] {
    error_text_ = std::move(outbox_.error);
    return false;
  }
  top_ = first;
  suspended = call.suspended;
  if (!suspended) stack_[top_++] = result;
  return true;
}

void Machine::take_result(Activation& activation, Value result) {
  switch (activation.kind) {
    case Activation::Kind::kMap: activation.results->items[activation.results->size++] = result; break;
    case Activation::Kind::kFilter:
      if (result.is_boolean() && result.as_boolean())
        activation.results->items[activation.results->size++] = activation.items[activation.index];
      break;
    default: activation.accumulator = result;
  }
}

// Locals mirror the registers; whatever may change them goes through SAVE and LOAD.
#define STELLAR_SAVE() \
  (pc_ = static_cast<uint32_t>(pc - code_->instructions.data()), top_ = static_cast<uint32_t>(sp - stack_.data()))
#define STELLAR_LOAD() \
  (pc = code_->instructions.data() + pc_, sp = stack_.data() + top_, constants = code_->constants.data())
#define STELLAR_FAIL(text) return STELLAR_SAVE(), finish_error(text)

Outcome Machine::run() {
  const Instruction* pc;
  Value* sp;  // one past the topmost value
  const Value* constants;
  STELLAR_LOAD();
  while (true) {
    const Instruction in = *pc++;
    switch (in.op) {
      case Op::kConstant: *sp++ = constants[in.a]; break;
      case Op::kVariable: {
        const Value value = variables_->get(code_->variables[in.a]);
        if (strict_ && value.is_null() && !variables_->is_defined(code_->variables[in.a])) [[unlikely]] {
          STELLAR_FAIL(fmt::format("variable {} is not defined", code_->variables[in.a].name));
        }
        *sp++ = value;
        break;
      }
      case Op::kOuterVariable: *sp++ = variables_->get(code_->variables[in.a]); break;
      case Op::kAllVariables: {
        STELLAR_SAVE();
        Value all = all_variables();
        if (all.is_null()) all = variables_->get(code_->variables[in.a]);
        *sp++ = all;
        break;
      }
      case Op::kParameter: *sp++ = stack_[base_ + in.a]; break;
      case Op::kCaptured: {
        const Environment* environment = environment_;
        for (uint32_t level = in.b; level > 0; --level) environment = environment->outer;
        *sp++ = environment->values[in.a];
        break;
      }
      case Op::kExists: *sp++ = Value::boolean(!variables_->get(code_->variables[in.a]).is_null()); break;
      case Op::kExistsTop: sp[-1] = Value::boolean(!sp[-1].is_null()); break;
      case Op::kAdd:
      case Op::kSubtract:
      case Op::kMultiply:
      case Op::kDivide: {
        --sp;
        if (integers(sp[-1], *sp) && in.op != Op::kDivide) [[likely]] {
          const int64_t a = sp[-1].as_integral();
          const int64_t b = sp->as_integral();
          sp[-1] = wrapped(in.op == Op::kAdd ? a + b : in.op == Op::kSubtract ? a - b : a * b);
          break;
        }
        error_text_.clear();
        sp[-1] = arithmetic(in.op, sp[-1], *sp, &error_text_);
        if (!error_text_.empty()) [[unlikely]]
          STELLAR_FAIL(std::move(error_text_));
        break;
      }
      case Op::kEqual:
      case Op::kNotEqual:
        --sp;
        spend(steps_of(*sp));
        sp[-1] = Value::boolean(loosely_equal(sp[-1], *sp) == (in.op == Op::kEqual));
        break;
      case Op::kVariableEqualConstant: {
        const Value value = variables_->get(code_->variables[in.a]);
        if (strict_ && value.is_null() && !variables_->is_defined(code_->variables[in.a])) [[unlikely]] {
          STELLAR_FAIL(fmt::format("variable {} is not defined", code_->variables[in.a].name));
        }
        const Value constant = constants[in.b];
        *sp++ = Value::boolean(value.is_string() && constant.is_string() ? value.text() == constant.text()
                                                                         : loosely_equal(value, constant));
        break;
      }
      case Op::kLess:
      case Op::kLessEqual:
      case Op::kGreater:
      case Op::kGreaterEqual: {
        --sp;
        error_text_.clear();
        sp[-1] = Value::boolean(compare(in.op, sp[-1], *sp, &error_text_));
        if (!error_text_.empty()) [[unlikely]]
          STELLAR_FAIL(std::move(error_text_));
        break;
      }
      case Op::kIn:
      case Op::kNotIn:
        --sp;
        spend(1 + steps_of(*sp));
        sp[-1] = Value::boolean(contains(sp[-1], *sp) == (in.op == Op::kIn));
        break;
      case Op::kInConstant: sp[-1] = Value::boolean(contains(sp[-1], constants[in.a]) != (in.b != 0)); break;
      case Op::kNot: sp[-1] = Value::boolean(!to_boolean(sp[-1]).value_or(false)); break;
      case Op::kAndJump:
      case Op::kOrJump: {
        const std::optional<bool> condition = condition_of(sp[-1]);
        if (condition && *condition == (in.op == Op::kOrJump)) {
          sp[-1] = Value::boolean(*condition);
          pc = code_->instructions.data() + in.a;
        } else {
          sp[-1] = Value::boolean(condition ? *condition : to_boolean(sp[-1]).value_or(false));
        }
        break;
      }
      case Op::kAnd:
      case Op::kOr: {
        --sp;
        const bool left = sp[-1].as_boolean();
        const bool right = to_boolean(*sp).value_or(false);
        sp[-1] = Value::boolean(in.op == Op::kAnd ? left && right : left || right);
        break;
      }
      case Op::kJump: pc = code_->instructions.data() + in.a; break;
      case Op::kJumpIfFalse: {
        const std::optional<bool> condition = condition_of(*--sp);
        if (!condition) [[unlikely]] {
          STELLAR_FAIL(fmt::format("a condition is true or false, this one is a {}", to_string(sp->kind())));
        }
        if (!*condition) pc = code_->instructions.data() + in.a;
        break;
      }
      case Op::kFixCheck: sp[-1] = Value::boolean(false); break;
      case Op::kList: {
        STELLAR_SAVE();
        ListObject* list = make_list(arena_, in.a);
        sp -= in.a;
        std::copy_n(sp, in.a, list->items);
        list->size = in.a;
        *sp++ = Value::list(list);
        break;
      }
      case Op::kMap:
        STELLAR_SAVE();
        push_map(in.a);
        STELLAR_LOAD();
        break;
      case Op::kCall: {
        STELLAR_SAVE();
        bool suspended = false;
        if (!call_function(code_->calls[in.a], suspended)) [[unlikely]]
          return finish_error(std::move(error_text_));
        sp = stack_.data() + top_;
        if (suspended) [[unlikely]] {
          if (timing_) spent_ += capabilities_->clock().now() - began_;
          timing_ = false;
          return {Outcome::State::kPending, {}};
        }
        break;
      }
      case Op::kIterate:
        STELLAR_SAVE();
        if (!iterate(code_->calls[in.a])) [[unlikely]]
          return finish_error(std::move(error_text_));
        STELLAR_LOAD();
        break;
      case Op::kLambda: {
        STELLAR_SAVE();
        auto* object = static_cast<LambdaObject*>(arena_.allocate(sizeof(LambdaObject)));
        *object = {code_, in.a, environment_};
        *sp++ = Value::lambda(object);
        break;
      }
      case Op::kAct: {
        if (!sp[-1].is_lambda()) break;
        --sp;
        STELLAR_SAVE();
        Activation activation{};
        activation.kind = Activation::Kind::kAct;
        activation.lambda = sp->lambda();
        activation.code = code_;
        activation.environment = environment_;
        activation.pc = pc_;
        activation.base = base_;
        if (activations_.size() >= limits_.call_depth) throw BoundReached{"depth"};
        activations_.push_back(activation);
        spend(1);
        enter_lambda(activations_.back(), {}, {}, 0);
        STELLAR_LOAD();
        break;
      }
      case Op::kReturn: {
        const Value result = sp[-1];
        if (activations_.empty()) return {Outcome::State::kDone, result};
        // Mostly the same lambda goes on with the next item: its code, environment and place on the stack stay.
        if (Activation& activation = activations_.back();
            activation.again && activation.index + 1 < activation.count && !changed(activation)) [[likely]] {
          take_result(activation, result);
          const Value item = activation.items[++activation.index];
          sp = stack_.data() + base_;
          const bool reduces = activation.kind == Activation::Kind::kReduce;
          for (uint32_t i = 0; i < activation.again_parameters; ++i) {
            *sp++ = i == 0 ? (reduces ? activation.accumulator : item) : i == 1 && reduces ? item : Value::null();
          }
          pc = code_->instructions.data() + activation.again_entry;
          constants = code_->constants.data();
          spend(1);
          break;
        }
        pc_ = static_cast<uint32_t>(pc - code_->instructions.data());
        top_ = base_;
        if (!returned(result)) [[unlikely]]
          return finish_error(std::move(error_text_));
        STELLAR_LOAD();
        break;
      }
    }
  }
}

#undef STELLAR_SAVE
#undef STELLAR_LOAD
#undef STELLAR_FAIL

}  // namespace modelyard::stellar
