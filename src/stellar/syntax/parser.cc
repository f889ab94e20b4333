// SPDX-License-Identifier: Apache-2.0
#include "stellar/syntax/parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "stellar/syntax/hints.h"
#include "stellar/syntax/literals.h"

namespace modelyard::stellar {
namespace {

// What a parsed part may stand next to, narrowest first. The grammar allows less than the operators' precedences would:
// texts and lists take no arithmetic, only an operand may stand left of "in", a bare and/or is no argument.
enum class Level : uint8_t {
  kArithmetic,   // numbers, names, calls, sums of them, (conditional)
  kOperand,      // also constants, lists, maps, lambdas
  kComparison,   // also comparisons, not(…), (anything logical)
  kLogic,        // also in, and, or
  kConditional,  // if, ?:
  kWhole,        // match, and parentheses around one: only where a whole expression stands
};

struct Part {
  Node* node = nullptr;
  Level level = Level::kArithmetic;
};

// Left by the deepest function that met the problem; caught in parse() alone, so that the grammar reads straight.
struct SyntaxError {
  Diagnostic diagnostic;
};

class Parser {
 public:
  Parser(std::string_view text, const std::vector<Token>& tokens, Arena& arena, size_t depth_max)
      : text_(text), tokens_(tokens), arena_(arena), depth_max_(depth_max) {}

  Node* program() {
    const Part part = expression(true);
    if (kind() != TokenKind::kEnd) unexpected("an operator or the end of the expression");
    return part.node;
  }

 private:
  // --- tokens
  const Token& token() const { return tokens_[pos_]; }
  TokenKind kind(size_t ahead = 0) const { return tokens_[std::min(pos_ + ahead, tokens_.size() - 1)].kind; }
  std::string_view text_of(const Token& t) const { return text_.substr(t.offset, t.length); }
  bool take(TokenKind wanted) {
    if (kind() != wanted) return false;
    ++pos_;
    return true;
  }
  void need(TokenKind wanted, std::string_view expected) {
    if (!take(wanted)) unexpected(expected);
  }

  [[noreturn]] void unexpected(std::string_view expected, std::string_view hint = "") {
    Diagnostic d = describe_unexpected(text_, tokens_, pos_, expected);
    if (!hint.empty() && d.hint.empty()) d.hint = hint;
    throw SyntaxError{std::move(d)};
  }
  [[noreturn]] void refuse(uint32_t offset, uint32_t length, std::string message, std::string_view hint) {
    Diagnostic d;
    d.offset = offset;
    d.length = std::max<uint32_t>(length, 1);
    d.message = std::move(message);
    d.hint = hint;
    throw SyntaxError{std::move(d)};
  }

  class Deeper {
   public:
    explicit Deeper(Parser& parser) : parser_(parser) {
      if (++parser_.depth_ > parser_.depth_max_) {
        parser_.refuse(parser_.token().offset, parser_.token().length,
                       fmt::format("limit reached: depth (nested deeper than {} levels)", parser_.depth_max_), "");
      }
    }
    ~Deeper() { --parser_.depth_; }

   private:
    Parser& parser_;
  };

  // --- nodes
  Node* make(NodeKind node_kind, uint32_t offset) {
    Node* node = arena_.make<Node>();
    node->kind = node_kind;
    node->offset = offset;
    return node;
  }
  Node* finish(Node* node) {
    const Token& last = tokens_[pos_ - 1];
    node->length = last.offset + last.length - node->offset;
    return node;
  }
  Part constant(Value value, Level level) {
    Node* node = make(NodeKind::kConstant, token().offset);
    node->value = value;
    ++pos_;
    return {finish(node), level};
  }

  // --- whole expressions
  // With `ternary` false a '?' after it belongs to what stands around it: the reference prefers "(x -> a) ? b : c".
  Part expression(bool ternary) {
    const Deeper deeper(*this);
    if (kind() == TokenKind::kIf) return conditional({}, ternary);
    if (kind() == TokenKind::kMatch) return match();
    const Part part = logic();
    if (kind() != TokenKind::kQuestion || !ternary) return part;
    return conditional(part, ternary);
  }

