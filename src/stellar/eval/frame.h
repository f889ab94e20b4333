// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "stellar/capabilities.h"
#include "stellar/compile/program.h"
#include "stellar/eval/variables.h"
#include "stellar/value.h"

namespace modelyard::stellar {

// Bounds of one evaluation. Reaching one is an error that names it: "limit reached: steps".
struct Limits {
  size_t memory_bytes = Arena::kDefaultLimit;  // what the evaluation's values take, garbage included
  uint64_t steps = 50'000'000;                 // instructions
  uint32_t call_depth = 1'000;                 // lambdas within lambdas
  uint32_t result_bytes = uint32_t{16} << 20;  // one string that a function makes
  uint32_t regex_effort = 1'000'000;           // PCRE2 match limit of one match
  milliseconds own_time{1'000};                // time between start() or resume() and the next return, summed
  const std::atomic<bool>* cancelled =
      nullptr;  // set to stop the evaluation from another thread or a signal; not owned
};

// A call that takes time: carried out by the frame's driver, whose answer goes to Frame::resume(). Values live in the
// frame.
struct CallRequest {
  enum class Kind { kModel, kService };
  Kind kind = Kind::kModel;
  std::string_view service;  // "model", or the name of another service
  // --- of a model call
  Value endpoint;          // the endpoint map as the expression passed it
  std::string_view model;  // its "name", "version", "url" (empty where the map has none)
  std::string_view version;
  std::string_view url;
  std::string_view function;  // as written: "apply"
  std::string_view path;      // the alias resolved by the map, one leading '/' dropped
  // (k, v): the query arguments as text, nulls left out, not yet URL-encoded
  std::vector<std::pair<std::string_view, std::string_view>> query;
  // --- of any other service
  Value arguments;  // a list
};

struct Outcome {
  enum class State { kDone, kError, kPending };
  State state = State::kDone;
  Value value;  // of kDone: good until the frame starts again or ends, and while message and program live

  bool done() const { return state == State::kDone; }
  bool failed() const { return state == State::kError; }
  bool pending() const { return state == State::kPending; }
};

struct EvaluationError {
  std::string message;  // "division by zero"
  Diagnostic place;     // where in the text
  bool is_limit = false;

  // With line, column, the text and a caret.
  std::string render(std::string_view text) const;
};

// One evaluation, resumable: start() runs until the value is there, an error, or a call that takes time (kPending: look
// at call(), then resume() with the answer). Reusable, one evaluation after the other: a warm frame allocates nothing
// for rules without string results. Confined to one thread at a time; movable between evaluations.
//
//   Frame frame;
//   Outcome out = frame.start(program, variables, capabilities);
//   while (out.pending()) out = frame.resume(carry_out(frame.call()));
class Frame {
 public:
  explicit Frame(const Limits& limits = {});
  ~Frame();
  Frame(Frame&&) noexcept;
  Frame& operator=(Frame&&) noexcept;

  // Program, variables and capabilities are borrowed until the outcome is no longer kPending. An evaluation in progress
  // is given up.
  Outcome start(const Program& program, VariableSource& variables, Capabilities& capabilities);
  // The answer of call(), copied into the frame. A model call that failed is null.
  Outcome resume(Value answer);
  // The call cannot be answered and the evaluation fails with this text.
  Outcome resume_with_error(std::string_view message);

  const CallRequest& call() const;       // while pending
  const EvaluationError& error() const;  // after kError
  Arena& arena();                        // where answers for resume() may be built

 private:
  std::unique_ptr<class Machine> machine_;
};

// Runs to the end, asking `answer` for each call: for the command line and tests.
Outcome evaluate_blocking(Frame& frame, const Program& program, VariableSource& variables, Capabilities& capabilities,
                          const std::function<Value(const CallRequest&, Arena&)>& answer);

}  // namespace modelyard::stellar
