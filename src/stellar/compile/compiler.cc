// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <unordered_map>

#include "stellar/compile/code.h"
#include "stellar/compile/program.h"
#include "stellar/eval/conversions.h"
#include "stellar/eval/operators.h"
#include "stellar/functions/registry.h"
#include "stellar/syntax/parser.h"

namespace modelyard::stellar {
namespace {

// The parameters of a lambda while its body is compiled.
struct Scope {
  const Scope* outer;
  std::vector<std::string_view> parameters;
  bool keeps_environment;

  // Of equal names the last counts.
  int find(std::string_view name) const {
    for (size_t i = parameters.size(); i-- > 0;) {
      if (parameters[i] == name) return static_cast<int>(i);
    }
    return -1;
  }
};

struct PendingLambda {
  const Node* body;
  const Scope* scope;
  uint32_t lambda;
};

bool is_constant_list(const Node& node) {
  if (node.kind != NodeKind::kList) return false;
  for (const Node* child = node.first; child != nullptr; child = child->next) {
    if (child->kind != NodeKind::kConstant) return false;
  }
  return true;
}

// Whether a lambda inside `node` reads one of the scope's parameters.
bool read_by_inner_lambda(const Node& node, const Scope& scope, bool inside) {
  if (inside && (node.kind == NodeKind::kVariable || node.kind == NodeKind::kExists) && scope.find(node.name) >= 0)
    return true;
  const bool enters = inside || node.kind == NodeKind::kLambda;
  for (const Node* child = node.first; child != nullptr; child = child->next) {
    if (read_by_inner_lambda(*child, scope, enters)) return true;
  }
  return false;
}

Op binary_op(TokenKind kind) {
  switch (kind) {
    case TokenKind::kPlus: return Op::kAdd;
    case TokenKind::kMinus: return Op::kSubtract;
    case TokenKind::kStar: return Op::kMultiply;
    case TokenKind::kSlash: return Op::kDivide;
    case TokenKind::kEqual: return Op::kEqual;
    case TokenKind::kNotEqual: return Op::kNotEqual;
    case TokenKind::kLess: return Op::kLess;
    case TokenKind::kLessEqual: return Op::kLessEqual;
    case TokenKind::kGreater: return Op::kGreater;
    default: return Op::kGreaterEqual;
  }
}

class Compiler {
 public:
  Compiler(Code& code, const FunctionRegistry& registry) : code_(code), registry_(registry) {}

  void program(const Node& root) {
    body(root, nullptr);
    // Lambdas stand after the main body, each with its own end.
    while (!pending_.empty()) {
      const PendingLambda next = pending_.front();
      pending_.pop_front();
      code_.lambdas[next.lambda].entry = here();
      body(*next.body, next.scope);
    }
  }

 private:
  uint32_t here() const { return static_cast<uint32_t>(code_.instructions.size()); }

  void body(const Node& root, const Scope* scope) {
    scope_ = scope;
    depth_ = 0;
    reference_depth_ = 0;
    barrier_ = here();
    node(root);
    emit(Op::kReturn, root, 0, -1);
  }

  // `change` is what the instruction does to the height of the stack.
  uint32_t emit(Op op, const Node& from, uint32_t a, int change, uint32_t b = 0, uint8_t flags = 0) {
    code_.instructions.push_back({op, flags, static_cast<uint16_t>(b), a});
    code_.places.push_back({from.offset, from.length});
    depth_ += change;
    reference_depth_ += change;
    code_.stack_max = std::max(code_.stack_max, static_cast<uint32_t>(std::max(depth_, 0)) + 1);
    return here() - 1;
  }
  // The jump at `at` goes to the next instruction.
  void land(uint32_t at) {
    code_.instructions[at].a = here();
    barrier_ = here();
  }

  uint32_t constant(Value value) {
    code_.constants.push_back(value);
    return static_cast<uint32_t>(code_.constants.size() - 1);
  }
  Value keep(Value value) { return value.is_string() ? make_string(code_.arena, value.text()) : value; }

  uint32_t slot(std::string_view name) {
    const auto found = slots_.find(name);
    if (found != slots_.end()) return found->second;
    const auto index = static_cast<uint32_t>(code_.variables.size());
    const std::string_view kept = code_.arena.copy(name);
    code_.variables.push_back({kept, index});
    slots_.emplace(kept, index);
    return index;
  }