  // At "if", or at the "?" after `condition`. Else-branches that are conditionals themselves join the same node, so a
  // chain of any length takes no depth.
  Part conditional(Part condition, bool ternary) {
    Node* node = make(NodeKind::kConditional, condition.node != nullptr ? condition.node->offset : token().offset);
    while (true) {
      const bool keyword = condition.node == nullptr;
      if (keyword) {
        need(TokenKind::kIf, "'if'");
        condition = logic();
      }
      require(condition, Level::kLogic, "a condition");
      node->add(condition.node);
      keyword ? need(TokenKind::kThen, "'then'") : need(TokenKind::kQuestion, "'?'");
      node->add(expression(true).node);
      keyword ? need(TokenKind::kElse, "'else'") : need(TokenKind::kColon, "':'");
      condition = {};
      if (kind() == TokenKind::kIf) continue;
      const Part other = kind() == TokenKind::kMatch ? match() : logic();
      if (kind() == TokenKind::kQuestion && ternary) {
        condition = other;
        continue;
      }
      node->add(other.node);
      return {finish(node), Level::kConditional};
    }
  }

  Part match() {
    const Deeper deeper(*this);
    Node* node = make(NodeKind::kMatch, token().offset);
    ++pos_;
    need(TokenKind::kOpenBrace, "'{'");
    if (kind() == TokenKind::kDefault) unexpected("a condition", "a match has at least one clause before its default");
    while (!take(TokenKind::kDefault)) {
      const Part check = argument_part(Level::kLogic);
      node->add(check.node);
      need(TokenKind::kActs, "'=>'");
      node->add(expression(true).node);
      if (kind() == TokenKind::kCloseBrace) unexpected("','", "a match ends with a default: , default => …");
      need(TokenKind::kComma, "','");
    }
    need(TokenKind::kActs, "'=>'");
    node->add(expression(true).node);
    need(TokenKind::kCloseBrace, "'}'");
    return {finish(node), Level::kWhole};
  }

  // An argument, a list's element, a map's key (up to kComparison) or a clause's check (up to kLogic); each may be a
  // conditional.
  Part argument_part(Level most) {
    const Deeper deeper(*this);
    if (kind() == TokenKind::kIf) return conditional({}, true);
    // Here a lambda's body takes a following "?:".
    if (most == Level::kComparison && at_lambda()) {
      const Part part = lambda(true);
      return continue_logic(part, most);
    }
    return continue_logic(logic(), most);
  }
  Part continue_logic(Part part, Level most) {
    if (kind() == TokenKind::kQuestion) return conditional(part, true);
    require(part, most, "an argument");
    return part;
  }

  void require(const Part& part, Level most, std::string_view what) {
    if (part.level <= most) return;
    if (part.level == Level::kLogic && part.node->kind == NodeKind::kChain) {
      const Node* second = part.node->first->next;
      refuse(second->op_offset, second->op == TokenKind::kOr ? 2 : 3, fmt::format("a bare and/or cannot be {}", what),
             "put it in parentheses");
    }
    if (part.level == Level::kLogic)
      refuse(part.node->op_offset, 2, fmt::format("a bare 'in' cannot be {}", what), "put it in parentheses");
    refuse(part.node->offset, part.node->length, fmt::format("a match cannot be {}", what),
           "a match stands alone, after then, else, => or ->, or as a map's value");
  }

  // --- operators
  Part logic() {
    Part left = comparison_or_in();
    if (kind() != TokenKind::kAnd && kind() != TokenKind::kOr) return left;
    require(left, Level::kLogic, "an operand");
    Node* chain = make(NodeKind::kChain, left.node->offset);
    chain->add(left.node);
    while (kind() == TokenKind::kAnd || kind() == TokenKind::kOr) {
      const Token op = token();
      ++pos_;
      const Part right = comparison_or_in();
      require(right, Level::kLogic, "an operand");
      link(chain, right.node, op);
    }
    return {finish(chain), Level::kLogic};
  }

  void link(Node* chain, Node* child, const Token& op) {
    child = own(child);
    child->op = op.kind;
    child->op_offset = op.offset;
    chain->add(child);
  }
  // A node that is an "in" keeps the place of its operator in op_offset: wrap it before it becomes a chain's child.
  Node* own(Node* child) {
    if (child->kind != NodeKind::kIn) return child;
    Node* wrapper = make(NodeKind::kChain, child->offset);
    wrapper->length = child->length;
    wrapper->add(child);
    return wrapper;
  }

  Part comparison_or_in() {
    const Part left = comparison();
    if (kind() != TokenKind::kIn && kind() != TokenKind::kNotIn) return left;
    if (left.level > Level::kOperand)
      unexpected("an operator or the end of the expression",
                 "the left side of 'in' is one value: put the whole test in parentheses");
    const Deeper deeper(*this);
    Node* node = make(NodeKind::kIn, left.node->offset);
    node->op = kind();
    node->op_offset = token().offset;
    ++pos_;
    const Part right = comparison_or_in();
    require(right, Level::kLogic, "an operand");
    node->add(left.node);
    node->add(right.node);
    return {finish(node), Level::kLogic};
  }

  static bool compares(TokenKind k) { return k >= TokenKind::kEqual && k <= TokenKind::kGreaterEqual; }

