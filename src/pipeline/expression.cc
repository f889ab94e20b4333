// SPDX-License-Identifier: Apache-2.0
#include "pipeline/expression.h"

#include "stellar/check.h"

namespace modelyard::pipeline {
namespace {

std::string message_of(const stellar::Diagnostic& one) {
  std::string message = "in the expression: " + one.message;
  if (!one.expected.empty()) message += ", expected " + one.expected;
  if (!one.hint.empty()) message += " (" + one.hint + ")";
  return message;
}

}  // namespace

ProgramPtr ExpressionCompiler::compile(std::string_view text, const configuration::Document& document,
                                       const configuration::Path& path, size_t inside) {
  auto compiled = stellar::compile(text, functions_);
  if (!compiled) {
    for (const stellar::Diagnostic& one : compiled.error()) {
      problems_.push_back(document.at_text(path, inside + one.offset, message_of(one)));
    }
    return nullptr;
  }
  // Of what the checker says, unknown functions refuse the expression; the reference runs the rest.
  bool good = true;
  for (const stellar::Diagnostic& one : stellar::check(text, functions_)) {
    if (one.warning || functions_.find(text.substr(one.offset, one.length)) != nullptr) continue;
    good = false;
    problems_.push_back(document.at_text(path, inside + one.offset, message_of(one)));
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
