// SPDX-License-Identifier: Apache-2.0
#include "cli/model_call.h"

#include "client/feed.h"
#include "client/model_client.h"
#include "io/task.h"

namespace modelyard::cli {
namespace {

constexpr seconds kSnapshotWithin{5};

io::Task<Result<std::string>> call(io::Loop& loop, client::FeedOptions options, const ModelCallRequest& request, bool& reached) {
  client::Directory directory(system_clock(), Random::from_system());
  http::Client http(loop);
  client::Feed feed(loop, http, directory, Random::from_system(), std::move(options));
  feed.start();
  const Status told = co_await feed.wait_for_snapshot(system_clock().now() + kSnapshotWithin);
  reached = told.has_value();
  Result<std::string> answer = std::string();
  if (told) {
    client::ModelClient models(directory, http, system_clock());
    client::Arguments arguments;
    for (const auto& [key, value] : request.arguments) arguments.emplace_back(key, value);
    std::optional<std::string> version;
    if (!request.model.version.empty()) version = request.model.version;
    auto got = co_await models.call(request.model.name, version, request.function, std::move(arguments), {.deadline = request.deadline});
    if (got) answer = std::move(got->body);
    else answer = fail(std::move(got).error());
  } else {
    answer = fail(told.error());
  }
  co_await feed.stop();
  co_return answer;
}

}  // namespace

Result<std::string> call_model(const ServerAddress& server, const ModelCallRequest& request, bool& server_was_reached) {
  MY_TRY(http::Origin origin, http::Origin::of(server.url));
  io::Loop loop;
  server_was_reached = false;
  return io::run_blocking(loop, call(loop, {.server = std::move(origin), .token = server.token}, request, server_was_reached));
}

}  // namespace modelyard::cli
