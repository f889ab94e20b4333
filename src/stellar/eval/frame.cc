// SPDX-License-Identifier: Apache-2.0
#include "stellar/eval/frame.h"

#include "stellar/eval/machine.h"

namespace modelyard::stellar {

std::string EvaluationError::render(std::string_view text) const { return place.render(text); }

Frame::Frame(const Limits& limits) : machine_(std::make_unique<Machine>(limits)) {}
Frame::~Frame() = default;
Frame::Frame(Frame&&) noexcept = default;
Frame& Frame::operator=(Frame&&) noexcept = default;

Outcome Frame::start(const Program& program, VariableSource& variables, Capabilities& capabilities) {
  return machine_->start(program, variables, capabilities);
}
Outcome Frame::resume(Value answer) { return machine_->resume(answer); }
Outcome Frame::resume_with_error(std::string_view message) { return machine_->fail(message); }
const CallRequest& Frame::call() const { return machine_->call(); }
const EvaluationError& Frame::error() const { return machine_->error(); }
Arena& Frame::arena() { return machine_->arena(); }

Outcome evaluate_blocking(Frame& frame, const Program& program, VariableSource& variables, Capabilities& capabilities,
                          const std::function<Value(const CallRequest&, Arena&)>& answer) {
  Outcome outcome = frame.start(program, variables, capabilities);
  while (outcome.pending()) outcome = frame.resume(answer(frame.call(), frame.arena()));
  return outcome;
}

}  // namespace modelyard::stellar
