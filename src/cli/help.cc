// SPDX-License-Identifier: Apache-2.0
#include "cli/help.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"

namespace modelyard::cli {
namespace {

// Headings of the overview, in the order in which someone new needs them.
constexpr std::string_view kGroups[] = {"Models", "Look", "Stream", "Stellar", "Server", "Help"};

std::string option_words(const Option& option) {
  std::string words = option.letter ? fmt::format("-{}, --{}", option.letter, option.name) : "    --" + option.name;
  if (option.kind == Option::Kind::kOptionalInteger)
    words += fmt::format("[={}]", option.value);
  else if (option.kind != Option::Kind::kFlag)
    words += " " + option.value;
  return words;
}

std::string option_text(const Option& option) {
  std::string text = option.text;
  if (option.repeatable) text += " (may be repeated)";
  if (!option.fallback.empty()) text += fmt::format(" [default {}]", option.fallback);
  return text;
}

// Text in lines of at most `width` columns, each after the first indented.
std::string wrapped(std::string_view text, size_t indent, size_t width) {
  std::string out;
  size_t column = indent;
  for (const std::string_view word : split(text, ' ')) {
    if (word.empty()) continue;
    if (column > indent && column + 1 + word.size() > width) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
  }
  return out;
}

std::string paragraphs(std::string_view text, size_t indent) {
  std::string out;
  for (const std::string_view line : split(text, '\n')) {
    out += line.empty() ? "\n" : std::string(indent, ' ') + wrapped(line, indent, 100) + "\n";
  }
  return out;
}

std::string two_columns(const std::vector<std::pair<std::string, std::string>>& rows) {
  size_t width = 0;
  for (const auto& [left, right] : rows) width = std::max(width, std::min<size_t>(left.size(), 28));
  std::string out;
  for (const auto& [left, right] : rows) {
    out += "  " + left;
    if (left.size() > width)
      out += "\n" + std::string(width + 4, ' ');
    else
      out += std::string(width + 2 - left.size(), ' ');
    out += wrapped(right, width + 4, 100) + "\n";
  }
  return out;
}

}  // namespace

std::string usage_line(const Command& command) {
  std::string line = "modelyard " + command.name;
  std::string positionals;
  for (const Positional& positional : command.positionals) {
    const std::string dots = positional.repeatable ? "…" : "";
    positionals += positional.required ? fmt::format(" {}{}", positional.name, dots)
                                       : fmt::format(" [{}{}]", positional.name, dots);
  }
  line += positionals;
  if (!command.options.empty()) line += " [options]";
  if (!command.rest.empty()) line += fmt::format("\n       modelyard {} [options] -- {}", command.name, command.rest);
  return line;
}

std::string command_help(const Command& command) {
  std::string out = fmt::format("Usage: {}\n\n{}\n", usage_line(command), paragraphs(command.text, 0));
  if (!command.positionals.empty()) {
    std::vector<std::pair<std::string, std::string>> rows;
    for (const Positional& positional : command.positionals) rows.emplace_back(positional.name, positional.text);
    out += "Arguments:\n" + two_columns(rows) + "\n";
  }
  std::vector<std::pair<std::string, std::string>> rows;
  for (const Option& option : command.options) rows.emplace_back(option_words(option), option_text(option));
  rows.emplace_back("-h, --help", "this text");
  out += "Options:\n" + two_columns(rows);
  if (!command.examples.empty()) {
    out += "\nExamples:\n";
    for (const Example& example : command.examples) {
      out += fmt::format("  # {}\n  {}\n", example.text, example.line);
    }
  }
  return out;
}

std::string group_help(std::string_view word, const std::vector<const Command*>& below) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const Command* command : below) rows.emplace_back("modelyard " + command->name, command->summary);
  return fmt::format("Commands of `modelyard {}`:\n{}Each has --help.\n", word, two_columns(rows));
}

std::string overview(const CommandSet& commands) {
  std::string out =
      "Usage: modelyard COMMAND [arguments]\n\n"
      "Deploys models written in any language, keeps them running, and puts their answers into streams of events.\n";
  for (const std::string_view group : kGroups) {
    std::vector<std::pair<std::string, std::string>> rows;
    for (const Command& command : commands.all()) {
      if (command.group == group && !command.hidden) rows.emplace_back(command.name, command.summary);
    }
    if (!rows.empty()) out += fmt::format("\n{}:\n{}", group, two_columns(rows));
  }
  out +=
      "\n`modelyard COMMAND --help` shows options and examples.\n"
      "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no such thing, 4 not reachable or timed out.\n"
      "\nExample:\n"
      "  modelyard up &\n"
      "  modelyard deploy examples/mock_dga --name dga --version 1.0 --wait\n"
      "  modelyard call dga host=yahoo.com\n";
  return out;
}

