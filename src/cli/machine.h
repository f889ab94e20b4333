// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/invocation.h"

namespace modelyard::cli {

// --data, else $XDG_DATA_HOME/modelyard, else ~/.local/share/modelyard. Absolute.
Result<std::filesystem::path> data_folder(const Invocation& invocation);
// gethostname(2), and its canonical form where that differs; the first is the one to show.
std::vector<std::string> host_names();
// modelyard-runner: beside this program, or in ../libexec/modelyard. kNotFound says where it was looked for.
Result<std::filesystem::path> runner_program();

// --listen: "127.0.0.1:8800", "[::1]:0", "localhost:8800", ":8800" (all addresses), "8800". kInvalidArgument tells the
// form.
struct ListenAddress {
  std::string host;
  uint16_t port = 0;
};
Result<ListenAddress> listen_address(std::string_view text);

// One thing that `modelyard doctor` looked at.
struct Finding {
  enum class Kind { kGood, kNote, kProblem };
  Kind kind = Kind::kGood;
  std::string what;
  std::string text;
  std::string advice;  // what to do; "" when nothing
};
// Of this machine: kernel, limits, programs, the data folder. Blocks for a few milliseconds.
std::vector<Finding> examine_machine(const std::filesystem::path& data);

}  // namespace modelyard::cli
