// SPDX-License-Identifier: Apache-2.0
#include "stellar/functions/registry.h"

#include <fmt/format.h>

#include <set>

#include "base/assert.h"

namespace modelyard::stellar {
namespace {

std::string signature(const Function& function) {
  std::string out(function.name);
  out += '(';
  for (const Parameter& parameter : function.parameters) {
    if (&parameter != &function.parameters.front()) out += ", ";
    out += fmt::format("{}{}{}", parameter.optional ? "[" : "", parameter.name, parameter.repeated ? "..." : "");
    if (parameter.optional) out += ']';
  }
  out += ')';
  if (!function.returns.empty()) out += fmt::format(" -> {}", function.returns);
  return out;
}

}  // namespace

const FunctionRegistry& FunctionRegistry::standard() {
  static const FunctionRegistry* const registry = [] {
    auto* made = new FunctionRegistry;
    register_all_functions_library(*made);
    return made;
  }();
  return *registry;
}

void FunctionRegistry::add(Function function) {
  const std::string_view name = function.name;
  const bool added = functions_.emplace(name, std::make_unique<const Function>(std::move(function))).second;
  MY_ASSERT(added);
}

const Function* FunctionRegistry::find(std::string_view name) const {
  const auto found = functions_.find(name);
  return found == functions_.end() ? nullptr : found->second.get();
}

std::vector<const Function*> FunctionRegistry::all() const {
  std::vector<const Function*> functions;
  functions.reserve(functions_.size());
  for (const auto& [name, function] : functions_) functions.push_back(function.get());
  return functions;
}

std::string render_help(const Function& function) {
  std::string out = fmt::format("{}\n  {}\n", signature(function), function.description);
  for (const Parameter& parameter : function.parameters) {
    out += fmt::format("  {:<12} {}{}: {}\n", parameter.name, parameter.type, parameter.optional ? ", optional" : "",
                       parameter.description);
  }
  for (const Example& example : function.examples) {
    out += fmt::format("  {}  gives  {}", example.expression, example.result);
    if (!example.variables.empty()) out += fmt::format("  with {}", example.variables);
    out += '\n';
  }
  return out;
}

std::string render_reference(const FunctionRegistry& registry) {
  const std::vector<const Function*> functions = registry.all();
  std::set<std::string_view> categories;
  for (const Function* function : functions) categories.insert(function->category);
  std::string out = "# Stellar functions\n\nGenerated from the functions themselves by `modelyard functions`.\n";
  for (const std::string_view category : categories) {
    out += fmt::format("\n## {}\n", category);
    for (const Function* function : functions) {
      if (function->category != category) continue;
      out += fmt::format("\n### {}\n\n`{}`\n\n{}\n", function->name, signature(*function), function->description);
      if (!function->parameters.empty()) out += "\n| parameter | type | |\n|---|---|---|\n";
      for (const Parameter& parameter : function->parameters) {
        out += fmt::format("| {}{} | {} | {} |\n", parameter.name, parameter.optional ? " (optional)" : "",
                           parameter.type, parameter.description);
      }
      if (!function->examples.empty()) out += "\n```\n";
      for (const Example& example : function->examples) {
        out += fmt::format("{}\n  => {}", example.expression, example.result);
        if (!example.variables.empty()) out += fmt::format("   with {}", example.variables);
        out += '\n';
      }
      if (!function->examples.empty()) out += "```\n";
    }
  }
  return out;
}

}  // namespace modelyard::stellar
