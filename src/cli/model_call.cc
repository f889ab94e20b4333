// SPDX-License-Identifier: Apache-2.0
#include "cli/model_call.h"

#include "cli/cluster.h"
#include "client/feed.h"
#include "client/model_client.h"
#include "http/message.h"
#include "io/task.h"

namespace modelyard::cli {
namespace {

constexpr seconds kSnapshotWithin{5};
constexpr seconds kQuorumWithin{10};
constexpr milliseconds kCloseWithin{300};

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

client::FeedOptions feed_options(const ServerAddress& server, http::Origin origin) {
  client::FeedOptions options{.server = std::move(origin)};
  options.token = server.token;
  return options;
}

io::Task<Result<std::string>> call_told(client::EndpointSource& source, client::Directory& directory,
                                        http::Client& http, const ModelCallRequest& request, bool& reached) {
  source.start();
  const Status told = co_await source.wait_for_snapshot(system_clock().now() + kSnapshotWithin);
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
  co_await source.stop();
  co_return answer;
}

io::Task<Result<std::string>> call_by_server(io::Loop& loop, const ServerAddress& server,
                                             const ModelCallRequest& request, bool& reached) {
  MY_CO_TRY(http::Origin origin, http::Origin::of(server.url));
  client::Directory directory(system_clock(), Random::from_system());
  http::Client http(loop);
  client::FeedOptions options = feed_options(server, std::move(origin));
  if (const Status there = co_await look(http, options); !there) co_return fail(there.error());
  client::Feed feed(loop, http, directory, Random::from_system(), std::move(options));
  co_return co_await call_told(feed, directory, http, request, reached);
}

io::Task<Result<std::string>> call_by_zookeeper(io::Loop& loop, const client::ZookeeperAddress& address,
                                                const ModelCallRequest& request, bool& reached) {
  MY_CO_TRY(const auto session, open_session(loop, address));
  Result<std::string> answer = std::string();
  const Status there = co_await reach(*session, address.quorum, system_clock().now() + kQuorumWithin);
  if (there) {
    client::Directory directory(system_clock(), Random::from_system());
    http::Client http(loop);
    client::ZookeeperFeed feed(loop, *session, directory, address.zk_root, system_clock());
    answer = co_await call_told(feed, directory, http, request, reached);
  } else {
    answer = fail(there.error());
  }
  co_await session->close(system_clock().now() + kCloseWithin);
  co_return answer;
}

}  // namespace

Result<std::string> call_model(const EndpointPlace& place, const ModelCallRequest& request, bool& reached) {
  io::Loop loop;
  reached = false;
  if (place.zookeeper) return io::run_blocking(loop, call_by_zookeeper(loop, *place.zookeeper, request, reached));
  return io::run_blocking(loop, call_by_server(loop, place.server, request, reached));
}

}  // namespace modelyard::cli
