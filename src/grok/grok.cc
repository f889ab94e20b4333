// SPDX-License-Identifier: Apache-2.0
#include "grok/grok.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include "base/strings.h"
#include "grok/expand.h"
#include "grok/java_regex.h"
#include "grok/pcre.h"

namespace modelyard::grok {
namespace {

constexpr std::string_view kUnwanted = "UNWANTED";
constexpr size_t kJitStackStart = 32 << 10;
constexpr size_t kJitStackMax = 1 << 20;

bool is_ascii(std::string_view text) {
  uint64_t seen = 0;
  size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    uint64_t word;
    std::memcpy(&word, text.data() + at, 8);
    seen |= word;
  }
  for (; at < text.size(); ++at) seen |= static_cast<unsigned char>(text[at]);
  return (seen & 0x8080808080808080u) == 0;
}

// Which capture group gives which field.
struct Selection {
  std::vector<std::string> fields;
  std::vector<size_t> winners;  // per field: index of its group among all groups of the expression
};

Selection select_groups(const std::vector<std::string>& groups, const Expansion& expansion,
                        const GrokOptions& options) {
  Selection out;
  std::vector<std::string_view> seen;
  for (size_t i = 0; i < groups.size(); ++i) {
    const std::string& group = groups[i];
    if (group.empty() || std::find(seen.begin(), seen.end(), group) != seen.end()) continue;
    seen.push_back(group);
    const std::string field = group[0] == kTokenMark
                                  ? expansion.labels[static_cast<size_t>(*parse_int(std::string_view(group).substr(1)))]
                                  : group;
    const auto& ignored = options.ignored_fields;
    if (field == kUnwanted || std::find(ignored.begin(), ignored.end(), field) != ignored.end()) continue;
    const auto known = std::find(out.fields.begin(), out.fields.end(), field);
    if (known == out.fields.end()) {
      out.fields.push_back(field);
      out.winners.push_back(i);
    } else {
      out.winners[static_cast<size_t>(known - out.fields.begin())] = i;
    }
  }
  return out;
}

// The definition that is to blame when the whole does not compile: the deepest token that does not compile by itself.
std::string blame(const PatternSet& patterns, const Expansion& expansion, const GrokOptions& options) {
  for (size_t i = expansion.origins.size(); i-- > 0;) {
    const std::string& origin = expansion.origins[i];
    const std::string name = origin.substr(0, origin.find(' '));
    if (patterns.find(name) == nullptr) continue;
    const Result<Expansion> alone = expand(patterns, "%{" + name + "}", options);
    if (!alone) continue;
    const Result<PcreText> text = to_pcre(alone->regex);
    if (!text) return fmt::format("{}: {}", origin, text.error().message());
    const Result<PcreCode> code = compile_pcre(text->pattern, true);
    if (!code) return fmt::format("{}: {}", origin, code.error().message());
  }
  return "";
}

}  // namespace

struct Scratch::State {
  PcrePtr<pcre2_match_data> data;
  uint32_t pairs = 0;
  PcrePtr<pcre2_match_context> context{pcre2_match_context_create(nullptr)};
  PcrePtr<pcre2_jit_stack> stack{pcre2_jit_stack_create(kJitStackStart, kJitStackMax, nullptr)};

  void fit(uint32_t wanted, uint32_t match_limit) {
    if (pairs < wanted) {
      data.reset(pcre2_match_data_create(wanted, nullptr));
      pairs = wanted;
    }
    pcre2_set_match_limit(context.get(), match_limit);
  }
};

Scratch::Scratch() : state_(std::make_unique<State>()) {
  pcre2_jit_stack_assign(state_->context.get(), nullptr, state_->stack.get());
}
Scratch::~Scratch() = default;
Scratch::Scratch(Scratch&&) noexcept = default;
Scratch& Scratch::operator=(Scratch&&) noexcept = default;

struct Grok::State {
  std::string expression;
  std::vector<std::string> fields;
  std::vector<uint32_t> groups;  // capture number of each field
  uint32_t pairs = 1;
  uint32_t match_limit = 0;
  PcreCode utf;
  std::optional<PcreCode> bytes;  // for lines that are ASCII alone; matches faster
};

Grok::Grok(std::unique_ptr<State> state) : state_(std::move(state)) {}
Grok::~Grok() = default;
Grok::Grok(Grok&&) noexcept = default;
Grok& Grok::operator=(Grok&&) noexcept = default;

