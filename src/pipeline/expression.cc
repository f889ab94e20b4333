// SPDX-License-Identifier: Apache-2.0
#include "pipeline/expression.h"

#include <fmt/format.h>

#include "configuration/reader.h"

namespace modelyard::pipeline {
namespace {

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == ':' || c == '$';
}

// Where `name` is called. It is called somewhere: the compiler has seen it.
size_t place_of_call(std::string_view text, std::string_view name) {
  for (size_t at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
    const bool begins = at == 0 || !is_name(text[at - 1]);
    const size_t after = text.find_first_not_of(" \t\r\n", at + name.size());
    if (begins && after != std::string_view::npos && text[after] == '(') return at;
  }
  return 0;
}

}  // namespace

ProgramPtr ExpressionCompiler::compile(std::string_view text, const configuration::Document& document, const configuration::Path& path,
                                       size_t inside) {
  auto compiled = stellar::compile(text, functions_);
  if (!compiled) {
    for (const stellar::Diagnostic& one : compiled.error()) {
      std::string message = "in the expression: " + one.message;
      if (!one.expected.empty()) message += ", expected " + one.expected;
      if (!one.hint.empty()) message += " (" + one.hint + ")";
      problems_.push_back(document.at_text(path, inside + one.offset, message));
    }
    return nullptr;
  }
  bool good = true;
  for (const std::string& name : (*compiled)->functions()) {
    if (functions_.find(name) != nullptr) continue;
    good = false;
    std::vector<std::string> names;
    for (const stellar::Function* function : functions_.all()) names.emplace_back(function->name);
    const auto meant = configuration::nearest(name, names);
    problems_.push_back(document.at_text(path, inside + place_of_call(text, name),
                                         fmt::format("in the expression: there is no function {}{}", name,
                                                     meant ? fmt::format("; is {} meant?", *meant) : "")));
  }
  return good ? *compiled : nullptr;
}

ProgramPtr ExpressionCompiler::compile_own(std::string_view text) {
  auto compiled = stellar::compile(text, functions_);
  if (compiled) return *compiled;
  problems_.push_back(stellar::render(compiled.error(), text));
  return nullptr;
}

}  // namespace modelyard::pipeline
