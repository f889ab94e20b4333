// SPDX-License-Identifier: Apache-2.0
#include "cli/stellar_models.h"

#include <fmt/format.h>

#include "cli/sensor_options.h"
#include "http/client.h"
#include "io/task.h"
#include "sensor/models.h"
#include "stellar/json_value.h"

namespace modelyard::cli {
namespace {

constexpr milliseconds kServerWithin{2'000};
constexpr int kFailuresMax = 1;  // a person wants to know at once that there is no server

}  // namespace

struct StellarModels::State {
  io::Loop loop;
  http::Client http{loop};
  sensor::Models models{loop, http, system_clock()};
};

StellarModels::StellarModels(EndpointPlace place) : place_(std::move(place)) {}

StellarModels::~StellarModels() {
  if (state_) io::run_blocking(state_->loop, state_->models.stop());
}

StellarModels::State& StellarModels::state() {
  if (!state_) {
    state_ = std::make_unique<State>();
    const sensor::ServerAddress address{
        .url = place_.server.url, .token = place_.server.token, .zookeeper = place_.zookeeper};
    const std::string shown = place_.zookeeper ? "ZooKeeper " + place_.zookeeper->quorum : place_.server.url;
    const Status reached = io::run_blocking(state_->loop, state_->models.start(address, kServerWithin, kFailuresMax));
    if (!reached) notice(fmt::format("no model is known: {}: {}", shown, reached.error().message()));
  }
  return *state_;
}

std::optional<stellar::ModelEndpoint> StellarModels::find_endpoint(std::string_view name,
                                                                   std::optional<std::string_view> version) {
  return state().models.find_endpoint(name, version);
}

std::function<stellar::Value(const stellar::CallRequest&, stellar::Arena&)> StellarModels::answer() {
  return [this](const stellar::CallRequest& request, stellar::Arena& arena) -> stellar::Value {
    if (request.kind != stellar::CallRequest::Kind::kModel) return {};
    pipeline::ModelCall call{.id = 1,
                             .model = std::string(request.model),
                             .version = std::string(request.version),
                             .url = std::string(request.url),
                             .function = std::string(request.function),
                             .path = std::string(request.path)};
    for (const auto& [key, value] : request.query) call.query.emplace_back(key, value);
    State& here = state();
    const auto body = io::run_blocking(here.loop, here.models.call(std::move(call)));
    if (!body) {
      notice(body.error().message());
      return {};
    }
    return stellar::value_from_json(arena, *body).value_or(stellar::Value());
  };
}

}  // namespace modelyard::cli
