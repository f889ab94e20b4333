// SPDX-License-Identifier: Apache-2.0
#include "stellar/session.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "stellar/assignment.h"
#include "stellar/batch.h"
#include "stellar/json_reader.h"
#include "stellar/syntax/lexer.h"

namespace modelyard::stellar {
namespace {

Limits with_cancel(Limits limits, const std::atomic<bool>& cancelled) {
  limits.cancelled = &cancelled;
  return limits;
}

bool is_name(std::string_view text) {
  return !text.empty() && is_identifier_start(text.front()) && text.back() != ':' &&
         std::all_of(text.begin() + 1, text.end(), is_identifier_part);
}

// The name that the input ends with.
std::string_view last_word(std::string_view input) {
  size_t start = input.size();
  while (start > 0 && (is_identifier_part(input[start - 1]) || input[start - 1] == '$')) --start;
  if (start > 0 && (input[start - 1] == '%' || input[start - 1] == '?')) --start;
  return input.substr(start);
}

constexpr std::string_view kCommands[] = {"%functions", "%help", "%undefine", "%vars"};

}  // namespace

Session::Session(const FunctionRegistry& registry, Capabilities& capabilities, const Limits& limits, Answerer answer)
    : registry_(registry),
      capabilities_(capabilities),
      answer_(std::move(answer)),
      frame_(with_cancel(limits, cancelled_)),
      arena_(limits.memory_bytes),
      variables_(make_map(arena_, MapObject::Order::kInserted)) {}

Session::~Session() = default;

Status Session::set_variables(std::string_view json_object) {
  Result<Value> read = JsonReader(arena_, json_object, {}).read();
  if (!read) return fail(std::move(read.error()).with_context("variables"));
  const Value given = untag(arena_, *read);
  if (!given.is_map()) return fail(ErrorCode::kInvalidArgument, "variables: expected a JSON object such as {\"a\": 1}");
  for (const auto& entry : entries_of(given.map())) put(*variables_, entry.key, entry.value);
  return {};
}

Session::Reply Session::enter(std::string_view input) {
  const std::string_view text = trim_ascii(input);
  cancelled_.store(false, std::memory_order_relaxed);
  if (text.empty()) return {};
  if (text.front() == '%' || text.front() == '?') return command(text);
  if (!is_assignment(text)) return evaluate(text, "");
  const Assignment assignment = split_assignment(text);
  if (!is_name(*assignment.name)) return {fmt::format("'{}' cannot be the name of a variable", *assignment.name), true};
  return evaluate(assignment.expression, *assignment.name);
}

Session::Reply Session::evaluate(std::string_view expression, std::string_view name) {
  const auto program = compile(expression, registry_);
  if (!program) return {render(program.error(), expression), true};
  const MapObject* map = variables_;
  MapVariables source({&map, 1});
  Outcome outcome = frame_.start(**program, source, capabilities_);
  while (outcome.pending()) {
    outcome = answer_ ? frame_.resume(answer_(frame_.call(), frame_.arena()))
                      : frame_.resume_with_error("no models or services can be called here");
  }
  if (outcome.failed()) return {frame_.error().render(expression), true};
  if (!name.empty()) {
    try {
      put(*variables_, make_string(arena_, name), copy_value(arena_, outcome.value));
    } catch (const BoundReached& bound) {
      return {fmt::format("limit reached: {} of the session's variables", bound.bound), true};
    }
    if (outcome.value.is_lambda()) kept_.push_back(*program);
    return {};
  }
  return {pretty(outcome.value), false};
}

Session::Reply Session::command(std::string_view input) {
  const auto argument = [&](std::string_view word) { return trim_ascii(input.substr(word.size())); };
  if (input.front() == '?') {
    const std::string_view name = argument("?");
    if (const Function* function = registry_.find(name)) {
      std::string help = render_help(*function);
      while (help.ends_with('\n')) help.pop_back();
      return {std::move(help), false};
    }
    return {fmt::format("there is no function {}; %functions lists them", name), true};
  }
  if (input.starts_with("%functions")) return list_functions(argument("%functions"));
  if (input == "%vars") return list_variables();
  if (input.starts_with("%undefine")) {
    const std::string_view name = argument("%undefine");
    if (!erase(*variables_, Value::string(name))) return {fmt::format("there is no variable {}", name), true};
    return {};
  }
  if (input == "%help") {
    return {
        "name := expression   assigns a variable\n?FUNCTION            explains a function\n%functions [TEXT]    lists "
        "functions, those with TEXT in their name\n"
        "%vars                lists variables\n%undefine NAME       forgets a variable",
        false};
  }
  return {fmt::format("there is no command {}; %help lists them", input.substr(0, input.find(' '))), true};
}

Session::Reply Session::list_functions(std::string_view part) const {
  std::string out;
  for (const Function* function : registry_.all()) {
    if (to_lower_ascii(function->name).find(to_lower_ascii(part)) == std::string::npos) continue;
    if (!out.empty()) out += '\n';
    out += fmt::format("{:<26} {}", function->name, function->description);
  }
  return {std::move(out), false};
}

Session::Reply Session::list_variables() const {
  std::string out;
  for (const auto& entry : entries_of(*variables_)) {
    if (!out.empty()) out += '\n';
    out += fmt::format("{} = {}", entry.key.text(), pretty(entry.value));
  }
  return {std::move(out), false};
}

bool Session::needs_more(std::string_view input) {
  const std::string_view text = trim_ascii(input);
  if (text.empty() || text.front() == '%' || text.front() == '?') return false;
  const Assignment assignment = split_assignment(text);
  const auto tokens = tokenize(assignment.expression);
  if (!tokens) return tokens.error().message.find("closing quote") != std::string::npos;
  int open = 0;
  for (const Token& token : *tokens) {
    using K = TokenKind;
    open += token.kind == K::kOpenParen || token.kind == K::kOpenBracket || token.kind == K::kOpenBrace;
    open -= token.kind == K::kCloseParen || token.kind == K::kCloseBracket || token.kind == K::kCloseBrace;
  }
  if (open > 0) return true;
  if (tokens->size() < 2) return assignment.name.has_value();
  switch ((*tokens)[tokens->size() - 2].kind) {
    case TokenKind::kAnd:
    case TokenKind::kOr:
    case TokenKind::kThen:
    case TokenKind::kElse:
    case TokenKind::kPlus:
    case TokenKind::kStar:
    case TokenKind::kArrow:
    case TokenKind::kComma: return true;
    default: return false;
  }
}

std::vector<std::string> Session::complete(std::string_view input) const {
  std::string_view word = last_word(input);
  std::vector<std::string> found;
  if (word.starts_with('%')) {
    for (const std::string_view command : kCommands) {
      if (command.starts_with(word)) found.emplace_back(command);
    }
    return found;
  }
  const bool help = word.starts_with('?');
  if (help) word.remove_prefix(1);
  for (const Function* function : registry_.all()) {
    if (function->name.starts_with(word))
      found.push_back(help ? fmt::format("?{}", function->name) : fmt::format("{}(", function->name));
  }
  if (help) return found;
  for (const auto& entry : entries_of(*variables_)) {
    if (entry.key.text().starts_with(word)) found.emplace_back(entry.key.text());
  }
  for (const std::string_view keyword :
       {"and", "default", "else", "exists(", "false", "if", "in", "match", "not(", "null", "or", "then", "true"}) {
    if (!word.empty() && keyword.starts_with(word)) found.emplace_back(keyword);
  }
  return found;
}

}  // namespace modelyard::stellar
