// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gtest/gtest.h>

#include "cli/arguments.h"
#include "cli/help.h"
#include "cli/invocation.h"
#include "cli/machine.h"
#include "cli/remote.h"
#include "io/file.h"

namespace modelyard::cli {
namespace {

Command sample() {
  return {.name = "sample",
          .group = "Help",
          .summary = "a command for this test",
          .positionals = {{.name = "N"}, {.name = "MORE", .required = false, .repeatable = true}},
          .options =
              {{.name = "name", .letter = 'n', .value = "V"},
               {.name = "count", .kind = Option::Kind::kInteger, .value = "K", .fallback = "1", .least = 0, .most = 10},
               {.name = "env", .value = "K=V", .repeatable = true},
               {.name = "wait", .kind = Option::Kind::kOptionalInteger, .value = "S", .least = 1, .most = 100},
               {.name = "follow", .letter = 'f', .kind = Option::Kind::kFlag},
               {.name = "previous", .letter = 'p', .kind = Option::Kind::kFlag},
               output_option()},
          .examples = {{"modelyard sample x", "an example"}},
          .run = [](Invocation&) { return Status(); }};
}

struct BadLine {
  std::string name;
  std::vector<std::string> words;
  std::string message;
};
class WrongUsage : public testing::TestWithParam<BadLine> {};

TEST_P(WrongUsage, SaysWhatIsWrong) {
  const auto parsed = parse_arguments(sample(), GetParam().words);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(parsed.error().message(), GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    Table, WrongUsage,
    testing::Values(BadLine{"missing_positional", {}, "N is missing"},
                    BadLine{"unknown_option", {"x", "--nmae", "v"}, "unknown option --nmae; did you mean --name?"},
                    BadLine{"unknown_far", {"x", "--zzzzzz"}, "unknown option --zzzzzz"},
                    BadLine{"unknown_letter", {"x", "-q"}, "unknown option -q"},
                    BadLine{"one_dash", {"x", "-count=3"}, "unknown option -count=3; did you mean --count?"},
                    BadLine{"no_value", {"x", "--name"}, "--name needs a value: --name V"},
                    BadLine{"option_as_value", {"x", "--name", "--follow"}, "--name needs a value: --name V"},
                    BadLine{"no_number", {"x", "--count", "many"}, "--count needs a whole number, not 'many'"},
                    BadLine{"half_number", {"x", "--count", "3x"}, "--count needs a whole number, not '3x'"},
                    BadLine{"empty_number", {"x", "--count="}, "--count needs a whole number, not ''"},
                    BadLine{"too_large", {"x", "--count", "11"}, "--count must be from 0 to 10, not 11"},
                    BadLine{"negative", {"x", "--count", "-1"}, "--count must be from 0 to 10, not -1"},
                    BadLine{"wait_no_number", {"x", "--wait=soon"}, "--wait needs a whole number, not 'soon'"},
                    BadLine{"flag_value", {"x", "--follow=1"}, "--follow takes no value"},
                    BadLine{"not_a_choice", {"x", "-o", "yaml"}, "-o must be table or json, not 'yaml'"}),
    [](const auto& row) { return row.param.name; });

TEST(Arguments, EveryFormOfAnOption) {
  const Command command = sample();
  const auto a = parse_arguments(
      command, {"-fp", "x", "-njoe", "--count=3", "--env", "A=1", "--env=B=2=3", "--wait=5", "y", "--", "--z"});
  ASSERT_TRUE(a) << a.error().message();
  EXPECT_TRUE(a->has("follow"));
  EXPECT_TRUE(a->has("previous"));
  EXPECT_EQ(a->text("name"), "joe");
  EXPECT_EQ(a->integer("count"), 3);
  EXPECT_EQ(a->all("env"), (std::vector<std::string>{"A=1", "B=2=3"}));
  EXPECT_EQ(a->integer("wait"), 5);
  EXPECT_EQ(a->positionals(), (std::vector<std::string>{"x", "y", "--z"}));
  EXPECT_EQ(a->text("output"), "table");
}

TEST(Arguments, AnOptionalValueNeverTakesTheNextWord) {
  const auto a = parse_arguments(sample(), {"--wait", "7"});
  ASSERT_TRUE(a);
  EXPECT_TRUE(a->has("wait"));
  EXPECT_EQ(a->integer("wait"), std::nullopt);
  EXPECT_EQ(a->positional(0), "7");
}

TEST(Arguments, WhatFollowsTwoDashesIsACommand) {
  Command command = sample();
  command.rest = "COMMAND…";
  const auto a = parse_arguments(command, {"--name", "x", "--", "python3", "-m", "--name"});
  ASSERT_TRUE(a) << a.error().message();
  EXPECT_EQ(*a->rest(), (std::vector<std::string>{"python3", "-m", "--name"}));
}

TEST(Arguments, HelpNeedsNothingElse) { EXPECT_TRUE(parse_arguments(sample(), {"--help"})->wants_help()); }

TEST(DidYouMean, NamesTheNearest) {
  const std::vector<std::string> names{"deploy", "list", "logs", "status", "sensor run"};
  EXPECT_EQ(did_you_mean("delpoy", names), "deploy");
  EXPECT_EQ(did_you_mean("stauts", names), "status");
  EXPECT_EQ(did_you_mean("lst", names), "list");
  EXPECT_EQ(did_you_mean("sensor rnu", names), "sensor run");
  EXPECT_EQ(did_you_mean("quux", names), std::nullopt);
  EXPECT_EQ(did_you_mean("", names), std::nullopt);
}

// The words of an example as a shell would give them, up to a pipe or a redirection.
std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words{""};
  bool quoted = false;
  for (const char c : line) {
    if (c == '\'') {
      quoted = !quoted;
    } else if (!quoted && (c == '|' || c == '>' || c == '<' || c == '&')) {
      break;
    } else if (c == ' ' && !quoted) {
      if (!words.back().empty()) words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

TEST(Commands, EveryExampleIsAGoodCommandLine) {
  CommandSet commands;
  register_all_commands(commands);
  ASSERT_GT(commands.all().size(), 10u);
  for (const Command& command : commands.all()) {
    EXPECT_FALSE(command.examples.empty()) << command.name;
    for (const Example& example : command.examples) {
      std::vector<std::string> words = words_of(example.line);
      const std::string prefix = "modelyard " + command.name;
      const auto at = example.line.find(prefix);
      ASSERT_NE(at, std::string::npos) << example.line;
      words = words_of(std::string_view(example.line).substr(at + prefix.size()));
      const auto parsed = parse_arguments(command, words);
      EXPECT_TRUE(parsed) << example.line << ": " << (parsed ? "" : parsed.error().message());
    }
  }
}

TEST(Commands, EveryOneIsInTheOverviewTheManualTheCompletionAndTheReference) {
  CommandSet commands;
  register_all_commands(commands);
  const std::string help = overview(commands);
  const std::string manual = manual_page(commands);
  const std::string completion = bash_completion(commands);
  const std::string reference = markdown_reference(commands);
  for (const Command& command : commands.all()) {
    if (command.hidden) continue;
    EXPECT_NE(help.find("\n  " + command.name + " "), std::string::npos) << command.name;
    EXPECT_NE(manual.find(command.summary), std::string::npos) << command.name;
    EXPECT_NE(completion.find(command.name.substr(0, command.name.find(' '))), std::string::npos) << command.name;
    EXPECT_NE(reference.find("## modelyard " + command.name + "\n"), std::string::npos) << command.name;
    EXPECT_NE(command_help(command).find("Examples:"), std::string::npos) << command.name;
  }
}

// Runs a command line against a pipe instead of stdout.
struct Ran {
  int code = 0;
  std::string out;
};
Ran run_line(const std::vector<std::string>& words) {
  CommandSet commands;
  register_all_commands(commands);
  const auto folder = io::TemporaryFolder::make("modelyard-cli").value();
  const auto file = io::open_file(folder.path() / "out", O_RDWR | O_CREAT).value();
  Output output(file.get());
  const int code = run_program(commands, words, output, [](const std::string&) { return std::nullopt; });
  return {code, io::read_file(folder.path() / "out").value()};
}

TEST(Program, ExitCodesOfTheCommandLineItself) {
  EXPECT_EQ(run_line({}).code, kWrongUsage);
  EXPECT_EQ(run_line({"frobnicate"}).code, kWrongUsage);
  EXPECT_EQ(run_line({"sensor"}).code, kWrongUsage);
  EXPECT_EQ(run_line({"scale", "dga"}).code, kWrongUsage);
  EXPECT_EQ(run_line({"logs", "../x"}).code, kWrongUsage);
  EXPECT_EQ(run_line({"logs", "dga@"}).code, kWrongUsage);
  EXPECT_EQ(run_line({"logs", "dga@1", "--version", "2"}).code, kWrongUsage);
  EXPECT_EQ(run_line({"status", "--server", "ftp://x"}).code, kWrongUsage);
  EXPECT_EQ(run_line({"--help"}).code, kDone);
  EXPECT_EQ(run_line({"deploy", "--help"}).code, kDone);
  EXPECT_NE(run_line({"version"}).out.find("modelyard 0."), std::string::npos);
}

TEST(Program, EveryErrorCodeHasAnExitCode) {
  EXPECT_EQ(exit_code_of(ErrorCode::kNotFound), 3);
  EXPECT_EQ(exit_code_of(ErrorCode::kUnavailable), 4);
  EXPECT_EQ(exit_code_of(ErrorCode::kDeadline), 4);
  EXPECT_EQ(exit_code_of(ErrorCode::kInvalidArgument), 1);
  EXPECT_EQ(exit_code_of(ErrorCode::kFailed), 1);
}

TEST(Table, AlignsColumnsByCharactersNotBytes) {
  Table table({"NAME", "N", "TEXT"});
  table.right(1);
  table.row({"é", "7", "x"});
  table.row({"longer", "123", ""});
  EXPECT_EQ(table.str(), "NAME      N  TEXT\né         7  x\nlonger  123\n");
}

TEST(Printable, ControlCharactersDoNotReachTheTerminal) {
  EXPECT_EQ(printable("a\x1b[31mb\tc\r\n"), "a\\x1b[31mb\tc\\x0d\n");
}

TEST(ListenAddress, Forms) {
  EXPECT_EQ(listen_address("127.0.0.1:8800")->host, "127.0.0.1");
  EXPECT_EQ(listen_address("[::1]:0")->host, "::1");
  EXPECT_EQ(listen_address(":80")->host, "0.0.0.0");
  EXPECT_EQ(listen_address("9000")->port, 9000);
  for (const char* bad : {"", "x", "host:", "host:70000", "::1:80", "host:-1"})
    EXPECT_FALSE(listen_address(bad)) << bad;
}

TEST(Target, LeavesOutWhatIsEmptyAndEncodesTheRest) {
  EXPECT_EQ(target_with("/a", {{"x", ""}, {"y", "1 2&"}}), "/a?y=1+2%26");
  EXPECT_EQ(target_with("/a", {{"x", ""}}), "/a");
}

}  // namespace
}  // namespace modelyard::cli
