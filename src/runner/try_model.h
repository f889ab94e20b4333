// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace modelyard::runner {

// `modelyard run`: a model tried with no server. The same preparation, environment and judgement as a deployed instance
// has.
struct TryOptions {
  std::filesystem::path payload;  // an ordinary payload folder (payloads/packagers.h makes one of any source)
  std::string name = "model";
  std::string version = "1";
  std::map<std::string, std::string> env;           // --env
  std::map<std::string, std::string> deployer_env;  // this process's environment; what is not kept is scrubbed
  std::string health_path;
  int64_t memory_mb = 0;
  std::string function = "apply";  // an alias first, then a path
  std::vector<std::pair<std::string, std::string>> arguments;
  milliseconds endpoint_wait{60'000};
  milliseconds call_time{10'000};
  // What the model prints, as it comes, on another thread than the caller's. May be empty.
  std::function<void(bool is_stderr, std::string_view bytes)> on_output;
  // What happens, a line each ("rest.sh started, process 4711"), on the caller's thread. May be empty.
  std::function<void(const std::string& line)> on_step;
};

struct TriedCall {
  std::string url;  // whole, with its arguments
  int status = 0;
  std::string body;
  int64_t took_us = 0;
};

struct TryVerdict {
  bool good = false;    // it became ready, and the call gave 200 with a JSON object
  std::string problem;  // what is wrong, and what to do; empty when good
  std::string script;
  std::string url;  // as clients would see it; empty if it did not become ready
  std::map<std::string, std::string> functions;
  int64_t ready_after_ms = 0;
  std::optional<TriedCall> call;
  std::vector<std::string> notes;  // not wrong, but good to know
};

// Blocks until the verdict; the model's whole tree is gone then. SIGINT and SIGTERM end it with kCancelled. Only before
// the process has made threads of its own. An error: it could not be tried at all (no .sh, no space).
Result<TryVerdict> try_model(const TryOptions& options);

}  // namespace modelyard::runner
