// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "cli/remote.h"
#include "cli/stellar_models.h"
#include "cli/stellar_repl.h"
#include "stellar/batch.h"
#include "stellar/check.h"
#include "stellar/evaluate.h"

namespace modelyard::cli {
namespace {

stellar::Limits limits_of(const Arguments& arguments) {
  stellar::Limits limits;
  limits.own_time = milliseconds(*arguments.integer("max-time"));
  limits.memory_bytes = static_cast<size_t>(*arguments.integer("max-memory")) << 20;
  limits.steps = static_cast<uint64_t>(*arguments.integer("max-steps"));
  limits.call_depth = static_cast<uint32_t>(*arguments.integer("max-depth"));
  limits.result_bytes = static_cast<uint32_t>(*arguments.integer("max-result")) << 20;
  limits.regex_effort = static_cast<uint32_t>(*arguments.integer("max-regex"));
  return limits;
}

Status run_batch(StellarModels& models, const stellar::Limits& limits) {
  std::ios::sync_with_stdio(false);
  stellar::run_batch(std::cin, std::cout, stellar::FunctionRegistry::standard(), models, {.limits = limits},
                     models.answer());
  std::cout.flush();
  if (!std::cout) return fail(ErrorCode::kFailed, "standard output cannot be written");
  return {};
}

// Says what can be said without running it; warnings are no failure.
Status check(Invocation& invocation, const std::string& expression) {
  const auto found = stellar::check(expression, stellar::FunctionRegistry::standard());
  const bool good = std::ranges::all_of(found, &stellar::Diagnostic::warning);
  if (!good) return fail(ErrorCode::kInvalidArgument, stellar::render(found, expression));
  if (!found.empty()) fmt::print(stderr, "{}\n", printable(stellar::render(found, expression)));
  invocation.out().line("good");
  return {};
}

std::filesystem::path history_file(const Invocation& invocation) {
  if (const auto state = invocation.environment("XDG_STATE_HOME"); state && state->starts_with('/')) {
    return std::filesystem::path(*state) / "modelyard" / "stellar_history";
  }
  const auto home = invocation.environment("HOME");
  return home && home->starts_with('/') ? std::filesystem::path(*home) / ".local/state/modelyard/stellar_history"
                                        : std::filesystem::path();
}

Status run(Invocation& invocation) {
  const Arguments& arguments = invocation.arguments();
  const auto expression = arguments.text("expression");
  if (arguments.has("batch") && expression)
    return invocation.wrong_usage("--batch reads expressions from standard input; -e has no place there");
  if (arguments.has("check") && !expression) return invocation.wrong_usage("--check needs -e EXPR");
  if (arguments.has("check")) return check(invocation, *expression);
  MY_TRY(const EndpointPlace place, endpoint_place(invocation));
  const auto& registry = stellar::FunctionRegistry::standard();
  const stellar::Limits limits = limits_of(arguments);
  StellarModels models(place);
  if (arguments.has("batch")) return run_batch(models, limits);
  const std::string variables = arguments.text("vars").value_or("");
  if (expression) {
    MY_TRY(const std::string result,
           stellar::evaluate_once(*expression, variables, registry, models, limits, models.answer()));
    invocation.out().line(result);
    return {};
  }
  stellar::Session session(registry, models, limits, models.answer());
  if (!variables.empty()) MY_TRY_VOID(session.set_variables(variables));
  if (::isatty(0) != 1) return run_script(session, invocation.out());
  run_repl(session, invocation.out(), history_file(invocation));
  return {};
}

Option bound(std::string name, std::string value, std::string text, std::string fallback, int64_t most) {
  return {.name = std::move(name),
          .kind = Option::Kind::kInteger,
          .value = std::move(value),
          .text = std::move(text),
          .fallback = std::move(fallback),
          .least = 1,
          .most = most};
}

std::vector<Option> options() {
  return {
      {.name = "expression", .letter = 'e', .value = "EXPR", .text = "evaluate this once and print its value as JSON"},
      {.name = "vars", .value = "JSON", .text = "the variables, as a JSON object"},
      {.name = "batch",
       .kind = Option::Kind::kFlag,
       .text = "each line of standard input {\"id\",\"expr\",\"vars\"} is answered by one line "
               "{\"id\",\"value\",\"type\"} or {\"id\",\"error\"}"},
      {.name = "check", .kind = Option::Kind::kFlag, .text = "say what is wrong with -e EXPR without evaluating it"},
      bound("max-time", "MS", "milliseconds of own evaluation; waiting for models does not count", "1000", 3'600'000),
      bound("max-memory", "MIB", "memory of an evaluation's values", "256", 4096),
      bound("max-steps", "K", "instructions of an evaluation", "50000000", int64_t{1} << 40),
      bound("max-depth", "K", "lambdas within lambdas", "1000", 10'000),
      bound("max-result", "MIB", "size of one text or list", "64", 1024),
      bound("max-regex", "K", "effort of one regular expression match", "1000000", 1'000'000'000)};
}

}  // namespace

void register_stellar(CommandSet& commands) {
  commands.add({.name = "stellar",
                .group = "Stellar",
                .summary = "evaluate Stellar expressions: once, in a conversation, or in bulk",
                .text = "With -e, one expression; without, a conversation with history, completion (tab), ?FUNCTION, "
                        "%functions, %vars, "
                        "%help and NAME := EXPRESSION. MAAS_GET_ENDPOINT and MAAS_MODEL_APPLY ask the server, or "
                        "ZooKeeper, for models.",
                .options = options() + server_options(),
                .examples = {{"modelyard stellar -e 'TO_UPPER(name)' --vars '{\"name\":\"dga\"}'",
                              "an expression over a variable"},
                             {"modelyard stellar", "a conversation"},
                             {"modelyard stellar --batch < expressions.jsonl", "many, for a program"}},
                .run = run});
}

}  // namespace modelyard::cli