  Part comparison() {
    const Part left = sum();
    if (!compares(kind())) return left;
    require(left, Level::kComparison, "an operand");
    Node* chain = make(NodeKind::kChain, left.node->offset);
    chain->add(left.node);
    while (compares(kind())) {
      const Token op = token();
      ++pos_;
      const Part right = sum();
      require(right, Level::kComparison, "an operand");
      link(chain, right.node, op);
    }
    return {finish(chain), Level::kComparison};
  }

  // One level of arithmetic: operands from `operand`, joined by first or second.
  template <typename Operand>
  Part arithmetic(Operand operand, TokenKind one, TokenKind other) {
    const Part left = operand();
    if (kind() != one && kind() != other) return left;
    require_number(left);
    Node* chain = make(NodeKind::kChain, left.node->offset);
    chain->add(left.node);
    while (kind() == one || kind() == other) {
      const Token op = token();
      ++pos_;
      const Part right = operand();
      require_number(right);
      link(chain, right.node, op);
    }
    return {finish(chain), Level::kArithmetic};
  }
  void require_number(const Part& part) {
    if (part.level == Level::kArithmetic) return;
    refuse(part.node->offset, part.node->length, "arithmetic takes numbers, names, calls and parentheses around those",
           part.node->kind == NodeKind::kConstant && part.node->value.is_string()
               ? "texts are joined with JOIN([a, b], '')"
               : "");
  }

  Part sum() {
    return arithmetic([this] { return quotient(); }, TokenKind::kPlus, TokenKind::kMinus);
  }
  // The reference's grammar has "*" bind tighter than "/": 100 / 10 * 5 is 2.
  Part quotient() {
    return arithmetic([this] { return product(); }, TokenKind::kSlash, TokenKind::kSlash);
  }
  Part product() {
    return arithmetic([this] { return primary(); }, TokenKind::kStar, TokenKind::kStar);
  }

  // --- primaries
  Part primary() {
    const Token& t = token();
    switch (t.kind) {
      case TokenKind::kTrue: return constant(Value::boolean(true), Level::kOperand);
      case TokenKind::kFalse: return constant(Value::boolean(false), Level::kOperand);
      case TokenKind::kNull: return constant(Value::null(), Level::kOperand);
      case TokenKind::kNaN: return constant(Value::double_number(__builtin_nan("")), Level::kArithmetic);
      case TokenKind::kString: return constant(read_string(arena_, text_of(t)), Level::kOperand);
      case TokenKind::kInteger:
      case TokenKind::kLong:
      case TokenKind::kDouble:
      case TokenKind::kFloat: return constant(number(t), Level::kArithmetic);
      case TokenKind::kIdentifier: return named();
      case TokenKind::kExists: return exists();
      case TokenKind::kNot: return negation();
      case TokenKind::kOpenBracket: return list();
      case TokenKind::kOpenBrace: return map();
      case TokenKind::kOpenParen: return at_lambda() ? lambda(false) : parentheses();
      case TokenKind::kIf: unexpected("a value", "put the conditional in parentheses");
      case TokenKind::kMatch:
        unexpected("a value", "a match stands alone, after then, else, => or ->, or as a map's value");
      default: unexpected("a value");
    }
  }

  Value number(const Token& t) {
    const std::optional<Value> value = read_number(t.kind, text_of(t));
    if (value) return *value;
    if (t.kind == TokenKind::kInteger) {
      refuse(t.offset, t.length, "this Integer does not fit 32 bits", fmt::format("write {}L for a Long", text_of(t)));
    }
    refuse(t.offset, t.length, "this Long does not fit 64 bits", "write it with a point for a Double");
  }

  Part named() {
    if (kind(1) == TokenKind::kArrow) return lambda(false);
    const Token& t = token();
    Node* node = make(kind(1) == TokenKind::kOpenParen ? NodeKind::kCall : NodeKind::kVariable, t.offset);
    node->name = text_of(t);
    ++pos_;
    if (node->kind == NodeKind::kCall) {
      ++pos_;
      arguments(node, TokenKind::kCloseParen, "')'");
    }
    return {finish(node), Level::kArithmetic};
  }

  void arguments(Node* node, TokenKind close, std::string_view close_text) {
    if (take(close)) return;
    while (true) {
      node->add(own(argument_part(Level::kComparison).node));
      if (take(close)) return;
      need(TokenKind::kComma, fmt::format("',' or {}", close_text));
    }
  }