namespace {

std::string to_upper(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

std::string roff(std::string_view text) {
  std::string out;
  bool line_start = true;
  for (const char c : text) {
    if (line_start && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\')
      out += "\\\\";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
    line_start = c == '\n';
  }
  return out;
}

constexpr std::string_view kManualEnd =
    ".SH EXIT STATUS\n0 done, 1 failed, 2 wrong usage, 3 no such thing, 4 not reachable or timed out.\n"
    ".SH ENVIRONMENT\n.TP\n.B MODELYARD_SERVER\nThe server that commands talk to.\n"
    ".TP\n.B MODELYARD_ZK\nThe ZooKeeper servers of the cluster that they look into, where no server is named.\n"
    ".TP\n.B MODELYARD_TOKEN\nThe token of a server off this machine.\n";

std::string dashed(std::string name) {
  std::ranges::replace(name, ' ', '-');
  return name;
}

}  // namespace

std::string manual_name(const Command& command) { return "modelyard-" + dashed(command.name) + ".1"; }

std::string manual_page(const Command& command) {
  std::string out = fmt::format(
      ".TH MODELYARD-{0} 1\n.SH NAME\nmodelyard\\-{1} \\- {2}\n.SH SYNOPSIS\n.nf\n.B {3}\n.fi\n.SH DESCRIPTION\n{4}\n",
      to_upper(dashed(command.name)), roff(dashed(command.name)), roff(command.summary), roff(usage_line(command)),
      roff(command.text));
  if (!command.positionals.empty()) out += ".SH ARGUMENTS\n";
  for (const Positional& positional : command.positionals) {
    out += fmt::format(".TP\n.I {}\n{}\n", roff(positional.name), roff(positional.text));
  }
  out += ".SH OPTIONS\n";
  for (const Option& option : command.options) {
    out += fmt::format(".TP\n.B {}\n{}\n", roff(trim_ascii(option_words(option))), roff(option_text(option)));
  }
  out += ".TP\n.B \\-h, \\-\\-help\nprint this\n";
  if (!command.examples.empty()) out += ".SH EXAMPLES\n";
  for (const Example& example : command.examples) {
    out += fmt::format(".PP\n{}\n.PP\n.RS\n.nf\n{}\n.fi\n.RE\n", roff(example.text), roff(example.line));
  }
  return out + std::string(kManualEnd) + ".SH SEE ALSO\nmodelyard(1)\n";
}

std::string manual_page(const CommandSet& commands) {
  std::string out =
      ".TH MODELYARD 1\n.SH NAME\nmodelyard \\- deploy models, keep them running, stream events through them\n"
      ".SH SYNOPSIS\n.B modelyard\n.I COMMAND\n[arguments]\n.SH COMMANDS\n";
  for (const Command& command : commands.all()) {
    if (command.hidden) continue;
    out += fmt::format(".TP\n.B {}\n{}; see modelyard\\-{}(1)\n", roff(command.name), roff(command.summary),
                       roff(dashed(command.name)));
  }
  return out + std::string(kManualEnd);
}

std::string bash_completion(const CommandSet& commands) {
  std::string firsts;
  std::string cases;
  std::string last_first;
  for (const Command& command : commands.all()) {
    if (command.hidden) continue;
    const std::string first(split(command.name, ' ')[0]);
    if (first != last_first) firsts += (firsts.empty() ? "" : " ") + first;
    last_first = first;
    std::string words = "--help";
    for (const Option& option : command.options) words += " --" + option.name;
    std::string pattern = command.name;
    std::ranges::replace(pattern, ' ', '/');
    const auto below = commands.below(command.name);
    for (const Command* sub : below) words += " " + sub->name.substr(command.name.size() + 1);
    cases += fmt::format("    {}|{}/*) words=\"{}\" ;;\n", pattern, pattern, words);
  }
  // Groups without a command of their own: their second words.
  std::string groups;
  for (const std::string_view first : split(firsts, ' ')) {
    if (commands.find(first)) continue;
    std::string seconds;
    for (const Command* sub : commands.below(first))
      seconds += (seconds.empty() ? "" : " ") + sub->name.substr(first.size() + 1);
    groups += fmt::format("    {}/*) words=\"{}\" ;;\n", first, seconds);
  }
  return fmt::format(
      "# bash completion for modelyard\n"
      "_modelyard() {{\n"
      "  local current=\"${{COMP_WORDS[COMP_CWORD]}}\" words=\"\"\n"
      "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
      "    words=\"{} help --help --version\"\n"
      "  else case \"${{COMP_WORDS[1]}}/${{COMP_WORDS[2]}}\" in\n{}{}"
      "  esac; fi\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
      "}}\n"
      "complete -o default -F _modelyard modelyard\n",
      firsts, cases, groups);
}

std::string markdown_reference(const CommandSet& commands) {
  std::string out =
      "# Commands\n\nMade by `modelyard help --markdown`; the text is that of `--help`.\n\n"
      "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no such thing, 4 not reachable or timed out.\n";
  for (const std::string_view group : kGroups) {
    for (const Command& command : commands.all()) {
      if (command.group != group || command.hidden) continue;
      out += fmt::format("\n## modelyard {}\n\n```\n{}```\n", command.name, command_help(command));
    }
  }
  return out;
}

}  // namespace modelyard::cli