  // --- nodes
  void node(const Node& n) {
    switch (n.kind) {
      case NodeKind::kConstant: emit(Op::kConstant, n, constant(keep(n.value)), 1); return;
      case NodeKind::kVariable: variable(n); return;
      case NodeKind::kExists: exists(n); return;
      case NodeKind::kCall: call(n); return;
      case NodeKind::kList: list(n); return;
      case NodeKind::kMap: map(n); return;
      case NodeKind::kLambda: lambda(n); return;
      case NodeKind::kChain: chain(n); return;
      case NodeKind::kIn: in(n); return;
      case NodeKind::kNot: negation(n); return;
      case NodeKind::kConditional: conditional(n); return;
      case NodeKind::kMatch: match(n); return;
    }
  }

  // True when the name is a parameter of a lambda around.
  bool parameter(const Node& n) {
    uint32_t levels = 0;
    for (const Scope* scope = scope_; scope != nullptr; scope = scope->outer) {
      const int index = scope->find(n.name);
      if (index >= 0) {
        if (!scope->keeps_environment) {
          emit(Op::kParameter, n, static_cast<uint32_t>(index), 1);
        } else {
          emit(Op::kCaptured, n, static_cast<uint32_t>(index), 1, levels);
        }
        return true;
      }
      levels += scope->keeps_environment;
    }
    return false;
  }

  void variable(const Node& n) {
    const uint32_t at = slot(n.name);
    if (parameter(n)) return;
    if (n.name == "_") {
      emit(Op::kAllVariables, n, at, 1);
    } else {
      emit(scope_ == nullptr ? Op::kVariable : Op::kOuterVariable, n, at, 1);
    }
  }

  void exists(const Node& n) {
    const uint32_t at = slot(n.name);
    if (parameter(n)) {
      emit(Op::kExistsTop, n, 0, 0);
    } else if (n.name == "_") {
      emit(Op::kAllVariables, n, at, 1);
      emit(Op::kExistsTop, n, 0, 0);
    } else {
      emit(Op::kExists, n, at, 1);
    }
  }

  Value constant_list(const Node& n) {
    ListObject* made = make_list(code_.arena, n.children);
    for (const Node* child = n.first; child != nullptr; child = child->next)
      made->items[made->size++] = keep(child->value);
    made->arena = nullptr;
    return Value::list(made);
  }

  void call(const Node& n) {
    const Function* function = registry_.find(n.name);
    CallSite site{code_.arena.copy(n.name), function, n.children, nullptr};
    std::vector<const Value*> constants(n.children, nullptr);
    std::deque<Value> kept;
    reference_depth_ += 1;  // the reference marks where arguments begin
    size_t index = 0;
    for (const Node* child = n.first; child != nullptr; child = child->next, ++index) {
      if (function != nullptr && function->reads_only && is_constant_list(*child)) {
        kept.push_back(constant_list(*child));
        constants[index] = &kept.back();
        emit(Op::kConstant, *child, constant(kept.back()), 1);
        continue;
      }
      node(*child);
      const Instruction& last = code_.instructions.back();
      if (last.op == Op::kConstant && barrier_ < here()) {
        kept.push_back(code_.constants[last.a]);
        constants[index] = &kept.back();
      }
    }
    reference_depth_ -= 1;
    if (function != nullptr && function->prepare != nullptr) site.prepared = function->prepare(constants);
    if (std::find(code_.function_names.begin(), code_.function_names.end(), n.name) == code_.function_names.end()) {
      code_.function_names.emplace_back(n.name);
    }
    code_.calls.push_back(std::move(site));
    const bool iterates = function != nullptr && function->intrinsic != Intrinsic::kNone;
    emit(iterates ? Op::kIterate : Op::kCall, n, static_cast<uint32_t>(code_.calls.size() - 1),
         1 - static_cast<int>(n.children));
  }

  void list(const Node& n) {
    reference_depth_ += 1;
    for (const Node* child = n.first; child != nullptr; child = child->next) node(*child);
    reference_depth_ -= 1;
    emit(Op::kList, n, n.children, 1 - static_cast<int>(n.children));
  }

