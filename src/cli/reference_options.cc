// SPDX-License-Identifier: Apache-2.0
#include "cli/reference_options.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"

namespace modelyard::cli {
namespace {

constexpr size_t kWidth = 74;

// Commons CLI drops one quote at each end, as shells of old left them there.
std::string unquoted(std::string word) {
  if (word.size() > 1 && word.front() == '"' && word.back() == '"' && word.find('"', 1) == word.size() - 1)
    return word.substr(1, word.size() - 2);
  return word;
}

}  // namespace

class ReferenceParser {
 public:
  ReferenceParser(const std::vector<ReferenceOption>& options, const std::vector<std::string>& words)
      : options_(options), words_(words) {}

  Result<ReferenceArguments> run() {
    while (at_ < words_.size()) {
      const std::string& word = words_[at_++];
      if (word == "--") break;
      if (word.size() < 2 || word[0] != '-') return unexpected(word);
      MY_TRY_VOID(take(word));
    }
    if (at_ < words_.size()) return unexpected(words_[at_]);
    return std::move(out_);
  }

 private:
  static tl::unexpected<Error> unexpected(const std::string& word) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("'{}' belongs to no option", word));
  }

  // With one dash the short name comes first, then a long one; with two only long ones count.
  Result<const ReferenceOption*> find(std::string_view word) const {
    const bool is_long = word.starts_with("--");
    const std::string_view name = word.substr(is_long ? 2 : 1);
    std::vector<const ReferenceOption*> near;
    for (const ReferenceOption& option : options_) {
      if (!is_long && option.name == name) return &option;
      if (option.long_name == name) return &option;
      if (!name.empty() && option.long_name.starts_with(name)) near.push_back(&option);
    }
    if (near.size() == 1 && name.size() > 1) return near[0];
    if (near.size() > 1 && name.size() > 1) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("'{}' is short for --{} and --{}", word, near[0]->long_name, near[1]->long_name));
    }
    return nullptr;
  }

  bool is_option(std::string_view word) const {
    if (word.size() < 2 || word[0] != '-') return false;
    const auto found = find(word.substr(0, word.find('=')));
    return found && *found;
  }

  Status take(const std::string& word) {
    MY_TRY(const ReferenceOption* option, find(word));
    if (option) return take_value(*option, word);
    if (const size_t equals = word.find('='); equals != std::string::npos) {
      MY_TRY(option, find(std::string_view(word).substr(0, equals)));
      if (option && option->has_value) return add(*option, word.substr(equals + 1));
    }
    if (!word.starts_with("--")) {
      // -nV: a name of one letter with its value behind it.
      MY_TRY(option, find(std::string_view(word).substr(0, 2)));
      if (option && option->has_value && option->name.size() == 1) return add(*option, word.substr(2));
    }
    return fail(ErrorCode::kInvalidArgument, fmt::format("'{}' is no option", word));
  }

  Status take_value(const ReferenceOption& option, const std::string& word) {
    if (!option.has_value) return add(option, "");
    if (at_ >= words_.size() || words_[at_] == "--" || is_option(words_[at_]))
      return fail(ErrorCode::kInvalidArgument, fmt::format("'{}' needs a value", word));
    return add(option, words_[at_++]);
  }

  Status add(const ReferenceOption& option, std::string value) {
    out_.values_[option.name].push_back(unquoted(std::move(value)));
    return {};
  }

  const std::vector<ReferenceOption>& options_;
  const std::vector<std::string>& words_;
  size_t at_ = 0;
  ReferenceArguments out_;
};

std::string ReferenceArguments::text(std::string_view name, std::string_view fallback) const {
  const auto at = values_.find(name);
  return at == values_.end() ? std::string(fallback) : at->second.front();
}

std::vector<std::string> ReferenceArguments::all(std::string_view name) const {
  const auto at = values_.find(name);
  return at == values_.end() ? std::vector<std::string>() : at->second;
}

Result<ReferenceArguments> parse_reference_options(const std::vector<ReferenceOption>& options,
                                                   const std::vector<std::string>& words) {
  return ReferenceParser(options, words).run();
}

std::string reference_usage(std::string_view name, std::vector<ReferenceOption> options) {
  std::ranges::sort(options, {}, &ReferenceOption::name);
  const auto head = [](const ReferenceOption& option) {
    return fmt::format(" -{},--{}{}", option.name, option.long_name, option.has_value ? " <arg>" : "");
  };
  size_t column = 0;
  for (const ReferenceOption& option : options) column = std::max(column, head(option).size() + 3);
  std::string out = fmt::format("usage: {}\n", name);
  for (const ReferenceOption& option : options) {
    std::string line = fmt::format("{:<{}}", head(option), column);
    bool empty = true;
    for (const std::string_view word : split(option.text, ' ')) {
      if (!empty && line.size() + 1 + word.size() > kWidth) {
        out += line + '\n';
        line.assign(column, ' ');
        empty = true;
      }
      if (!empty) line += ' ';
      line += word;
      empty = false;
    }
    out += line + '\n';
  }
  return out;
}

}  // namespace modelyard::cli
