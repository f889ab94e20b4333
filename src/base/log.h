// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <spdlog/spdlog.h>

#include <string_view>

namespace modelyard::log {

enum class Format { kText, kJson };

// Sends the process's log to stderr, one line a record. Called once from main, before threads. Everything logs through
// spdlog's default logger: spdlog::info("deployment {}@{} is ready", name, version). A secret never goes into a log
// call.
void start(Format format, std::string_view level);

}  // namespace modelyard::log