  void map(const Node& n) {
    reference_depth_ += 1;
    for (const Node* child = n.first; child != nullptr; child = child->next) node(*child);
    reference_depth_ -= 1;
    emit(Op::kMap, n, n.children / 2, 1 - static_cast<int>(n.children));
  }

  void lambda(const Node& n) {
    Scope& scope = scopes_.emplace_back(Scope{scope_, {}, false});
    for (const Node* child = n.first; child != n.last; child = child->next) scope.parameters.push_back(child->name);
    const Node& body_node = *n.last;
    scope.keeps_environment = read_by_inner_lambda(body_node, scope, false);
    const auto index = static_cast<uint32_t>(code_.lambdas.size());
    code_.lambdas.push_back({0, static_cast<uint32_t>(scope.parameters.size()), scope.keeps_environment});
    pending_.push_back({&body_node, &scope, index});
    bool needs_environment = false;
    for (const Scope* outer = scope_; outer != nullptr; outer = outer->outer)
      needs_environment |= outer->keeps_environment;
    if (needs_environment) {
      emit(Op::kLambda, n, index, 1);
      return;
    }
    auto* object = static_cast<LambdaObject*>(code_.arena.allocate(sizeof(LambdaObject)));
    *object = {&code_, index, nullptr};
    emit(Op::kConstant, n, constant(Value::lambda(object)), 1);
  }

  void chain(const Node& n) {
    const Node* child = n.first;
    if (child->next != nullptr && (child->next->op == TokenKind::kAnd || child->next->op == TokenKind::kOr))
      return logic(n);
    node(*child);
    for (child = child->next; child != nullptr; child = child->next) {
      node(*child);
      Node place;
      place.offset = child->op_offset;
      place.length = child->op == TokenKind::kEqual || child->op == TokenKind::kNotEqual ||
                             child->op == TokenKind::kLessEqual || child->op == TokenKind::kGreaterEqual
                         ? 2
                         : 1;
      binary(binary_op(child->op), place);
    }
  }

  // Folds constants; fuses the commonest test.
  void binary(Op op, const Node& place) {
    const uint32_t size = here();
    if (size >= barrier_ + 2 && code_.instructions[size - 1].op == Op::kConstant) {
      Instruction& left = code_.instructions[size - 2];
      const uint32_t right = code_.instructions[size - 1].a;
      if (left.op == Op::kConstant) {
        if (const std::optional<Value> folded = fold(op, code_.constants[left.a], code_.constants[right])) {
          left.a = constant(*folded);
          return drop_last();
        }
      }
      if (op == Op::kEqual && left.op == Op::kVariable && right <= 0xFFFF) {
        left = {Op::kVariableEqualConstant, 0, static_cast<uint16_t>(right), left.a};
        return drop_last();
      }
    }
    emit(op, place, 0, -1);
  }
  void drop_last() {
    code_.instructions.pop_back();
    code_.places.pop_back();
    --depth_;
    --reference_depth_;
  }

  static std::optional<Value> fold(Op op, Value left, Value right) {
    const auto scalar = [](Value v) { return v.kind() <= Kind::kString; };
    if (!scalar(left) || !scalar(right)) return std::nullopt;
    std::string error;
    Value result;
    if (op <= Op::kDivide) {
      result = arithmetic(op, left, right, &error);
    } else if (op == Op::kEqual || op == Op::kNotEqual) {
      result = Value::boolean(loosely_equal(left, right) == (op == Op::kEqual));
    } else {
      result = Value::boolean(compare(op, left, right, &error));
    }
    if (!error.empty()) return std::nullopt;
    return result;
  }

  // a and b or c groups to the right: each operator's jump goes to the end of all that is to its right.
  void logic(const Node& n) {
    std::vector<std::pair<uint32_t, const Node*>> open;
    node(*n.first);
    for (const Node* child = n.first->next; child != nullptr; child = child->next) {
      open.emplace_back(emit(child->op == TokenKind::kAnd ? Op::kAndJump : Op::kOrJump, *child, 0, 0), child);
      node(*child);
    }
    while (!open.empty()) {
      const auto [jump, child] = open.back();
      open.pop_back();
      emit(child->op == TokenKind::kAnd ? Op::kAnd : Op::kOr, *child, 0, -1);
      land(jump);
    }
  }