Result<Grok> Grok::compile(const PatternSet& patterns, std::string_view expression, const GrokOptions& options) {
  MY_TRY(const Expansion expansion, expand(patterns, expression, options));
  const auto explain = [&](const Error& error) {
    const std::string culprit = blame(patterns, expansion, options);
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: {}", expression, culprit.empty() ? error.message() : culprit));
  };
  const Result<PcreText> all = to_pcre(expansion.regex);
  if (!all) return explain(all.error());
  Selection selection = select_groups(all->groups, expansion, options);

  // Again, with only the groups that give a field; the order of groups is the same.
  size_t index = 0;
  std::vector<uint32_t> number_of(all->groups.size(), 0);
  uint32_t kept = 0;
  const JavaRegexOptions needed{.keep_group = [&](std::string_view) {
    const size_t me = index++;
    if (std::find(selection.winners.begin(), selection.winners.end(), me) == selection.winners.end()) return false;
    number_of[me] = ++kept;
    return true;
  }};
  MY_TRY(const PcreText text, to_pcre(expansion.regex, needed));
  if (index == 0) {
    for (size_t i = 0; i < number_of.size(); ++i) number_of[i] = static_cast<uint32_t>(i + 1);
  }

  auto state = std::make_unique<State>();
  Result<PcreCode> utf = compile_pcre(text.pattern, true);
  if (!utf) return explain(utf.error());
  state->utf = std::move(*utf);
  if (is_ascii(text.pattern)) {
    if (Result<PcreCode> bytes = compile_pcre(text.pattern, false)) state->bytes = std::move(*bytes);
  }
  state->expression = expression;
  for (const size_t winner : selection.winners) state->groups.push_back(number_of[winner]);
  state->fields = std::move(selection.fields);
  state->pairs = static_cast<uint32_t>(text.groups.size()) + 1;
  state->match_limit = options.match_limit;
  return Grok(std::move(state));
}

std::span<const std::string> Grok::fields() const { return state_->fields; }
const std::string& Grok::expression() const { return state_->expression; }

Result<bool> Grok::match(std::string_view line, Scratch& scratch, std::vector<Capture>& out) const {
  const bool plain = state_->bytes.has_value() && is_ascii(line);
  if (!plain && !is_valid_utf8(line)) return fail(ErrorCode::kInvalidArgument, "the line is not UTF-8");
  const PcreCode& program = plain ? *state_->bytes : state_->utf;
  Scratch::State& work = *scratch.state_;
  work.fit(state_->pairs, state_->match_limit);
  const auto subject = reinterpret_cast<PCRE2_SPTR>(line.data() == nullptr ? "" : line.data());
  const int found =
      program.jit ? pcre2_jit_match(program.code.get(), subject, line.size(), 0, 0, work.data.get(), work.context.get())
                  : pcre2_match(program.code.get(), subject, line.size(), 0, PCRE2_NO_UTF_CHECK, work.data.get(),
                                work.context.get());
  if (found == PCRE2_ERROR_NOMATCH) return false;
  if (found < 0) {
    PCRE2_UCHAR text[160];
    pcre2_get_error_message(found, text, sizeof text);
    return fail(ErrorCode::kResourceExhausted, fmt::format("{} gave up on a line of {} bytes: {}", state_->expression,
                                                           line.size(), reinterpret_cast<const char*>(text)));
  }
  const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(work.data.get());
  const auto matched = static_cast<uint32_t>(found);
  out.clear();
  for (size_t i = 0; i < state_->fields.size(); ++i) {
    const uint32_t group = state_->groups[i];
    if (group >= matched || ends[2 * group] == PCRE2_UNSET) {
      out.push_back({.name = state_->fields[i]});
    } else {
      out.push_back(type_text(state_->fields[i], line.substr(ends[2 * group], ends[2 * group + 1] - ends[2 * group])));
    }
  }
  return true;
}

Capture type_text(std::string_view name, std::string_view text) {
  Capture capture{.name = name, .kind = Capture::Kind::kText, .integer = 0, .text = text};
  std::string_view digits = text;
  if (!digits.empty() && digits[0] == '+' && digits.size() > 1 && digits[1] != '-') digits.remove_prefix(1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), capture.integer);
  if (!digits.empty() && error == std::errc() && end == digits.data() + digits.size()) {
    capture.kind = Capture::Kind::kInteger;
    capture.text = {};
    return capture;
  }
  capture.integer = 0;
  if (text == "\"" || text == "'") {
    capture.text = {};
  } else if (text.size() >= 2 && (text[0] == '"' || text[0] == '\'') && text.back() == text[0]) {
    capture.text = text.substr(1, text.size() - 2);
  }
  return capture;
}

}  // namespace modelyard::grok
