// SPDX-License-Identifier: Apache-2.0
#include "cli/model_call.h"

#include "client/feed.h"
#include "client/model_client.h"
#include "http/message.h"
#include "io/task.h"

namespace modelyard::cli {
namespace {

constexpr seconds kSnapshotWithin{5};

// The feed tries again until its time is up, for a server that is starting; a person wants to know at once that there
// is none.
io::Task<Status> look(http::Client& http, const client::FeedOptions& options) {
  http::ClientRequest request{.origin = options.server, .target = "/api/v1/info"};
  if (!options.token.empty()) request.headers.add("authorization", "Bearer " + options.token);
  MY_CO_TRY(const http::ClientResponse response,
            co_await http.fetch(std::move(request), system_clock().now() + kSnapshotWithin));
  if (response.status == 401 || response.status == 403) co_return fail(http::error_of(response.status, response.body));
  co_return Status();
}

io::Task<Result<std::string>> call(io::Loop& loop, client::FeedOptions options, const ModelCallRequest& request,
                                   bool& reached) {
  client::Directory directory(system_clock(), Random::from_system());
  http::Client http(loop);
  if (const Status there = co_await look(http, options); !there) co_return fail(there.error());
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
    auto got = co_await models.call(request.model.name, version, request.function, std::move(arguments),
                                    {.deadline = request.deadline});
    if (got)
      answer = std::move(got->body);
    else
      answer = fail(std::move(got).error());
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
  return io::run_blocking(
      loop, call(loop, {.server = std::move(origin), .token = server.token}, request, server_was_reached));
}

}  // namespace modelyard::cli
