// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "stellar/functions/function.h"

namespace modelyard::stellar {

// The functions an expression may call, by name. Immutable once filled; then thread-safe.
class FunctionRegistry {
 public:
  FunctionRegistry() = default;
  FunctionRegistry(const FunctionRegistry&) = delete;
  FunctionRegistry& operator=(const FunctionRegistry&) = delete;

  // All functions of this module. One object for the whole process.
  static const FunctionRegistry& standard();

  void add(Function function);  // a name can be added once
  const Function* find(std::string_view name) const;
  std::vector<const Function*> all() const;  // by name

 private:
  std::map<std::string_view, std::unique_ptr<const Function>> functions_;
};

// Generated: calls register_<file>() of each file beside this one that is a part (cmake/module.cmake).
void register_all_functions_library(FunctionRegistry& registry);

// The reference as markdown: one section per category, one entry per function.
std::string render_reference(const FunctionRegistry& registry);
// One function as text for a terminal: signature, description, parameters, examples.
std::string render_help(const Function& function);

}  // namespace modelyard::stellar
