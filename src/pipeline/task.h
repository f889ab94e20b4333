// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "pipeline/message.h"
#include "stellar/capabilities.h"
#include "stellar/compile/program.h"
#include "stellar/eval/frame.h"
#include "stellar/eval/variables.h"

namespace modelyard::pipeline {

// What a step made of a message so far.
enum class Progress {
  kDone,     // go on with the next step
  kPending,  // an expression waits for a model: run the same step again when the answer is there
  kFailed,   // Task::error tells why
};

// Names and values that a step works out before they reach the message.
using Results = std::vector<Message::Field>;
const stellar::Value* find_result(const Results& results, std::string_view name);
void set_result(Results& results, std::string_view name, stellar::Value value);

// The variables of expressions in a pipeline: what the step worked out so far, the message, then constant maps. A null
// falls through to the next place, but for results with `results_hide`, where it hides what lies behind.
class TaskVariables final : public stellar::VariableSource {
 public:
  const Results* results = nullptr;
  bool results_hide = false;
  const Message* message = nullptr;
  const std::vector<std::string>* only = nullptr;  // of the message, these fields alone
  const stellar::MapObject* maps[2] = {nullptr, nullptr};

  stellar::Value get(const stellar::Variable& variable) override;
  stellar::Value all(stellar::Arena& arena) override;

 private:
  bool shown(std::string_view name) const;
};

// One message on its way through a pipeline. Owned by a worker, reused from message to message, confined to its thread.
//
// Steps are written to be run again: a step that gets kPending from evaluate() returns it, and is called again with the
// cursor where it left it; evaluate() of the same expression then gives the outcome.
class Task {
 public:
  Message message;
  TaskVariables variables;
  Results results;             // of the step that runs
  bool triaging = false;       // the message is an alert and rules run
  std::vector<double> scores;  // of the rules that fired
  Results joined;              // of the groups of an enrichment stage that are done
  std::string error;           // of a step that failed
  size_t at[3] = {0, 0, 0};    // the step's cursor; all 0 when it begins
  const stellar::MapObject* metadata =
      nullptr;  // that was not merged, for STELLAR transformations; lives in the message

  // Of the worker; set before the first step.
  stellar::Capabilities* capabilities = nullptr;
  const Clock* clock = nullptr;
  Random* random = nullptr;

  // The outcome of the program; nothing while it waits for a call.
  std::optional<stellar::Outcome> evaluate(const stellar::Program& program);
  // evaluate(), and the value copied into the message's arena. An error leaves its text in evaluation_error.
  enum class Evaluated { kValue, kError, kPending };
  Evaluated evaluate_into(const stellar::Program& program, stellar::Value& value);
  std::string evaluation_error;

  void begin_step() {
    at[0] = at[1] = at[2] = 0;
    results.clear();
    joined.clear();
  }
  // The pending call has its answer. True: it asks another call at once.
  bool resume(stellar::Value answer);
  bool fail_call(std::string_view why);
  stellar::Frame& frame() { return frame_; }
  // For the next message.
  void reset();

 private:
  stellar::Frame frame_;
  std::optional<stellar::Outcome> resumed_;
};

}  // namespace modelyard::pipeline
