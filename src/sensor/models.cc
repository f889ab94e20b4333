// SPDX-License-Identifier: Apache-2.0
#include "sensor/models.h"

#include "client/feed.h"
#include "client/zookeeper_feed.h"
#include "configuration/folder.h"

namespace modelyard::sensor {

bool calls_models(const configuration::SensorConfig& config) {
  const auto names_one = [](const configuration::DocumentPtr& document) {
    return document && json::dump(document->root()).find("MAAS_") != std::string::npos;
  };
  return names_one(config.parser.document) || names_one(config.enrichment.document) ||
         names_one(config.global.document);
}

Models::Models(io::Loop& loop, http::Client& http, const Clock& clock)
    : loop_(loop),
      http_(http),
      clock_(clock),
      directory_(clock, Random::from_system()),
      client_(directory_, http, clock) {}

io::Task<Status> Models::start(const ServerAddress& server, milliseconds wait, int failures_max) {
  if (server.zookeeper) {
    MY_CO_TRY(feed_, client::ZookeeperFeed::open(loop_, *server.zookeeper, directory_, Random::from_system(), clock_));
  } else {
    client::FeedOptions options;
    MY_CO_TRY(options.server, http::Origin::of(server.url));
    options.token = server.token;
    feed_ = std::make_unique<client::Feed>(loop_, http_, directory_, Random::from_system(), std::move(options));
  }
  feed_->start();
  co_return co_await feed_->wait_for_snapshot(clock_.now() + wait, failures_max);
}

io::Task<void> Models::stop() {
  if (feed_) co_await feed_->stop();
}

std::optional<stellar::ModelEndpoint> Models::find_endpoint(std::string_view name,
                                                            std::optional<std::string_view> version) {
  const client::InstancePtr chosen = directory_.choose(name, version, client::Directory::Policy::kUniform);
  if (!chosen) return std::nullopt;
  const registry::Endpoint& endpoint = chosen->endpoint;
  return stellar::ModelEndpoint{
      endpoint.name, endpoint.version, endpoint.url, {endpoint.functions.begin(), endpoint.functions.end()}};
}

io::Task<Result<std::string>> Models::call(pipeline::ModelCall call) {
  client::ModelClient::EndpointMap endpoint{call.model, call.version, call.url, {{call.function, call.path}}};
  client::Arguments arguments;
  for (auto& [key, value] : call.query) arguments.emplace_back(std::move(key), std::move(value));
  auto answer = co_await client_.call_endpoint(std::move(endpoint), call.function, std::move(arguments));
  if (!answer) co_return fail(std::move(answer).error());
  co_return std::move(answer->body);
}

}  // namespace modelyard::sensor
