// SPDX-License-Identifier: Apache-2.0
#include "stellar/eval/operators.h"

#include <fmt/format.h>

#include <cmath>

#include "stellar/eval/conversions.h"
#include "stellar/eval/utf16.h"

namespace modelyard::stellar {
namespace {

std::string_view symbol(Op op) {
  switch (op) {
    case Op::kAdd: return "+";
    case Op::kSubtract: return "-";
    case Op::kMultiply: return "*";
    case Op::kDivide: return "/";
    case Op::kLess: return "<";
    case Op::kLessEqual: return "<=";
    case Op::kGreater: return ">";
    default: return ">=";
  }
}

template <typename T>
T floating(Op op, T left, T right) {
  switch (op) {
    case Op::kAdd: return left + right;
    case Op::kSubtract: return left - right;
    case Op::kMultiply: return left * right;
    default: return left / right;
  }
}

// Two's complement, as Java computes. The divisor is not zero.
template <typename Unsigned, typename Signed>
Signed integral(Op op, Signed left, Signed right) {
  const auto a = static_cast<Unsigned>(left);
  const auto b = static_cast<Unsigned>(right);
  switch (op) {
    case Op::kAdd: return static_cast<Signed>(a + b);
    case Op::kSubtract: return static_cast<Signed>(a - b);
    case Op::kMultiply: return static_cast<Signed>(a * b);
    default: return right == -1 ? static_cast<Signed>(Unsigned{0} - a) : static_cast<Signed>(left / right);
  }
}

template <typename T>
bool ordered(Op op, T left, T right) {
  switch (op) {
    case Op::kLess: return left < right;
    case Op::kLessEqual: return left <= right;
    case Op::kGreater: return left > right;
    case Op::kGreaterEqual: return left >= right;
    default: return left == right;
  }
}

// Compares two numbers in the type that arithmetic would give.
bool compare_numbers(Op op, Value left, Value right) {
  if (left.is_integral() && right.is_integral()) return ordered(op, left.as_integral(), right.as_integral());
  if (left.kind() == Kind::kDouble || right.kind() == Kind::kDouble)
    return ordered(op, number_of(left), number_of(right));
  const auto narrow = [](Value v) {
    return v.is_floating() ? static_cast<float>(v.as_double()) : static_cast<float>(v.as_integral());
  };
  return ordered(op, narrow(left), narrow(right));
}

}  // namespace

Value arithmetic(Op op, Value left, Value right, std::string* error) {
  if (left.is_null()) left = Value::integer(0);
  if (right.is_null()) right = Value::integer(0);
  if (!left.is_number() || !right.is_number()) {
    const Value wrong = left.is_number() ? right : left;
    *error = fmt::format("'{}' takes numbers, not a {}", symbol(op), to_string(wrong.kind()));
    return {};
  }
  if (left.kind() == Kind::kDouble || right.kind() == Kind::kDouble)
    return Value::double_number(floating(op, number_of(left), number_of(right)));
  if (left.kind() == Kind::kFloat || right.kind() == Kind::kFloat) {
    const auto narrow = [](Value v) {
      return v.is_floating() ? static_cast<float>(v.as_double()) : static_cast<float>(v.as_integral());
    };
    return Value::float_number(floating(op, narrow(left), narrow(right)));
  }
  if (op == Op::kDivide && right.as_integral() == 0) {
    *error = "division of a whole number by zero";
    return {};
  }
  if (left.kind() == Kind::kLong || right.kind() == Kind::kLong) {
    return Value::long_integer(integral<uint64_t>(op, left.as_integral(), right.as_integral()));
  }
  return Value::integer(
      integral<uint32_t>(op, static_cast<int32_t>(left.as_integral()), static_cast<int32_t>(right.as_integral())));
}

int compare_utf16(std::string_view a, std::string_view b) {
  size_t same = 0;
  while (same < a.size() && same < b.size() && a[same] == b[same]) ++same;
  if (same == a.size() || same == b.size()) return a.size() < b.size() ? -1 : a.size() > b.size() ? 1 : 0;
  // UTF-8 orders by character; surrogate pairs sort before U+E000..U+FFFF in UTF-16.
  const auto x = static_cast<uint8_t>(a[same]);
  const auto y = static_cast<uint8_t>(b[same]);
  const bool x_pair = x >= 0xF0;
  const bool y_pair = y >= 0xF0;
  if (x_pair != y_pair) {
    if (x_pair && y >= 0xEE) return -1;
    if (y_pair && x >= 0xEE) return 1;
  }
  return x < y ? -1 : 1;
}

bool compare(Op op, Value left, Value right, std::string* error) {
  if (left.is_null() || right.is_null()) return false;
  if (left.is_number() && right.is_number()) return compare_numbers(op, left, right);
  if (left.kind() == right.kind()) {
    if (left.is_string()) return ordered(op, compare_utf16(left.text(), right.text()), 0);
    if (left.is_boolean() || left.kind() == Kind::kCharacter)
      return ordered(op, left.as_integral(), right.as_integral());
  }
  *error =
      fmt::format("'{}' cannot compare a {} with a {}", symbol(op), to_string(left.kind()), to_string(right.kind()));
  return false;
}

bool loosely_equal(Value left, Value right) {
  if (left.is_number() && right.is_number()) return compare_numbers(Op::kEqual, left, right);
  return equals(left, right);
}

bool contains(Value x, Value y) {
  if (y.is_null()) return false;
  if (y.is_string() && x.is_string()) return y.text().find(x.text()) != std::string_view::npos;
  if (y.is_list()) {
    for (const Value item : y.list()) {
      if (equals(item, x)) return true;
    }
    return false;
  }
  if (y.is_map() || y.is_set()) return find(y.map(), x) != nullptr;
  return equals(x, y);
}

}  // namespace modelyard::stellar
