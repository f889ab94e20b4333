// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "client/directory.h"
#include "client/endpoint_source.h"
#include "client/model_client.h"
#include "http/client.h"
#include "io/task.h"
#include "pipeline/record.h"
#include "sensor/sensor.h"
#include "stellar/capabilities.h"

namespace modelyard::configuration {
struct SensorConfig;
}

namespace modelyard::sensor {

// Whether an expression of the sensor's documents names a function of models (MAAS_…).
bool calls_models(const configuration::SensorConfig& config);

// The models that a server or ZooKeeper knows, as expressions see them: endpoints from a snapshot that it pushes, so
// finding one never waits; calls over HTTP. Confined to its loop.
//
// Lifecycle: start() when the sensor calls models at all, then co_await stop() before destruction.
class Models final : public stellar::Capabilities {
 public:
  Models(io::Loop& loop, http::Client& http, const Clock& clock);

  // Returns once the first snapshot is there; an error tells why it did not come in time: the feed keeps trying, and
  // until then no model is known.
  io::Task<Status> start(const ServerAddress& server, milliseconds wait, int failures_max);
  io::Task<void> stop();

  bool has_models() const override { return true; }
  std::optional<stellar::ModelEndpoint> find_endpoint(std::string_view name,
                                                      std::optional<std::string_view> version) override;
  const Clock& clock() const override { return clock_; }

  io::Task<Result<std::string>> call(pipeline::ModelCall call);

 private:
  io::Loop& loop_;
  http::Client& http_;
  const Clock& clock_;
  client::Directory directory_;
  client::ModelClient client_;
  std::unique_ptr<client::EndpointSource> feed_;
};

}  // namespace modelyard::sensor
