// SPDX-License-Identifier: Apache-2.0
#include "stellar/functions/helpers.h"
#include "stellar/functions/regex.h"

namespace modelyard::stellar {
namespace {

// The patterns of a call that are constants, by argument; a list of patterns gives one each.
class PreparedRegexes final : public Prepared {
 public:
  std::vector<std::shared_ptr<const Regex>> patterns;
};

std::unique_ptr<const Prepared> prepare(std::span<const Value* const> arguments, Regex::Use use) {
  if (arguments.size() < 2 || arguments[1] == nullptr) return nullptr;
  auto prepared = std::make_unique<PreparedRegexes>();
  const auto add = [&](Value pattern) {
    auto regex =
        pattern.is_string() ? Regex::compile(pattern.text(), use) : fail(ErrorCode::kInvalidArgument, "no text");
    prepared->patterns.push_back(regex ? *regex : nullptr);
  };
  if (!for_each_item(*arguments[1], add)) add(*arguments[1]);
  return prepared;
}
std::unique_ptr<const Prepared> prepare_match(std::span<const Value* const> arguments) {
  return prepare(arguments, Regex::Use::kWholeMatch);
}
std::unique_ptr<const Prepared> prepare_find(std::span<const Value* const> arguments) {
  return prepare(arguments, Regex::Use::kFind);
}

// The pattern at `index` of the prepared ones, or compiled now. Null after call.fail().
std::shared_ptr<const Regex> pattern_of(Call& call, Value pattern, size_t index, Regex::Use use) {
  const auto* prepared = static_cast<const PreparedRegexes*>(call.prepared);
  if (prepared != nullptr && index < prepared->patterns.size() && prepared->patterns[index] != nullptr)
    return prepared->patterns[index];
  if (!pattern.is_string()) {
    call.fail(fmt::format("a pattern is a {}, not a string", to_string(pattern.kind())));
    return nullptr;
  }
  auto made = Regex::cached(pattern.text(), use);
  if (made) return *made;
  call.fail(made.error().message());
  return nullptr;
}

bool matches(Call& call, const RegexSubject& subject, Value pattern, size_t index) {
  const auto regex = pattern_of(call, pattern, index, Regex::Use::kWholeMatch);
  if (regex == nullptr) return false;
  call.effort += 4;
  return regex->match(subject, 0, call.limits.regex_effort) != nullptr;
}

Value regexp_match(Call& call) {
  if (!has_arguments(call, 2) || !is_string_or_null(call, 0)) return {};
  if (call[0].is_null() || call[1].is_null()) return Value::boolean(false);
  const RegexSubject subject(call[0].text());
  if (call[1].is_string()) return Value::boolean(matches(call, subject, call[1], 0));
  bool any = false;
  size_t index = 0;
  for_each_item(call[1], [&](Value pattern) {
    if (!any && !call.failed && !pattern.is_null()) any = matches(call, subject, pattern, index);
    ++index;
  });
  return Value::boolean(any);
}

Value regexp_group_val(Call& call) {
  if (call.size() != 3) return call.fail(fmt::format("takes 3 arguments, not {}", call.size()));
  if (!is_string_or_null(call, 0) || !is_string_or_null(call, 1)) return {};
  const std::optional<int32_t> group = to_integer(call[2]);
  if (call[0].is_null() || call[1].is_null() || !group) return {};
  if (*group == 0) return call[0];
  const auto regex = pattern_of(call, call[1], 0, Regex::Use::kWholeMatch);
  if (regex == nullptr || *group < 0 || *group > regex->groups()) return {};
  const auto* groups = regex->match(RegexSubject(call[0].text()), 0, call.limits.regex_effort);
  if (groups == nullptr) return {};
  const Regex::Group found = (*groups)[static_cast<size_t>(*group)];
  return found.set() ? Value::string(call[0].text().substr(found.begin, found.end - found.begin)) : Value::null();
}

// A replacement of java.util.regex.Matcher: $1, ${name}, \x for x. False after call.fail().
bool append_replacement(Call& call, std::string& out, const Regex& regex, const std::vector<Regex::Group>& groups,
                        std::string_view with) {
  const std::string_view subject = call[0].text();
  const auto append_group = [&](int number) {
    const Regex::Group& group = groups[static_cast<size_t>(number)];
    if (group.set()) out += subject.substr(group.begin, group.end - group.begin);
  };
  for (size_t i = 0; i < with.size(); ++i) {
    if (with[i] == '\\') {
      if (++i == with.size()) return call.fail("the replacement ends with a backslash"), false;
      out += with[i];
    } else if (with[i] != '$') {
      out += with[i];
    } else if (i + 1 < with.size() && with[i + 1] == '{') {
      const size_t close = with.find('}', i);
      const int number = close == std::string_view::npos ? -1 : regex.group_named(with.substr(i + 2, close - i - 2));
      if (number < 0) return call.fail("the replacement names a group that is not there"), false;
      append_group(number);
      i = close;
    } else {
      if (i + 1 == with.size() || with[i + 1] < '0' || with[i + 1] > '9')
        return call.fail("a '$' in the replacement needs a group: write \\$ for the sign"), false;
      int number = with[++i] - '0';
      if (number > regex.groups()) return call.fail(fmt::format("the pattern has no group {}", number)), false;
      while (i + 1 < with.size() && with[i + 1] >= '0' && with[i + 1] <= '9') {
        const int longer = number * 10 + (with[i + 1] - '0');
        if (longer > regex.groups()) break;
        number = longer;
        ++i;
      }
      append_group(number);
    }
  }
  return true;
}

Value regexp_replace(Call& call) {
  if (call.size() != 3) return call.fail(fmt::format("takes 3 arguments, not {}", call.size()));
  if (!is_string_or_null(call, 0) || !is_string_or_null(call, 1) || !is_string_or_null(call, 2)) return {};
  if (call[0].is_null() || call[0].text().empty()) return {};
  if (call[1].is_null() || call[1].text().empty() || call[2].is_null() || call[2].text().empty()) return call[0];
  const auto regex = pattern_of(call, call[1], 0, Regex::Use::kFind);
  if (regex == nullptr) return {};
  const std::string_view subject = call[0].text();
  const RegexSubject checked(subject);
  std::string out;
  size_t copied = 0;
  size_t from = 0;
  while (from <= subject.size()) {
    const auto* groups = regex->match(checked, from, call.limits.regex_effort);
    if (groups == nullptr) break;
    const Regex::Group found = groups->front();
    out += subject.substr(copied, found.begin - copied);
    if (!append_replacement(call, out, *regex, *groups, call[2].text())) return {};
    if (out.size() > call.limits.result_bytes) throw BoundReached{"result"};
    copied = found.end;
    from = found.end;
    if (found.begin == found.end) {
      // After an empty match the search goes on one character later.
      ++from;
      while (from < subject.size() && (static_cast<uint8_t>(subject[from]) & 0xC0) == 0x80) ++from;
    }
    ++call.effort;
  }
  out += subject.substr(copied);
  return call.string(out);
}

}  // namespace

void register_regex_functions(FunctionRegistry& registry) {
  registry.add({.name = "REGEXP_MATCH",
                .category = "string",
                .description = "Whether a whole text matches a regular expression (Java's syntax).",
                .parameters = {{"str", "string", "the text; null gives false"},
                               {"pattern", "string", "a pattern, or a list of which one must match"}},
                .returns = "bool",
                .examples = {{"REGEXP_MATCH('foo123', '[a-z]+\\\\d+')", "true"},
                             {"REGEXP_MATCH('foo', ['x', 'f..'])", "true"},
                             {"REGEXP_MATCH('a', '(')", "error"}},
                .run = regexp_match,
                .prepare = prepare_match,
                .reads_only = true});
  registry.add({.name = "REGEXP_GROUP_VAL",
                .category = "string",
                .description = "What a group took when a whole text matches; null when it does not.",
                .parameters = {{"str", "string", "the text"},
                               {"pattern", "string", "the pattern"},
                               {"group", "int", "the group's number; 0 gives the text itself"}},
                .returns = "string",
                .examples = {{"REGEXP_GROUP_VAL('foo123', '([a-z]+)(\\\\d+)', 2)", "\"123\""}},
                .run = regexp_group_val,
                .prepare = prepare_match});
  registry.add({.name = "REGEXP_REPLACE",
                .category = "string",
                .description = "Replaces all that a pattern finds in a text.",
                .parameters = {{"str", "string", "the text; empty and null give null"},
                               {"pattern", "string", "the pattern"},
                               {"value", "string",
                                "the replacement; $1 is a group, \\$ the sign; empty leaves the text as it is"}},
                .returns = "string",
                .examples = {{"REGEXP_REPLACE('a1b2', '(\\\\d)', '<$1>')", "\"a<1>b<2>\""}},
                .run = regexp_replace,
                .prepare = prepare_find});
}

}  // namespace modelyard::stellar
