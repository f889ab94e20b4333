// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "configuration/types.h"
#include "stellar/compile/program.h"
#include "stellar/functions/registry.h"

namespace modelyard::pipeline {

using ProgramPtr = std::shared_ptr<const stellar::Program>;

// Compiles the expressions of configuration documents; what does not compile, or calls a function that does not exist,
// is noted with file:line:column and a caret, and gives null. Lives while a pipeline is compiled.
class ExpressionCompiler {
 public:
  ExpressionCompiler(const stellar::FunctionRegistry& functions, std::vector<std::string>& problems)
      : functions_(functions), problems_(problems) {}

  // `text` stands in the string at `path`, `inside` bytes from its start.
  ProgramPtr compile(std::string_view text, const configuration::Document& document, const configuration::Path& path,
                     size_t inside = 0);
  // An expression of our own, for checks that are Stellar functions anyway.
  ProgramPtr compile_own(std::string_view text);

  void refuse(std::string problem) { problems_.push_back(std::move(problem)); }

 private:
  const stellar::FunctionRegistry& functions_;
  std::vector<std::string>& problems_;
};

}  // namespace modelyard::pipeline
