// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "stellar/capabilities.h"
#include "stellar/compile/program.h"
#include "stellar/evaluate.h"
#include "stellar/functions/registry.h"

namespace modelyard::stellar {

// A conversation: expressions, assignments (name := expression), ?FUNCTION, %functions [TEXT], %vars, %undefine NAME,
// %help. Knows no terminal: the command line reads lines, keeps the history and prints the replies. Values assigned
// live as long as the session; what functions change in them stays changed. Confined to one thread, but for
// interrupt().
class Session {
 public:
  Session(const FunctionRegistry& registry, Capabilities& capabilities, const Limits& limits = {},
          Answerer answer = nullptr);
  ~Session();

  struct Reply {
    std::string text;    // to print, may be empty; without a line end
    bool error = false;  // text is for stderr
  };
  Reply enter(std::string_view input);

  // The input is not whole yet: an open bracket or quote, or an operator at its end. Read one more line and append it.
  static bool needs_more(std::string_view input);

  // Words that go on where the input stops, whole ("TO_UP" gives "TO_UPPER("), in order.
  std::vector<std::string> complete(std::string_view input) const;

  // Sets a variable before the first expression.
  Status set_variables(std::string_view json_object);

  // Stops the evaluation that runs; safe in a signal handler.
  void interrupt() { cancelled_.store(true, std::memory_order_relaxed); }

 private:
  Reply command(std::string_view input);
  Reply evaluate(std::string_view expression, std::string_view name);
  Reply list_functions(std::string_view part) const;
  Reply list_variables() const;

  const FunctionRegistry& registry_;
  Capabilities& capabilities_;
  Answerer answer_;
  std::atomic<bool> cancelled_{false};
  Frame frame_;
  Arena arena_;
  MapObject* variables_;
  std::vector<std::shared_ptr<const Program>> kept_;  // whose lambdas are in variables
};

}  // namespace modelyard::stellar
