// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "stellar/eval/variables.h"
#include "stellar/syntax/diagnostic.h"

namespace modelyard::stellar {

class FunctionRegistry;
struct Code;

// A compiled expression: immutable, shared by threads without any counting inside evaluation. Keep the shared_ptr for
// as long as frames run it and as values that came out of it are used.
class Program {
 public:
  explicit Program(std::unique_ptr<Code> code);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  const std::string& text() const;
  // Every name read or tested with exists(), lambda parameters used in a body included; `slot` is the index.
  std::span<const Variable> variables() const;
  // Empty or blanks alone: evaluates to null, as a predicate to true.
  bool is_blank() const;
  // Names of the functions it calls, in order of first use; known() tells which the registry had.
  std::span<const std::string> functions() const;

  const Code& code() const { return *code_; }  // for the evaluator

 private:
  std::unique_ptr<Code> code_;
};

struct CompileOptions {
  size_t text_bytes_max = size_t{1} << 20;
  size_t depth_max = 1000;  // nesting of the text; deeper is a diagnostic
};

// Compiles one expression. The registry must outlive the program. An unknown function is no error here (it is one when
// its call is reached); check() in stellar/check.h looks for those.
tl::expected<std::shared_ptr<const Program>, std::vector<Diagnostic>> compile(std::string_view text,
                                                                              const FunctionRegistry& registry,
                                                                              const CompileOptions& options = {});

}  // namespace modelyard::stellar
