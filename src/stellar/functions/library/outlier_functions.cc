// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "stellar/functions/helpers.h"
#include "stellar/functions/sketches/tdigest.h"

namespace modelyard::stellar {
namespace {

// What OUTLIER_MAD_* work on: the values and their distances from the median, of this tick and of the whole window.
class MadState final : public OpaqueObject {
 public:
  std::string_view kind() const override { return "mad"; }
  OpaqueObject* copy_into(Arena& to) const override {
    auto* copy = to.make<MadState>(*this);
    copy->arena = &to;
    return copy;
  }
  void add(double value) {
    tick.add(value);
    const double distance = std::fabs(value - window.quantile(0.5));
    if (!std::isnan(distance)) {
      tick_distances.add(distance);
      window_distances.add(distance);
    }
    window.add(value);
  }
  double score(double value, double scale) const {
    return scale * std::fabs(value - window.quantile(0.5)) / window_distances.quantile(0.5);
  }

  TDigest tick;
  TDigest tick_distances;
  TDigest window;
  TDigest window_distances;
};

MadState* state_of(Value value) {
  return value.kind() == Kind::kOpaque ? dynamic_cast<MadState*>(&value.opaque()) : nullptr;
}
MadState* new_state(Call& call) {
  auto* made = call.arena.make<MadState>();
  made->arena = &call.arena;
  return made;
}

Value mad_add(Call& call) {
  if (!has_arguments(call, 2)) return {};
  MadState* state = state_of(call[0]);
  if (state == nullptr && !call[0].is_null()) return call.wrong_kind(0, "state of OUTLIER_MAD_STATE_MERGE");
  if (state == nullptr) state = new_state(call);
  const std::optional<double> value = to_double(call[1]);
  if (!value) return call.fail("the value is no number");
  state->add(*value);
  return Value::opaque(state);
}

Value mad_merge(Call& call) {
  if (!has_arguments(call, 1)) return {};
  if (!call[0].is_null() && !call[0].is_collection()) return call.wrong_kind(0, "list of states");
  MadState* merged = new_state(call);
  bool good = true;
  for_each_item(call[0], [&](Value member) {
    const MadState* state = state_of(member);
    good = good && (state != nullptr || member.is_null());
    if (state == nullptr) return;
    merged->window.add(state->tick);
    merged->window_distances.add(state->tick_distances);
  });
  if (!good) return call.fail("a member is no state");
  if (const MadState* current = state_of(call.at(1))) {
    merged->tick = current->tick;
    merged->tick_distances = current->tick_distances;
  } else if (!call.at(1).is_null()) {
    return call.wrong_kind(1, "state");
  }
  return Value::opaque(merged);
}

Value mad_score(Call& call) {
  if (!has_arguments(call, 2)) return {};
  const MadState* state = state_of(call[0]);
  if (state == nullptr) return call[0].is_null() ? Value::double_number(std::nan("")) : call.wrong_kind(0, "state");
  const std::optional<double> value = to_double(call[1]);
  if (!value) return Value::double_number(std::nan(""));
  return Value::double_number(state->score(*value, to_double(call.at(2)).value_or(0.6745)));
}

}  // namespace

void register_outlier_functions(FunctionRegistry& registry) {
  registry.add({.name = "OUTLIER_MAD_ADD",
                .category = "statistics",
                .description = "Adds a value to a median-absolute-deviation state, which is changed and returned.",
                .parameters = {{"state", "state", "null makes a new one"}, {"value", "number", "the value"}},
                .returns = "state",
                .examples = {{"IS_NAN(OUTLIER_MAD_SCORE(OUTLIER_MAD_ADD(null, 1), 1))", "true"}},
                .run = mad_add});
  registry.add({.name = "OUTLIER_MAD_STATE_MERGE",
                .category = "statistics",
                .description = "A state whose window is the given states' values.",
                .parameters = {{"states", "list<state>", "of the window"},
                               {"current", "state", "whose own values are kept", true}},
                .returns = "state",
                .examples = {{"IS_NAN(OUTLIER_MAD_SCORE(OUTLIER_MAD_STATE_MERGE([]), 1))", "true"}},
                .run = mad_merge});
  registry.add(
      {.name = "OUTLIER_MAD_SCORE",
       .category = "statistics",
       .description = "The modified z-score of a value: scale x |value - median| / MAD.",
       .parameters = {{"state", "state", "the state"},
                      {"value", "number", "the value"},
                      {"scale", "number", "default 0.6745", true}},
       .returns = "double",
       .examples =
           {{"OUTLIER_MAD_SCORE(REDUCE([1, 2, 3, 4, 5], (s, x) -> OUTLIER_MAD_ADD(s, x), OUTLIER_MAD_ADD(null, 3)), 3)",
             "0.0"}},
       .run = mad_score});
}

}  // namespace modelyard::stellar