  Part exists() {
    Node* node = make(NodeKind::kExists, token().offset);
    ++pos_;
    need(TokenKind::kOpenParen, "'('");
    if (kind() != TokenKind::kIdentifier) unexpected("the name of a variable");
    node->name = text_of(token());
    ++pos_;
    need(TokenKind::kCloseParen, "')'");
    return {finish(node), Level::kOperand};
  }

  Part negation() {
    const Deeper deeper(*this);
    Node* node = make(NodeKind::kNot, token().offset);
    ++pos_;
    if (kind() != TokenKind::kOpenParen) unexpected("'('", "negation is written not(x)");
    ++pos_;
    const Part inner = logic();
    require(inner, Level::kLogic, "negated");
    if (kind() == TokenKind::kQuestion) unexpected("')'", "put the conditional in parentheses");
    need(TokenKind::kCloseParen, "')'");
    node->add(inner.node);
    return {finish(node), Level::kComparison};
  }

  Part list() {
    Node* node = make(NodeKind::kList, token().offset);
    ++pos_;
    arguments(node, TokenKind::kCloseBracket, "']'");
    return {finish(node), Level::kOperand};
  }

  Part map() {
    Node* node = make(NodeKind::kMap, token().offset);
    ++pos_;
    if (take(TokenKind::kCloseBrace)) return {finish(node), Level::kOperand};
    while (true) {
      const Part key = argument_part(Level::kComparison);
      if (key.level == Level::kConditional)
        refuse(key.node->offset, key.node->length, "a conditional cannot be a map's key", "put it in parentheses");
      node->add(own(key.node));
      need(TokenKind::kColon, "':'");
      node->add(expression(true).node);
      if (take(TokenKind::kCloseBrace)) return {finish(node), Level::kOperand};
      need(TokenKind::kComma, "',' or '}'");
    }
  }

  Part parentheses() {
    const uint32_t offset = token().offset;
    ++pos_;
    if (kind() == TokenKind::kCloseParen) unexpected("a value");
    Part inner = expression(true);
    need(TokenKind::kCloseParen, "')'");
    inner.node = own(inner.node);
    inner.node->parenthesised = true;
    inner.node->offset = offset;
    finish(inner.node);
    switch (inner.level) {
      case Level::kArithmetic:
      case Level::kConditional: inner.level = Level::kArithmetic; break;
      case Level::kWhole: break;
      default: inner.level = Level::kComparison;
    }
    return inner;
  }

  // name ->   () ->   (name, name) ->
  bool at_lambda() const {
    if (kind() == TokenKind::kIdentifier) return kind(1) == TokenKind::kArrow;
    if (kind() != TokenKind::kOpenParen) return false;
    size_t ahead = 1;
    while (kind(ahead) == TokenKind::kIdentifier) {
      ++ahead;
      if (kind(ahead) != TokenKind::kComma) break;
      ++ahead;
      if (kind(ahead) != TokenKind::kIdentifier) return false;
    }
    return kind(ahead) == TokenKind::kCloseParen && kind(ahead + 1) == TokenKind::kArrow;
  }

  Part lambda(bool ternary) {
    Node* node = make(NodeKind::kLambda, token().offset);
    for (; kind() != TokenKind::kArrow; ++pos_) {
      if (kind() != TokenKind::kIdentifier) continue;
      Node* parameter = make(NodeKind::kVariable, token().offset);
      parameter->name = text_of(token());
      parameter->length = token().length;
      node->add(parameter);
    }
    ++pos_;
    node->add(own(expression(ternary).node));
    return {finish(node), Level::kOperand};
  }

  std::string_view text_;
  const std::vector<Token>& tokens_;
  Arena& arena_;
  size_t depth_max_;
  size_t depth_ = 0;
  size_t pos_ = 0;
};

bool is_blank(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1c && c <= 0x1f); });
}

}  // namespace

tl::expected<Node*, Diagnostic> parse(std::string_view text, Arena& arena, const ParseLimits& limits) {
  const auto fail = [&](Diagnostic diagnostic) {
    locate(diagnostic, text);
    return tl::unexpected(std::move(diagnostic));
  };
  if (text.size() > limits.text_bytes_max) {
    Diagnostic d;
    d.message = fmt::format("limit reached: text (longer than {} bytes)", limits.text_bytes_max);
    return fail(std::move(d));
  }
  if (is_blank(text)) return nullptr;
  auto tokens = tokenize(text);
  if (!tokens) return fail(std::move(tokens.error()));
  try {
    return Parser(text, *tokens, arena, limits.depth_max).program();
  } catch (SyntaxError& error) {
    return fail(std::move(error.diagnostic));
  } catch (const BoundReached& bound) {
    Diagnostic d;
    d.message = fmt::format("limit reached: {}", bound.bound);
    return fail(std::move(d));
  }
}

}  // namespace modelyard::stellar
