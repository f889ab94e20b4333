// SPDX-License-Identifier: Apache-2.0
#include "grok/expand.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

namespace modelyard::grok {
namespace {

bool is_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }
bool is_label(char c) { return is_name(c) || c == ':'; }

struct Token {
  size_t start = 0;
  std::string_view text;  // with %{ and }
  std::string_view pattern;
  std::string_view label;       // "" = none given
  std::string_view definition;  // "" = none given
};

// The first token of the text. "%{" that is no token cannot be a regular expression either, so it is refused.
Result<std::optional<Token>> first_token(std::string_view text) {
  const size_t start = text.find("%{");
  if (start == std::string_view::npos) return std::optional<Token>();
  const auto take = [&](size_t from, bool (*good)(char)) {
    size_t end = from;
    while (end < text.size() && good(text[end])) ++end;
    return text.substr(from, end - from);
  };
  Token token{.start = start, .pattern = take(start + 2, is_name)};
  size_t at = start + 2 + token.pattern.size();
  if (at < text.size() && text[at] == ':') {
    token.label = take(at + 1, is_label);
    at += 1 + token.label.size();
    if (token.label.empty()) at = text.size();
  }
  if (at < text.size() && text[at] == '=') {
    const size_t end = text.find_first_of("{}", at);
    token.definition = text.substr(at + 1, (end == std::string_view::npos ? text.size() : end) - at - 1);
    at = token.definition.empty() ? text.size() : end;
  }
  if (token.pattern.empty() || at >= text.size() || text[at] != '}') {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format(
            "\"{}\" is no token: write %{{NAME}}, %{{NAME:field}} or %{{NAME=regex}}, names of letters, digits and _",
            text.substr(start, std::min<size_t>(40, text.size() - start))));
  }
  token.text = text.substr(start, at + 1 - start);
  return std::optional(token);
}

void replace_all(std::string& text, const std::string& what, const std::string& with) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
}

size_t count_of(std::string_view text, std::string_view what) {
  size_t count = 0;
  for (size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + what.size())) ++count;
  return count;
}

}  // namespace

Result<Expansion> expand(const PatternSet& patterns, std::string_view expression, const GrokOptions& options) {
  Expansion out;
  out.regex = expression;
  if (out.regex.find(kTokenMark) != std::string::npos) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{}: a control character in the expression", expression));
  }
  std::map<std::string, std::string, std::less<>> inline_definitions;
  for (uint32_t step = 0;; ++step) {
    MY_TRY(const std::optional<Token> token, first_token(out.regex));
    if (!token) return out;
    if (step >= options.steps_max) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} is not expanded after {} steps: does %{{{}}} contain itself?", expression, step,
                              token->pattern));
    }
    const std::string name(token->pattern);
    if (!token->definition.empty()) inline_definitions.insert_or_assign(name, std::string(token->definition));
    const PatternSet::Definition* stored = patterns.find(name);
    const auto own = inline_definitions.find(name);
    if (own == inline_definitions.end() && stored == nullptr) {
      const std::string in =
          out.origins.empty() ? "" : fmt::format(", used by {} or what it contains", out.origins.front());
      return fail(ErrorCode::kInvalidArgument, fmt::format("no pattern is named {}{}", name, in));
    }
    const std::string& regex = own != inline_definitions.end() ? own->second : stored->regex;
    const std::string origin =
        own != inline_definitions.end() ? name : fmt::format("{} ({}:{})", name, stored->source, stored->line);
    if (regex.find(kTokenMark) != std::string::npos) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("{}: a control character in the definition", origin));
    }
    const std::string text(token->text);
    const std::string with = fmt::format("(?<{}{}>{})", kTokenMark, out.labels.size(), regex);
    out.labels.emplace_back(token->label.empty() ? token->pattern : token->label);
    out.origins.push_back(origin);
    // Checked before replacing: a definition that names itself twice would double the text at each step.
    if (out.regex.size() + count_of(out.regex, text) * with.size() > options.expanded_bytes_max) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("{} is longer than {} bytes when expanded, at %{{{}}}",
                                                           expression, options.expanded_bytes_max, name));
    }
    replace_all(out.regex, text, with);
  }
}

}  // namespace modelyard::grok
