// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "base/result.h"
#include "cli/output.h"
#include "stellar/session.h"

namespace modelyard::cli {

// The conversation at a terminal: line editing (libedit), history in `history_file` (left out when empty), completion
// with the tab key; ^C stops an evaluation or clears the line, ^D ends. Returns at the end of the input.
void run_repl(stellar::Session& session, Output& out, const std::filesystem::path& history_file);

// The same without a terminal: lines of standard input, no prompt. kFailed at the end if any of them failed.
Status run_script(stellar::Session& session, Output& out);

}  // namespace modelyard::cli
