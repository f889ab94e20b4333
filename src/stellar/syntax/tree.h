// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "stellar/syntax/lexer.h"
#include "stellar/value.h"

namespace modelyard::stellar {

enum class NodeKind : uint8_t {
  kConstant,     // value
  kVariable,     // name
  kExists,       // name
  kCall,         // name; children are the arguments
  kList,         // children
  kMap,          // children: key, value, key, value …
  kLambda,       // children: the parameters as kVariable, then the body
  kChain,        // children joined by operators: the one before a child stands in its `op` (the first has none)
                 //   comparisons and arithmetic group to the left, and/or to the right
  kIn,           // two children; op is kIn or kNotIn
  kNot,          // one child
  kConditional,  // children: condition, then, condition, then, …, else
  kMatch,        // children: check, action, …, default action
};

// A node of a parsed expression. Lives, with its children, in the arena given to parse().
struct Node {
  NodeKind kind;
  TokenKind op = TokenKind::kEnd;
  bool parenthesised = false;
  uint32_t offset = 0;  // of the node's text
  uint32_t length = 0;
  uint32_t op_offset = 0;  // of the operator before it in a chain
  uint32_t children = 0;
  Value value;
  std::string_view name;
  Node* first = nullptr;
  Node* last = nullptr;
  Node* next = nullptr;

  void add(Node* child) {
    (last == nullptr ? first : last->next) = child;
    last = child;
    ++children;
  }
};

}  // namespace modelyard::stellar