  void in(const Node& n) {
    const bool negated = n.op == TokenKind::kNotIn;
    const Node* right = n.first->next;
    node(*n.first);
    if (is_constant_list(*right)) {
      constexpr uint32_t kHashedFrom = 9;
      Value list = constant_list(*right);
      if (right->children >= kHashedFrom) {
        MapObject* set = make_map(code_.arena, MapObject::Order::kInserted, right->children);
        for (const Value item : list.list()) put(*set, item, {});
        set->arena = nullptr;
        list = Value::set(set);
      }
      emit(Op::kInConstant, n, constant(list), 0, negated);
      return;
    }
    node(*right);
    emit(negated ? Op::kNotIn : Op::kIn, n, 0, -1);
  }

  void negation(const Node& n) {
    node(*n.first);
    emit(Op::kNot, n, 0, 0);
  }

  void conditional(const Node& n) {
    std::vector<uint32_t> ends;
    const Node* child = n.first;
    while (child->next != nullptr) {
      node(*child);
      const uint32_t otherwise = emit(Op::kJumpIfFalse, *child, 0, -1);
      child = child->next;
      node(*child);
      ends.push_back(emit(Op::kJump, *child, 0, -1));
      land(otherwise);
      child = child->next;
    }
    node(*child);
    for (const uint32_t end : ends) land(end);
  }

  void match(const Node& n) {
    std::vector<uint32_t> ends;
    const Node* child = n.first;
    while (child->next != nullptr) {
      // The reference turns a lone literal into false when nothing else is on its stack.
      const bool fix = reference_depth_ == 0 && child->kind == NodeKind::kConstant && child->value.is_boolean();
      node(*child);
      if (fix) emit(Op::kFixCheck, *child, 0, 0);
      const uint32_t otherwise = emit(Op::kJumpIfFalse, *child, 0, -1);
      child = child->next;
      action(*child);
      ends.push_back(emit(Op::kJump, *child, 0, -1));
      land(otherwise);
      child = child->next;
    }
    action(*child);
    for (const uint32_t end : ends) land(end);
  }

  void action(const Node& n) {
    node(n);
    // What can be a lambda is called; constants and operators cannot.
    const bool never = n.kind == NodeKind::kConstant || n.kind == NodeKind::kList || n.kind == NodeKind::kMap ||
                       n.kind == NodeKind::kNot || n.kind == NodeKind::kIn || n.kind == NodeKind::kExists ||
                       (n.kind == NodeKind::kChain && n.children > 1);
    if (!never) emit(Op::kAct, n, 0, 0);
  }

  Code& code_;
  const FunctionRegistry& registry_;
  const Scope* scope_ = nullptr;
  int depth_ = 0;
  int reference_depth_ = 0;  // of the reference's stack, which holds marks too
  uint32_t barrier_ = 0;     // the last place that a jump goes to
  std::unordered_map<std::string_view, uint32_t> slots_;
  std::deque<Scope> scopes_;
  std::deque<PendingLambda> pending_;
};

}  // namespace

tl::expected<std::shared_ptr<const Program>, std::vector<Diagnostic>> compile(std::string_view text,
                                                                              const FunctionRegistry& registry,
                                                                              const CompileOptions& options) {
  auto code = std::make_unique<Code>();
  code->text = text;
  Arena nodes;
  const auto tree = parse(code->text, nodes, {options.text_bytes_max, options.depth_max});
  if (!tree) return tl::unexpected(std::vector<Diagnostic>{tree.error()});
  try {
    if (*tree == nullptr) {
      code->blank = true;
    } else {
      Compiler(*code, registry).program(**tree);
    }
  } catch (const BoundReached& bound) {
    Diagnostic d;
    d.message = fmt::format("limit reached: {}", bound.bound);
    return tl::unexpected(std::vector<Diagnostic>{std::move(d)});
  }
  return std::make_shared<const Program>(std::move(code));
}

Program::Program(std::unique_ptr<Code> code) : code_(std::move(code)) {}
Program::~Program() = default;
const std::string& Program::text() const { return code_->text; }
std::span<const Variable> Program::variables() const { return code_->variables; }
bool Program::is_blank() const { return code_->blank; }
std::span<const std::string> Program::functions() const { return code_->function_names; }

}  // namespace modelyard::stellar
