// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "base/clock.h"
#include "cli/model_call.h"
#include "json/tree.h"

namespace modelyard::cli {
namespace {

// [FUNCTION] [k=v …]: the first word without '=' is the function.
Result<ModelCallRequest> request_of(Invocation& invocation) {
  const std::vector<std::string>& words = invocation.arguments().positionals();
  ModelCallRequest request;
  MY_TRY(request.model, model_name(invocation, words[0]));
  bool has_function = false;
  for (size_t i = 1; i < words.size(); ++i) {
    const size_t equals = words[i].find('=');
    if (equals == 0) return invocation.wrong_usage(fmt::format("'{}' has no name before its =", words[i]));
    if (equals != std::string::npos) {
      request.arguments.emplace_back(words[i].substr(0, equals), words[i].substr(equals + 1));
    } else if (!has_function) {
      request.function = words[i];
      has_function = true;
    } else {
      return invocation.wrong_usage(
          fmt::format("'{}' is no k=v, and {} is the function already", words[i], request.function));
    }
  }
  request.deadline = milliseconds(*invocation.arguments().integer("timeout"));
  return request;
}

Status run(Invocation& invocation) {
  MY_TRY(const ModelCallRequest request, request_of(invocation));
  MY_TRY(const EndpointPlace place, endpoint_place(invocation));
  bool reached = false;
  const std::string shown =
      request.model.version.empty() ? request.model.name : request.model.name + "@" + request.model.version;
  invocation.doing("call " + shown);
  auto answer = call_model(place, request, reached);
  if (!answer) {
    const ErrorCode code = answer.error().code();
    if (!reached) {
      if (!place.zookeeper) return fail(std::move(answer).error().with_context(place.server.url));
      invocation.advise(ErrorCode::kUnavailable,
                        fmt::format("`modelyard doctor --zk {}` looks at each server.", place.zookeeper->quorum));
      return fail(std::move(answer).error());
    }
    // The server was there: whatever went wrong is the model's, but for a name that nobody knows.
    if (code != ErrorCode::kNotFound) {
      invocation.exit_with(kFailed);
      invocation.next_step(fmt::format("`modelyard status {0}` and `modelyard logs {0}` say how it does.", shown));
    }
    return fail(std::move(answer).error());
  }
  const auto tree = json::parse(*answer);
  if (tree && invocation.out().is_terminal()) {
    invocation.out().json(*tree);
  } else {
    invocation.out().line(*answer);
  }
  return {};
}

}  // namespace

void register_call(CommandSet& commands) {
  commands.add(
      {.name = "call",
       .group = "Models",
       .summary = "call a model and print its answer",
       .text = "Calls one instance of the model through the client library, as sensors and the gateway do: one of the "
               "registered instances, tried once more on another if it fails. FUNCTION is one of the model's aliases, "
               "else a "
               "path; default apply. No version is the greatest. With --zk no controller needs to run. Prints the JSON "
               "answer; a call that fails is exit 1.",
       .positionals = {{.name = "N[@V]", .text = "the model"},
                       {.name = "FUNCTION|k=v",
                        .text = "the function, and the call's arguments",
                        .required = false,
                        .repeatable = true}},
       .options = std::vector<Option>{version_option(),
                                      {.name = "timeout",
                                       .kind = Option::Kind::kInteger,
                                       .value = "MS",
                                       .text = "milliseconds that the call may take",
                                       .fallback = "2000",
                                       .least = 1,
                                       .most = 3'600'000},
                                      output_option()} +
                  server_options(),
       .examples = {{"modelyard call dga host=yahoo.com", "what does it say of a host?"},
                    {"modelyard call dga@1.0 explain host=yahoo.com", "another function of one version"}},
       .run = run});
}

}  // namespace modelyard::cli
