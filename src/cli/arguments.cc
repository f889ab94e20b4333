// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"

namespace modelyard::cli {

std::optional<std::string> Arguments::text(std::string_view option) const {
  if (const auto at = options_.find(option); at != options_.end() && !at->second.empty()) return at->second.back();
  if (const auto at = fallbacks_.find(option); at != fallbacks_.end()) return at->second;
  return std::nullopt;
}

std::optional<int64_t> Arguments::integer(std::string_view option) const {
  const auto value = text(option);
  return value ? parse_int(*value) : std::nullopt;
}

std::vector<std::string> Arguments::all(std::string_view option) const {
  const auto at = options_.find(option);
  return at == options_.end() ? std::vector<std::string>() : at->second;
}

class ArgumentParser {
 public:
  ArgumentParser(const Command& command, const std::vector<std::string>& words) : command_(command), words_(words) {
    for (const Option& option : command.options) {
      if (!option.fallback.empty()) result_.fallbacks_[option.name] = option.fallback;
    }
  }

  Result<Arguments> parse() {
    for (next_ = 0; next_ < words_.size();) {
      const std::string& word = words_[next_++];
      if (word == "--") {
        take_rest();
        break;
      }
      if (word.starts_with("--")) {
        MY_TRY_VOID(take_long(word));
      } else if (word.size() > 1 && word[0] == '-') {
        MY_TRY_VOID(take_letters(word));
      } else {
        result_.positionals_.push_back(word);
      }
    }
    if (!result_.help_) MY_TRY_VOID(check_counts());
    return std::move(result_);
  }

 private:
  void take_rest() {
    std::vector<std::string> rest(words_.begin() + static_cast<ptrdiff_t>(next_), words_.end());
    if (command_.rest.empty()) {
      result_.positionals_.insert(result_.positionals_.end(), rest.begin(), rest.end());
    } else {
      result_.rest_ = std::move(rest);
    }
  }

  Status take_long(const std::string& word) {
    const size_t equals = word.find('=');
    const std::string name = word.substr(2, equals == std::string::npos ? std::string::npos : equals - 2);
    std::optional<std::string> value;
    if (equals != std::string::npos) value = word.substr(equals + 1);
    if (name == "help") {
      result_.help_ = true;
      return {};
    }
    const auto at = std::ranges::find(command_.options, name, &Option::name);
    if (at == command_.options.end()) return unknown(name);
    return store(*at, "--" + name, std::move(value));
  }

  Status take_letters(const std::string& word) {
    for (size_t i = 1; i < word.size(); ++i) {
      if (word[i] == 'h') {
        result_.help_ = true;
        continue;
      }
      const auto at = std::ranges::find(command_.options, word[i], &Option::letter);
      if (at == command_.options.end() || word[i] == 0) return unknown_letter(word);
      const std::string shown = fmt::format("-{}", word[i]);
      if (at->kind == Option::Kind::kFlag || at->kind == Option::Kind::kOptionalInteger) {
        MY_TRY_VOID(store(*at, shown, std::nullopt));
        continue;
      }
      std::optional<std::string> value;
      if (i + 1 < word.size()) value = word.substr(i + 1 + (word[i + 1] == '=' ? 1 : 0));
      return store(*at, shown, std::move(value));
    }
    return {};
  }

  Status store(const Option& option, const std::string& shown, std::optional<std::string> value) {
    if (option.kind == Option::Kind::kFlag) {
      if (value) return fail(ErrorCode::kInvalidArgument, fmt::format("{} takes no value", shown));
      result_.options_[option.name];
      return {};
    }
    if (option.kind == Option::Kind::kOptionalInteger && !value) {
      result_.options_[option.name];
      return {};
    }
    if (!value) {
      if (next_ >= words_.size() || is_option_of_ours(words_[next_])) {
        return fail(ErrorCode::kInvalidArgument, fmt::format("{} needs a value: {} {}", shown, shown, option.value));
      }
      value = words_[next_++];
    }
    MY_TRY_VOID(check_value(option, shown, *value));
    auto& values = result_.options_[option.name];
    if (!option.repeatable) values.clear();
    values.push_back(std::move(*value));
    return {};
  }

  static Status check_value(const Option& option, const std::string& shown, const std::string& value) {
    if (option.kind == Option::Kind::kInteger || option.kind == Option::Kind::kOptionalInteger) {
      const auto number = parse_int(value);
      if (!number) {
        return fail(ErrorCode::kInvalidArgument, fmt::format("{} needs a whole number, not '{}'", shown, value));
      }
      if (*number < option.least || *number > option.most) {
        return fail(ErrorCode::kInvalidArgument,
                    fmt::format("{} must be from {} to {}, not {}", shown, option.least, option.most, value));
      }
    }
    if (!option.choices.empty() && std::ranges::find(option.choices, value) == option.choices.end()) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} must be {}, not '{}'", shown, fmt::join(option.choices, " or "), value));
    }
    return {};
  }

  // `--name --version 2` lacks the name; `-e -1` does not lack the expression.
  bool is_option_of_ours(const std::string& word) const {
    if (!word.starts_with("--") || word.size() < 3) return false;
    const std::string name = word.substr(2, word.find('=') - 2);
    return name == "help" || std::ranges::find(command_.options, name, &Option::name) != command_.options.end();
  }

  Status unknown(const std::string& name) const {
    std::vector<std::string> names{"help"};
    for (const Option& option : command_.options) names.push_back(option.name);
    const auto near = did_you_mean(name, names);
    return fail(ErrorCode::kInvalidArgument, near ? fmt::format("unknown option --{}; did you mean --{}?", name, *near)
                                                  : fmt::format("unknown option --{}", name));
  }

  Status unknown_letter(const std::string& word) const {
    const std::string name = word.substr(1, word.find('=') - 1);
    for (const Option& option : command_.options) {
      if (option.name == name) {
        return fail(ErrorCode::kInvalidArgument, fmt::format("unknown option {}; did you mean --{}?", word, name));
      }
    }
    return fail(ErrorCode::kInvalidArgument, fmt::format("unknown option {}", word));
  }

  Status check_counts() const {
    const size_t given = result_.positionals_.size();
    const auto& wanted = command_.positionals;
    for (size_t i = given; i < wanted.size(); ++i) {
      if (wanted[i].required && !(result_.rest_ && !command_.rest.empty())) {
        return fail(ErrorCode::kInvalidArgument, fmt::format("{} is missing", wanted[i].name));
      }
    }
    const bool open = !wanted.empty() && wanted.back().repeatable;
    if (given > wanted.size() && !open) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("unexpected argument '{}'", result_.positionals_[wanted.size()]));
    }
    return {};
  }

  const Command& command_;
  const std::vector<std::string>& words_;
  size_t next_ = 0;
  Arguments result_;
};

Result<Arguments> parse_arguments(const Command& command, const std::vector<std::string>& words) {
  return ArgumentParser(command, words).parse();
}

namespace {

// Insertions, deletions, changes and swaps of neighbours between two short words.
size_t edits_between(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> cost(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      cost[i][j] =
          std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace

std::optional<std::string> did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  if (word.empty() || word.size() > 64) return std::nullopt;
  std::optional<std::string> best;
  size_t best_edits = std::max<size_t>(1, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    const bool begins = word.size() >= 2 && candidate.starts_with(word);
    const size_t edits = begins ? 1 : edits_between(word, candidate);
    if (edits < best_edits) {
      best = candidate;
      best_edits = edits;
    }
  }
  return best;
}

}  // namespace modelyard::cli
