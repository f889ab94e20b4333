// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "api/endpoint_hub.h"
#include "api/render.h"
#include "http/message.h"
#include "io/task.h"

namespace modelyard::api {

// Carries the controller's changes to the loop that serves watchers. Confined to its loop (the HTTP one); start() and
// stop() there.
class Hub {
 public:
  Hub(io::Loop& loop, io::Loop& controller_loop, controller::Controller& controller);
  ~Hub();
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  io::Task<void> start();
  io::Task<void> stop();

  // Bodies of the two streams of docs/api.md; they end when the watcher goes or the hub stops.
  io::Task<void> watch_endpoints(http::SseStream& stream);
  io::Task<void> watch_deployments(http::SseStream& stream);

  int endpoint_watchers() const;

 private:
  struct Shared;
  io::Task<void> refresh_deployments();

  io::Loop& loop_;
  io::Loop& controller_loop_;
  controller::Controller& controller_;
  std::shared_ptr<Shared> shared_;
  io::Scope scope_;
};

}  // namespace modelyard::api
